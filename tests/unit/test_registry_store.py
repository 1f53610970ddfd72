"""Models on disk: versions, contents, what is refused, what is left after a failure."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jupyter_mldeploy.errors import Cancelled, Conflict, InvalidValue, NotFound, RecordDamaged, StorageError
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.registry import Model, ModelRegistry
from jupyter_mldeploy.spec import ModelRef


def nobody(_model: Model) -> list[str]:
    return []


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def registry(home: Path) -> ModelRegistry:
    return ModelRegistry(home)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"one")
    return path


def left_over(home: Path) -> list[Path]:
    return list((home / "models" / ".incoming").iterdir())


# -- registering -------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_as_the_one_entry_of_its_version(registry: ModelRegistry, weights: Path, home: Path) -> None:
    model = registry.register("clf", weights)
    assert (model.name, model.version, model.kind, model.size) == ("clf", 1, "file", 3)
    assert model.path == home / "models/clf/1/files/weights.bin"
    assert model.path.read_bytes() == b"one"
    assert [path.name for path in model.path.parent.iterdir()] == ["weights.bin"]
    assert left_over(home) == []


def test_a_folder_keeps_its_shape_empty_folders_and_hidden_files_included(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    folder = tmp_path / "saved_model"
    (folder / "variables" / "none").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / ".hidden").write_text("h")
    model = registry.register("net", str(folder))
    assert model.kind == "folder"
    assert model.size == 6
    assert (model.path / "saved_model.pb").read_text() == "graph"
    assert (model.path / "variables" / ".hidden").read_text() == "h"
    assert (model.path / "variables" / "none").is_dir()


def test_versions_count_up_and_the_same_content_keeps_its_version(registry: ModelRegistry, weights: Path) -> None:
    assert registry.register("clf", weights).version == 1
    assert registry.register("clf", weights).version == 1
    weights.write_bytes(b"two")
    assert registry.register("clf", weights).version == 2
    weights.write_bytes(b"one")
    assert registry.register("clf", weights).version == 1
    assert [model.version for model in registry.list("clf")] == [1, 2]


def test_the_content_is_the_bytes_and_the_relative_names(registry: ModelRegistry, tmp_path: Path) -> None:
    for name, inner in (("a", "x"), ("b", "x"), ("b", "y")):
        folder = tmp_path / f"{name}{inner}" / name
        folder.mkdir(parents=True)
        (folder / inner).write_text("same")
    first = registry.register("m", tmp_path / "ax" / "a")
    second = registry.register("m", tmp_path / "bx" / "b")
    third = registry.register("m", tmp_path / "by" / "b")
    assert len({first.hash, second.hash, third.hash}) == 3


def test_what_was_not_touched_is_not_even_read(registry: ModelRegistry, weights: Path) -> None:
    os.utime(weights, (1, 1))
    registry.register("clf", weights)
    seen: list[tuple[int, int]] = []
    model = registry.register("clf", weights, progress=lambda done, total: seen.append((done, total)))
    assert model.version == 1
    assert seen[-1] == (3, 3)


def test_an_edit_within_the_same_size_and_time_stamp_is_seen(registry: ModelRegistry, weights: Path) -> None:
    os.utime(weights, (1, 1))
    registry.register("clf", weights)
    weights.write_bytes(b"uno")
    os.utime(weights, (1, 1))
    assert registry.register("clf", weights).version == 2


def test_a_later_edit_in_place_does_not_reach_the_registered_copy(registry: ModelRegistry, weights: Path) -> None:
    model = registry.register("clf", weights)
    with weights.open("r+b") as file:
        file.write(b"XXX")
    assert model.path.read_bytes() == b"one"
    assert not model.path.stat().st_mode & 0o222


def test_links_are_followed(registry: ModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "abc").write_text("weights")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to("../blobs/abc")
    model = registry.register("hub", snapshot)
    copied = model.path / "model.safetensors"
    assert copied.read_text() == "weights"
    assert not copied.is_symlink()


def test_tags_properties_and_description_are_kept_and_added_to(registry: ModelRegistry, weights: Path) -> None:
    registry.register("clf", weights, tags={"stage": "dev"}, properties={"rows": "150"}, description="first")
    registry.register("clf", weights, tags={"owner": "ana"})
    model = registry.get("clf")
    assert model.tags == {"stage": "dev", "owner": "ana"}
    assert model.properties == {"rows": "150"}
    assert model.description == "first"
    assert registry.register("clf", weights, description="").description == ""


def test_progress_ends_at_the_whole(registry: ModelRegistry, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(9 * 1024 * 1024))
    seen: list[tuple[int, int]] = []
    registry.register("big", big, progress=lambda done, total: seen.append((done, total)))
    assert len(seen) == 3
    assert seen == sorted(seen)
    assert seen[-1] == (big.stat().st_size, big.stat().st_size)


def test_a_cancelled_copy_leaves_nothing(registry: ModelRegistry, tmp_path: Path, home: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(9 * 1024 * 1024))
    cancel = Cancel()
    with pytest.raises(Cancelled):
        registry.register("big", big, progress=lambda _done, _total: cancel.set(), cancel=cancel)
    assert registry.list() == []
    assert left_over(home) == []


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_source_that_is_not_there(registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=r"There is no file or folder .*nothing.pkl"):
        registry.register("clf", "nothing.pkl")


def test_a_link_to_nowhere_is_named(registry: ModelRegistry, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "weights").symlink_to("gone")
    with pytest.raises(NotFound, match="weights' is a link to 'gone'"):
        registry.register("clf", folder)


def test_a_link_back_into_the_folder_is_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "self").symlink_to(folder)
    with pytest.raises(InvalidValue, match="leads back"):
        registry.register("clf", folder)


def test_an_empty_folder_and_a_pipe_are_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    (tmp_path / "empty" / "er").mkdir(parents=True)
    with pytest.raises(InvalidValue, match="holds no file"):
        registry.register("clf", tmp_path / "empty")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidValue, match="neither a file nor a folder"):
        registry.register("clf", tmp_path / "pipe")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "x" * 256, "a\0b"])
def test_a_name_that_is_not_a_name(registry: ModelRegistry, weights: Path, name: str) -> None:
    with pytest.raises(InvalidValue):
        registry.register(name, weights)
    with pytest.raises(InvalidValue):
        registry.get(name)


def test_tags_are_texts(registry: ModelRegistry, weights: Path) -> None:
    with pytest.raises(InvalidValue, match="tags"):
        registry.register("clf", weights, tags={"a": ["list"]})  # type: ignore[dict-item]
    assert registry.list() == []


def test_a_home_that_cannot_be_a_folder(weights: Path) -> None:
    with pytest.raises(StorageError, match="Writing to the model registry failed"):
        ModelRegistry(weights / "home").register("clf", weights)


@contextmanager
def small_files() -> Iterator[None]:
    """The system refuses to write files of more than 1 MB, as it would on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_that_does_not_fit_is_said_and_leaves_nothing(
    registry: ModelRegistry, tmp_path: Path, home: Path
) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(3_000_000))
    with small_files(), pytest.raises(StorageError, match="Copying the model 'big' failed"):
        registry.register("big", big)
    assert registry.list() == []
    assert left_over(home) == []


