"""The image: what people do with one by hand, what it is made of, and what it never holds."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jupyter_mldeploy import register_model
from jupyter_mldeploy.config import MLDeploy
from jupyter_mldeploy.images.engine import Engine

from ..contract.scripts import ADDING, READS_MODEL, edited
from .conftest import Deploy, Heard, Ran, both_builders, once, unique
from .forward_proxy import ForwardProxy
from .under_test import ContainerUnderTest

BY_HAND = READS_MODEL + "\nif __name__ == '__main__':\n    init()\n    print('by hand:', run(None))\n"


def words(folder: Path, text: str) -> Path:
    path = folder / "words.txt"
    path.write_text(text)
    return path


def in_image(engine: Engine, image: str, *command: str, **options: object) -> str:
    """``docker run --rm IMAGE COMMAND``, as whoever pulled it would; its output."""
    made = engine.api.create_container(image, list(command), host_config=engine.api.create_host_config(**options))
    try:
        engine.api.start(made["Id"])
        code = engine.api.wait(made["Id"])["StatusCode"]
        said = engine.api.logs(made["Id"]).decode()
        assert code == 0, said
        return said
    finally:
        engine.api.remove_container(made["Id"], force=True)


@contextmanager
def served(engine: Engine, image: str, port: int) -> Iterator[str]:
    """``docker run -p PORT:5001 IMAGE``; the address of its scoring, once it listens."""
    bound = engine.api.create_host_config(port_bindings={5001: ("127.0.0.1", port)})
    made = engine.api.create_container(image, ports=[5001], host_config=bound)
    try:
        engine.api.start(made["Id"])
        for line in engine.api.logs(made["Id"], stream=True, follow=True):
            if b"Listening on" in line:
                break
        yield f"http://127.0.0.1:{port}/score"
    finally:
        engine.api.remove_container(made["Id"], force=True)


@pytest.fixture
def image(deployed: Deploy, tmp_path: Path) -> str:
    """An image with a model and a requirement, built and not run."""
    register_model("words", words(tmp_path, "hello"))
    (tmp_path / "requirements.txt").write_text("six==1.17.0\n")
    made = deployed(BY_HAND, models=["words"], environment=tmp_path / "requirements.txt", until="build")
    return str(made.record.details["image"])


def test_what_the_documents_do_by_hand(engine: Engine, image: str) -> None:
    assert in_image(engine, image, "pip", "freeze").split() == ["six==1.17.0"]
    assert "by hand: hello" in in_image(engine, image, "python", "score.py")
    code = "from azureml.core.model import Model; print(Model.get_model_path('words'))"
    assert in_image(engine, image, "python", "-c", code).strip() == "/var/azureml-app/azureml-models/words/1/words.txt"
    assert "by hand" in in_image(engine, image, "bash", "-c", "cd / && python $AML_APP_ROOT/$AZUREML_ENTRY_SCRIPT")
    assert in_image(engine, image, "id", "-u").strip() == "10001"
    assert in_image(engine, image, "bash", "-c", "cat $AZUREML_MODEL_DIR/words.txt") == "hello"


def test_it_serves_wherever_it_is_run(engine: Engine, image: str, free_port: int) -> None:
    with (
        served(engine, image, free_port) as uri,
        urllib.request.urlopen(urllib.request.Request(uri, b"{}"), timeout=30) as answer,
    ):
        assert json.load(answer) == "hello"


def test_it_needs_no_file_system_that_can_be_written(engine: Engine, image: str) -> None:
    assert "by hand: hello" in in_image(engine, image, "python", "score.py", read_only=True, cap_drop=["ALL"])


def test_the_same_inputs_build_nothing_a_second_time(
    engine: Engine, image: str, deployed: Deploy, heard: Heard
) -> None:
    known = engine.has_image(image)
    again = deployed(models=["words"], environment=Path("requirements.txt"), until="build", sink=heard)
    assert again.record.details["image"] == image
    assert engine.has_image(image) == known
    assert heard.of("build", "log") == []
    (told,) = heard.of("build", "finished")
    assert told.message.endswith("nothing to build")


@pytest.mark.parametrize("builder", ["classic", "automatic", "buildx"], indirect=True)
def test_an_edited_script_installs_nothing(builder: str, deployed: Deploy, heard: Heard) -> None:
    deployed(until="build")
    deployed(unique(edited(ADDING, "+ 1", "+ 2")), until="build", sink=heard)
    commands = [event.data["command"].split()[0] for event in heard.of("build", "progress")]
    assert commands == ["FROM", "COPY", "ENV", "LABEL"]
    assert [event.data["step"] for event in heard.of("build", "progress")] == [1, 2, 3, 4]
    (told,) = heard.of("build", "finished")
    assert told.message.endswith("built script")


def test_what_amlignore_names_stays_at_home(deployed: Deploy, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("helper.py", "notes.md", "huge.csv"):
        (folder / name).write_text("NUMBER = 7\n")
    (folder / ".amlignore").write_text("*.csv\nnotes.*\n")
    made = deployed("import helper\ndef init(): pass\ndef run(data): return helper.NUMBER\n", source_directory=folder)
    assert made.run("{}") == 7
    found = in_image(engine, str(made.record.details["image"]), "ls", "-A").split()
    assert "helper.py" in found
    assert not {"notes.md", "huge.csv"} & set(found)


@pytest.mark.timeout(600)
def test_a_base_image_with_a_user_of_our_name_and_a_group_of_our_number(
    deployed: Deploy,
    target: ContainerUnderTest,
    made_of: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = "RUN groupadd --gid 10001 some && groupadd mldeploy && useradd --gid mldeploy mldeploy"
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", made_of(f"FROM {target.base}", users, "USER mldeploy"))
    MLDeploy.clear_instance()
    made = deployed("import getpass\ndef init(): pass\ndef run(data): return getpass.getuser()\n")
    assert made.run("{}") == "mldeploy-10001"


def test_the_image_of_a_service_as_base_image(
    deployed: Deploy, target: ContainerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = deployed(until="build", name="first")
    monkeypatch.setenv("MLDEPLOY_BASE_IMAGE", str(first.record.details["image"]))
    MLDeploy.clear_instance()
    assert deployed().run({"x": 1})["sum"] == 2  # its user has our number


def test_the_container_is_held_tight(deployed: Deploy, engine: Engine) -> None:
    made = deployed(memory="300Mi", cpu=0.5, replicas=2)
    found = engine.api.inspect_container(made.record.details["container"])
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert found["Config"]["User"] == "10001:10001"
    assert host["Memory"] == (2 * 300 + 64) * 1024**2
    assert host["NanoCpus"] == 10**9
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert {binding["HostIp"] for bound in host["PortBindings"].values() for binding in bound} == {"127.0.0.1"}
    token = made._records.secrets("adder")["admin_token"]
    assert token not in json.dumps(found["Config"]["Labels"])
    assert token not in (made._records.folder("adder") / "service.json").read_text()


@both_builders
def test_the_network_of_the_host_reaches_the_build_and_leaves_no_secret(
    builder: str,
    deployed: Deploy,
    engine: Engine,
    heard: Heard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mldeploy: Callable[..., Ran],
) -> None:
    index = _index_of_pip()
    with ForwardProxy() as proxy:
        gateway = engine.api.inspect_network("bridge")["IPAM"]["Config"][0]["Gateway"]
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:hushhush@{gateway}:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hushhush@{gateway}:{proxy.port}")
        monkeypatch.setenv("PIP_INDEX_URL", index.replace("://", "://me:psstpsst@", 1))
        (tmp_path / "requirements.txt").write_text(once("six==1.16.0"))
        made = deployed(environment=tmp_path / "requirements.txt", until="build", sink=heard)
        assert proxy.asked, "pip went past the proxy"
    lines = "\n".join(event.message for event in heard.of("build", "log"))
    assert "The build uses HTTPS_PROXY=" in lines
    image = str(made.record.details["image"])
    known = json.dumps([engine.api.inspect_image(image), engine.api.history(image)])
    files = in_image(engine, image, "bash", "-c", "cat /etc/pip.conf ~/.config/pip/pip.conf; env; true")
    kept = "\n".join(path.read_text() for path in (tmp_path / "home").rglob("*.json"))
    for place in (known, files, kept, lines, made.logs(build=True), mldeploy("image", "adder", "--dockerfile").out):
        assert "hushhush" not in place
        assert "psstpsst" not in place


def _index_of_pip() -> str:
    import subprocess
    import sys

    words = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return said or "https://pypi.org/simple"


def test_certificates_of_the_host_are_trusted_inside(
    deployed: Deploy, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import certifi

    bundle = tmp_path / "corp.pem"
    usual = Path(certifi.where()).read_text()
    first = usual[usual.index("-----BEGIN") : usual.index("-----END CERTIFICATE-----") + 25]
    here = Path("/etc/ssl/certs/ca-certificates.crt")
    bundle.write_text(f"# corp\n{first}\n" + (here.read_text() if here.exists() else ""))
    monkeypatch.setenv("MLDEPLOY_CA_BUNDLE", str(bundle))
    made = deployed(until="build")
    code = "import os, ssl; print(len(ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE']).get_ca_certs()))"
    assert int(in_image(engine, str(made.record.details["image"]), "python", "-c", code)) > 100


def test_two_threads_that_build_one_image(deployed: Deploy, script: Path) -> None:
    from jupyter_mldeploy import deploy

    script.write_text(unique(edited(ADDING, "+ 1", "+ 33")))
    failed: list[BaseException] = []

    def build(name: str) -> None:
        try:
            deploy(script, name, target="container", until="build")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=build, args=(name,)) for name in ("adder", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failed == []


def test_debian_packages_are_in_the_image_and_stay(deployed: Deploy, engine: Engine) -> None:
    service = deployed(apt=["libgomp1"])
    library = "/usr/lib/x86_64-linux-gnu/libgomp.so.1" if engine.api.version()["Arch"] == "amd64" else "/usr/lib"
    assert in_image(engine, str(service.record.details["image"]), "ls", library)
    service.update(memory="300Mi")
    assert service.record.spec.inference.environment.apt == ("libgomp1",)
    assert service.run({"x": 1})["sum"] == 2
