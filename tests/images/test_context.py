"""The build context: a stream that is never a copy on disk, the same for the same files."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import Cancelled, InvalidValue, StorageError
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.images.entries import CHUNK, Entry, digest_of, entries_of_tree, stream
from jupyter_mldeploy.spec import Environment, InferenceConfig, Script
from jupyter_mldeploy.targets.app_folder import source_files
from jupyter_mldeploy.targets.image_inputs import gather


def unpacked(entries: list[Entry]) -> dict[str, bytes | str]:
    content = b"".join(stream(entries, Cancel()))
    found: dict[str, bytes | str] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.mtime) == (0, 0, 0)
            file = tar.extractfile(member) if member.isfile() else None
            found[member.name] = file.read() if file else (member.linkname or "folder")
    return found


def test_files_links_and_their_folders(tmp_path: Path) -> None:
    source = tmp_path / "on disk"
    source.write_bytes(os.urandom(3 * CHUNK + 17))
    entries = [
        Entry("Dockerfile", b"FROM scratch\n"),
        Entry("a/b/big", source=source),
        Entry("a/empty"),
        Entry("a/link", link="/var/azureml-models"),
        Entry("ü/ñ" + "x" * 200, b"long"),
    ]
    assert unpacked(entries) == {
        "Dockerfile": b"FROM scratch\n",
        "a": "folder",
        "a/b": "folder",
        "a/b/big": source.read_bytes(),
        "a/empty": b"",
        "a/link": "/var/azureml-models",
        "ü": "folder",
        "ü/ñ" + "x" * 200: b"long",
    }


def test_a_large_file_is_sent_in_pieces(tmp_path: Path) -> None:
    sparse = tmp_path / "model.bin"
    with sparse.open("wb") as file:
        file.truncate(200 * CHUNK)
    assert max(map(len, stream([Entry("m", source=sparse)], Cancel()))) == CHUNK


def test_a_file_that_shrinks_while_it_is_sent_is_said(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(3 * CHUNK))
    pieces = stream([Entry("m", source=path)], Cancel())
    next(pieces)
    os.truncate(path, CHUNK)
    with pytest.raises(StorageError, match="became shorter while it was sent"):
        list(pieces)


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be read: No such file"):
        list(stream([Entry("m", source=tmp_path / "nowhere")], Cancel()))


def test_sending_can_be_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(3 * CHUNK))
    cancel = Cancel()
    pieces = stream([Entry("m", source=path)], cancel)
    next(pieces)
    cancel.set()
    with pytest.raises(Cancelled):
        list(pieces)


def test_the_digest_knows_paths_contents_and_kinds(tmp_path: Path) -> None:
    same = tmp_path / "file"
    same.write_bytes(b"one")
    assert digest_of([Entry("a", b"one")]) == digest_of([Entry("a", source=same)])
    others = [Entry("b", b"one"), Entry("a", b"two"), Entry("a", link="one"), Entry("a", b"one", executable=True)]
    digests = {digest_of([entry]) for entry in others} | {digest_of([Entry("a", b"one")])}
    assert len(digests) == 5


def test_a_registered_folder_is_not_read_for_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "weights").write_bytes(b"heavy")
    entries = list(entries_of_tree(folder, "models/m/1/model", "ab" * 32))
    assert [entry.path for entry in entries] == ["models/m/1/model/sub/weights"]
    (folder / "sub" / "weights").unlink()
    assert digest_of(entries)


# -- what goes along with a script -------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for path in (
        "score.py",
        "helper.py",
        "data/big.csv",
        "data/small.json",
        ".git/config",
        "__pycache__/a.pyc",
        "secret.env",
    ):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("def init(): pass\ndef run(data): pass\n")
    return folder


@pytest.mark.parametrize("name", [".amlignore", ".dockerignore"])
def test_ignore_files_are_honoured(project: Path, name: str) -> None:
    (project / name).write_text("# large\n*.csv\n/secret.env\n!data/small.json\n")
    found = {path.as_posix() for path in source_files(project)}
    assert found == {"score.py", "helper.py", "data/small.json", name}


def test_amlignore_goes_before_dockerignore(project: Path) -> None:
    (project / ".amlignore").write_text("*.csv\n")
    (project / ".dockerignore").write_text("*.py\n")
    found = {path.as_posix() for path in source_files(project)}
    assert "score.py" in found
    assert "data/big.csv" not in found


def test_a_link_that_leads_out_is_refused(project: Path) -> None:
    (project / "passwords").symlink_to("/etc/passwd")
    with pytest.raises(InvalidValue, match="the link leads out of"):
        list(source_files(project))


def test_the_context_of_a_service(project: Path, tmp_path: Path) -> None:
    (project / ".amlignore").write_text("data/\nsecret.env\n")
    config = InferenceConfig(
        Script.from_file(project / "score.py"),
        str(project),
        Environment(name="e", python="3.11", requirements=("six",)),
    )
    made = gather("iris", config, (), tmp_path / "home")
    paths = [entry.path for entry in made.app]
    assert paths == ["app/.amlignore", "app/.mldeploy/service.json", "app/helper.py", "app/score.py"]
    assert made.requirements == ("six",)
    runtime = {entry.path for entry in made.runtime}
    assert {"runtime/launch.py", "runtime/health.py", "runtime/jupyter_mldeploy/runtime/front.py"} <= runtime
    assert not [path for path in runtime if "inside/" in path or "notebook" in path]