# -- finding -----------------------------------------------------------------------------------------------------------


def test_nothing_is_made_by_looking(registry: ModelRegistry, home: Path) -> None:
    assert registry.list() == []
    with pytest.raises(NotFound, match="No model is registered yet"):
        registry.get("clf")
    assert not home.exists()


def test_resolve(registry: ModelRegistry, weights: Path) -> None:
    registry.register("clf", weights)
    weights.write_bytes(b"two")
    registry.register("clf", weights)
    assert registry.resolve("clf") == ModelRef("clf", 2)
    assert registry.resolve("clf:1") == ModelRef("clf", 1)
    with pytest.raises(NotFound, match=r"no version 7. It has 1, 2"):
        registry.resolve("clf:7")
    with pytest.raises(NotFound, match="Did you mean 'clf'"):
        registry.resolve("clff")
    for text in ("clf:", "clf:0", "clf:x", "clf:1:2", "clf:-1"):
        with pytest.raises(InvalidValue):
            registry.resolve(text)


def test_list_is_by_name_and_number(registry: ModelRegistry, weights: Path) -> None:
    for content in range(11):
        weights.write_text(str(content))
        registry.register("b", weights)
    registry.register("a", weights)
    assert [str(model) for model in registry.list()] == ["a:1", *(f"b:{version}" for version in range(1, 12))]
    assert registry.get("b").version == 11


def test_a_model_reads_as_plain_data(registry: ModelRegistry, weights: Path) -> None:
    model = registry.register("clf", weights, tags={"a": "b"})
    assert json.loads(json.dumps(model.to_json()))["tags"] == {"a": "b"}
    assert registry.get("clf") == model
    assert model.ref == ModelRef("clf", 1)


def test_the_home_may_be_moved(registry: ModelRegistry, weights: Path, home: Path) -> None:
    registry.register("clf", weights)
    home.rename(home.with_name("moved"))
    assert ModelRegistry(home.with_name("moved")).get("clf").path.read_bytes() == b"one"


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 99}', "\0", '{"format": 1, "name": 3}'])
def test_a_damaged_record_is_kept_aside_and_said(
    registry: ModelRegistry, weights: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = registry.register("clf", weights)
    record = model.path.parent.parent / "model.json"
    record.write_text(text)
    with caplog.at_level(logging.WARNING):
        assert registry.list() == []
    assert "kept aside" in caplog.text
    (aside,) = record.parent.glob("model.json.damaged-*")
    assert aside.read_text() == text
    with pytest.raises(RecordDamaged, match=r"clf:1.*kept aside"):
        registry.get("clf")
    assert model.path.exists()
    assert registry.register("clf", weights).version == 2


def test_a_record_cannot_lead_out_of_the_registry(registry: ModelRegistry, weights: Path) -> None:
    model = registry.register("clf", weights)
    record = model.path.parent.parent / "model.json"
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({**facts, "entry": "../../../../../etc/passwd"}))
    with pytest.raises(RecordDamaged, match="entry is not a plain name"):
        registry.get("clf")


