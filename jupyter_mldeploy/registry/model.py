"""One registered version of a model, and the JSON it is kept as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mldeploy.spec import ModelRef, check_kinds

__all__ = ["Model"]

FORMAT = 1
_TEXTS = ("name", "kind", "entry", "hash", "description", "created")


@dataclass(frozen=True, kw_only=True)
class Model:
    """A registered version; what it holds never changes.

    Attributes:
        name: As ``Model.get_model_path(name)`` asks for it.
        version: From 1 on.
        path: The one file or folder that was registered, inside the registry. Its name is what the script sees.
        kind: ``"file"`` or ``"folder"`` for what came from disk, else the library that saved the object: ``"sklearn"``,
            ``"xgboost"``, ``"lightgbm"``, ``"keras"``, ``"torch"``, ``"transformers"``, ``"numpy"``, ``"pandas"``, ``"pickle"``.
        size: Bytes of all files together.
        hash: SHA-256 over contents and relative names, 64 hexadecimal digits.
        tags: Labels that people may change by registering again.
        properties: Facts that were true when it was saved: ``class``, ``library``, ``library_version``, ``python_version``,
            ``modules`` (comma-separated top-level modules that loading needs), ``methods`` (``predict``, if it has it),
            ``features`` (``names``, if it was fitted on a data frame).
        description: Free text.
        created: When it was registered, in UTC.
        fingerprint: Names, sizes and times of the files it was copied from, or ``""``; equal means: nothing was touched since.
    """

    name: str
    version: int
    path: Path
    kind: str
    size: int
    hash: str
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    created: datetime
    fingerprint: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        check_kinds(self)

    @property
    def ref(self) -> ModelRef:
        """Name and version."""
        return ModelRef(self.name, self.version)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Top-level modules that must be importable to load it, as far as they are known."""
        return tuple(module for module in self.properties.get("modules", "").split(",") if module)

    def __str__(self) -> str:
        return f"{self.name}:{self.version}"

    def to_json(self) -> dict[str, Any]:
        """Plain data, as every interface shows it."""
        return {
            "name": self.name,
            "version": self.version,
            "path": str(self.path),
            "kind": self.kind,
            "size": self.size,
            "hash": self.hash,
            "tags": dict(self.tags),
            "properties": dict(self.properties),
            "description": self.description,
            "created": self.created.isoformat(timespec="seconds"),
        }

    def to_record(self) -> dict[str, Any]:
        """What is written beside the files. The registry may be moved: no path but the entry's name."""
        record = self.to_json()
        del record["path"]
        return {
            **record,
            "format": FORMAT,
            "entry": self.path.name,
            "created": self.created.isoformat(),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_record(cls, record: Any, files: Path) -> Model:
        """Read what ``to_record`` wrote; ``files`` is the folder that holds the entry.

        Raises:
            ValueError: It is not such a record.
        """
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise ValueError(f"not a record of format {FORMAT}")
        for key in _TEXTS:
            if not isinstance(record.get(key), str):
                raise ValueError(f"{key} is not a text")
        entry = record["entry"]
        if entry in {"", ".", ".."} or "/" in entry or "\0" in entry:
            raise ValueError("entry is not a plain name")
        version, size = record.get("version"), record.get("size")
        if not isinstance(version, int) or not isinstance(size, int):
            raise ValueError("version and size are whole numbers")
        created = datetime.fromisoformat(record["created"])
        return cls(
            name=record["name"],
            version=version,
            path=files / entry,
            kind=record["kind"],
            size=size,
            hash=record["hash"],
            tags=_texts(record.get("tags"), "tags"),
            properties=_texts(record.get("properties"), "properties"),
            description=record["description"],
            created=created if created.tzinfo else created.replace(tzinfo=UTC),
            fingerprint=str(record.get("fingerprint") or ""),
        )


def _texts(value: Any, key: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise ValueError(f"{key} are not texts by name")
    return value
