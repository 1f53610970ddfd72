"""A kubeconfig that cannot be used is said in a sentence that names it; a log-in helper's own words are passed on."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mldeploy.errors import TargetUnavailable
from jupyter_mldeploy.spec import Target, TargetKind
from jupyter_mldeploy.targets.kubernetes.client import Cluster
from jupyter_mldeploy.targets.kubernetes.connection import connect

TARGET = Target(TargetKind.KUBERNETES, None, None)


def config(user: dict[str, Any], **cluster: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9", **cluster}}],
            "users": [{"name": "u", "user": user}],
        }
    )


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "the.kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def listening() -> Iterator[str]:
    """An address that can be connected to, and that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    "content",
    [
        b"{{{",
        b"\x00\xff\xfe binary \x80",
        b"[]",
        b"just text",
        b"",
        config({}, **{"certificate-authority-data": "not base64!"}).encode(),
        config({"client-certificate": "/nowhere/at/all", "client-key": "/nowhere/at/all"}).encode(),
    ],
    ids=["no YAML", "binary", "a list", "a word", "empty", "no base64", "missing files"],
)
def test_one_that_cannot_be_used_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(TargetUnavailable) as refused:
        Cluster(TARGET).list("Pod")
    assert str(file) in refused.value.summary or "certificate" in refused.value.summary
    assert "\n" not in refused.value.summary
    assert "kubectl version" in refused.value.hint


def test_what_a_log_in_helper_says_is_passed_on(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\necho 'please log in first' >&2\nexit 3\n")
    helper.chmod(0o755)
    file.write_text(config({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(helper)}}))
    with pytest.raises(
        TargetUnavailable, match=r"log-in helper of the kubeconfig context 'here' failed: .*please log in"
    ):
        connect(TARGET)
    assert not caplog.records


def test_an_authority_that_is_no_certificate_is_told_as_such(file: Path, listening: str) -> None:
    nonsense = base64.b64encode(b"no certificate").decode()
    file.write_text(config({}, server=f"https://{listening}", **{"certificate-authority-data": nonsense}))
    with pytest.raises(
        TargetUnavailable, match="the certificate authority that its kubeconfig names is no certificate"
    ):
        Cluster(TARGET).list("Pod")


def test_a_token_of_other_letters_is_told_as_such(file: Path, listening: str) -> None:
    file.write_text(config({"token": "ключ"}, server=f"http://{listening}"))
    with pytest.raises(TargetUnavailable, match="credentials of the kubeconfig context 'here' have characters"):
        Cluster(TARGET).list("Pod")