def test_content_that_is_gone_is_said(registry: ModelRegistry, weights: Path) -> None:
    model = registry.register("clf", weights)
    model.path.unlink()
    with pytest.raises(RecordDamaged, match=r"weights.bin, is gone"):
        registry.get("clf")


# -- downloading -------------------------------------------------------------------------------------------------------


def test_download_a_file_and_a_folder(registry: ModelRegistry, weights: Path, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "w").write_text("w")
    registry.register("clf", weights)
    registry.register("net", folder)
    assert registry.download("clf", None, tmp_path / "out").read_bytes() == b"one"
    there = registry.download("net", 1, tmp_path / "out")
    (there / "w").write_text("mine now")  # unlike the registered copy
    with pytest.raises(Conflict, match="is there already"):
        registry.download("net", 1, tmp_path / "out")
    assert (registry.download("net", 1, tmp_path / "out", exist_ok=True) / "w").read_text() == "w"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["net", "weights.bin"]


def test_download_to_where_nothing_can_be_written(registry: ModelRegistry, weights: Path) -> None:
    registry.register("clf", weights)
    with pytest.raises(StorageError, match="Downloading"):
        registry.download("clf", 1, weights / "below a file")


# -- deleting ----------------------------------------------------------------------------------------------------------


def test_a_deleted_number_is_never_given_again(registry: ModelRegistry, weights: Path, home: Path) -> None:
    registry.register("clf", weights)
    weights.write_bytes(b"two")
    registry.register("clf", weights)
    assert [str(model) for model in registry.delete("clf", 2, users=nobody)] == ["clf:2"]
    assert registry.register("clf", weights).version == 3
    assert [str(model) for model in registry.delete("clf", users=nobody)] == ["clf:1", "clf:3"]
    assert registry.list() == []
    with pytest.raises(NotFound):
        registry.get("clf")
    assert registry.register("clf", weights).version == 4
    assert left_over(home) == []


def test_what_a_service_uses_is_not_deleted(registry: ModelRegistry, weights: Path) -> None:
    registry.register("clf", weights)
    weights.write_bytes(b"two")
    registry.register("clf", weights)

    def users(model: Model) -> list[str]:
        return ["iris"] if model.version == 1 else []

    with pytest.raises(Conflict, match="'clf:1' is used by iris"):
        registry.delete("clf", users=users)
    assert len(registry.list()) == 2
    registry.delete("clf", 2, users=users)
    registry.delete("clf", 1, users=users, force=True)
    assert registry.list() == []


def test_deleting_what_is_not_there(registry: ModelRegistry, weights: Path) -> None:
    registry.register("clf", weights)
    with pytest.raises(NotFound):
        registry.delete("other", users=nobody)
    with pytest.raises(NotFound):
        registry.delete("clf", 2, users=nobody)


def test_a_damaged_version_is_deleted_only_by_force(registry: ModelRegistry, weights: Path) -> None:
    model = registry.register("clf", weights)
    (model.path.parent.parent / "model.json").write_text("{")
    with pytest.raises(RecordDamaged):
        registry.delete("clf", users=nobody)
    registry.delete("clf", users=nobody, force=True)
    with pytest.raises(NotFound):
        registry.get("clf")


# -- many processes ----------------------------------------------------------------------------------------------------

REGISTER = """
import sys
from pathlib import Path
from jupyter_mldeploy.registry import ModelRegistry
sys.stdin.readline()
for source in sys.argv[2:]:
    print(ModelRegistry(Path(sys.argv[1])).register("clf", source).version)
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", REGISTER, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_processes_that_register_at_once(registry: ModelRegistry, tmp_path: Path, home: Path) -> None:
    same = tmp_path / "same"
    same.write_text("same")
    own = [tmp_path / f"own{number}" for number in range(4)]
    for path in own:
        path.write_text(path.name)
    processes = [start(str(home), str(same), str(path)) for path in own]
    answers = [process.communicate("\n", timeout=60)[0].split() for process in processes]
    assert len({first for first, _ in answers}) == 1
    assert len({second for _, second in answers}) == 4
    assert [model.version for model in registry.list("clf")] == [1, 2, 3, 4, 5]


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(
    registry: ModelRegistry, weights: Path, home: Path
) -> None:
    code = """
import sys
from pathlib import Path
from jupyter_mldeploy.registry.shelf import Shelf
with Shelf(Path(sys.argv[1])).incoming() as folder:
    (folder / "half").write_text("half of a model")
    print(folder.name, flush=True)
    sys.stdin.readline()
"""
    command = [sys.executable, "-c", code, str(home / "models")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    name = process.stdout.readline().strip()
    registry.register("clf", weights)
    assert [path.name for path in left_over(home)] == [name]
    process.kill()
    process.communicate()
    assert [str(model) for model in registry.list()] == ["clf:1"]
    weights.write_bytes(b"two")
    registry.register("clf", weights)
    assert left_over(home) == []
