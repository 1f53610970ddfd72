"""What the host's network settings become in a build; passwords are never shown."""

from __future__ import annotations

import json
from pathlib import Path

import certifi
import pytest

from jupyter_mldeploy.errors import InvalidValue
from jupyter_mldeploy.images.surroundings import Surroundings, look_around

OWN = "-----BEGIN CERTIFICATE-----\nb3du\n-----END CERTIFICATE-----"


def around(home: Path, ca_bundle: str = "", **variables: str) -> Surroundings:
    return look_around(ca_bundle, environment={"PIP_CONFIG_FILE": "/dev/null", **variables}, home=home)


def test_nothing_set_is_nothing_given(tmp_path: Path) -> None:
    assert around(tmp_path) == Surroundings()


def test_a_proxy_of_the_environment_in_both_spellings(tmp_path: Path) -> None:
    found = around(tmp_path, https_proxy="http://me:secret@proxy:3128", NO_PROXY="localhost")
    assert found.proxies == {
        "HTTPS_PROXY": "http://me:secret@proxy:3128",
        "https_proxy": "http://me:secret@proxy:3128",
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
    }
    assert any("HTTPS_PROXY=" in note and "from the environment" in note for note in found.notes)
    assert "secret" not in " ".join(found.notes)


def test_dockers_configuration_goes_first(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    proxies = {"proxies": {"default": {"httpProxy": "http://docker:1", "noProxy": "corp"}}}
    (tmp_path / ".docker/config.json").write_text(json.dumps(proxies))
    found = around(tmp_path, HTTP_PROXY="http://other:2")
    assert found.proxies["HTTP_PROXY"] == "http://docker:1"
    assert any("Docker's client configuration" in note for note in found.notes)


@pytest.mark.parametrize("text", ["", "{", '{"proxies": 3}', '{"proxies": {"default": null}}'])
def test_a_broken_configuration_of_docker_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(text)
    assert around(tmp_path).proxies == {}


def test_no_proxy_alone_is_no_proxy(tmp_path: Path) -> None:
    assert around(tmp_path, NO_PROXY="localhost").proxies == {}


@pytest.mark.parametrize("variable", ["setting", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_hosts_certificates_and_the_usual_ones(tmp_path: Path, variable: str) -> None:
    path = tmp_path / "corp.pem"
    path.write_text(f"Corp Root\n{OWN}\n{OWN}\n")
    found = around(tmp_path, str(path)) if variable == "setting" else around(tmp_path, **{variable: str(path)})
    assert found.ca_bundle.count(b"b3du") == 1
    usual = Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")
    assert found.ca_bundle.count(b"BEGIN CERTIFICATE") == usual + 1
    assert b"Corp Root" not in found.ca_bundle
    assert f"certificates of {path}" in found.notes[0]


def test_a_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corp.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----")
    with pytest.raises(InvalidValue, match="it holds no certificate in PEM form"):
        around(tmp_path, str(path))
    with pytest.raises(InvalidValue, match="it cannot be read: No such file"):
        around(tmp_path, str(tmp_path / "nowhere"))


def test_where_pip_finds_packages(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text(
        "[global]\nindex-url = https://me:secret@index.example/simple\nfind-links = /srv/wheels https://w.example\n"
        "[install]\ntrusted-host =\n    one\n    two\n[list]\nformat = json\n"
    )
    found = around(tmp_path, PIP_CONFIG_FILE=str(path), PIP_TIMEOUT="60")
    text = found.pip_conf.decode()
    assert "index-url = https://me:secret@index.example/simple" in text
    assert "find-links = https://w.example\n" in text
    assert "trusted-host = one two" in text
    assert "timeout = 60" in text
    assert "format" not in text
    assert "secret" not in " ".join(found.notes)


def test_secrets_are_not_in_what_a_program_shows_of_it(tmp_path: Path) -> None:
    path = tmp_path / "pip.conf"
    path.write_text("[global]\nindex-url = https://me:secret@index.example/simple\n")
    assert "secret" not in repr(around(tmp_path, PIP_CONFIG_FILE=str(path)))
