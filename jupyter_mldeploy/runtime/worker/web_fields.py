"""What requests and answers hold where there is no flask: headers, values, files, and what some headers mean."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Iterable, Iterator
from typing import Any, Callable


class LightHeaders:
    """Headers, looked up without regard to case; several of one name are kept."""

    def __init__(self, pairs: list[tuple[str, str]] | None = None) -> None:
        self._pairs = list(pairs or [])

    def get(self, name: str, default: Any = None) -> Any:
        """The first value of a header."""
        return next((value for key, value in self._pairs if key.lower() == name.lower()), default)

    def getlist(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self._pairs if key.lower() == name.lower()]

    def add(self, name: str, value: Any) -> None:
        """Add a header beside those of its name."""
        self._pairs.append((name, str(value)))

    def remove(self, name: str) -> None:
        """Take every header of a name away."""
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def items(self) -> list[tuple[str, str]]:
        """All headers."""
        return list(self._pairs)

    def keys(self) -> list[str]:
        """All names."""
        return [name for name, _ in self._pairs]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return str(value)

    def __setitem__(self, name: str, value: Any) -> None:
        self.remove(name)
        self.add(name, value)

    def __contains__(self, name: object) -> bool:
        return self.get(str(name)) is not None

    def __iter__(self) -> Any:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


class LightValues(dict[str, Any]):
    """Query or form values: the first of each name as a dict, all of them by `getlist`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        self._pairs = pairs
        for name, value in pairs:
            self.setdefault(name, value)

    def get(self, name: str, default: Any = None, type: Callable[[Any], Any] | None = None) -> Any:  # noqa: A002
        """The first value of a name, made by `type`; the default where there is none, or none that it takes."""
        if name not in self:
            return default
        try:
            return self[name] if type is None else type(self[name])
        except (ValueError, TypeError):
            return default

    def getlist(self, name: str, type: Callable[[Any], Any] | None = None) -> list[Any]:  # noqa: A002
        """All values of a name, those left out that `type` does not take."""
        found = []
        for value in (value for key, value in self._pairs if key == name):
            with contextlib.suppress(ValueError, TypeError):
                found.append(value if type is None else type(value))
        return found

    def lists(self) -> Iterator[tuple[str, list[Any]]]:
        """Each name with all of its values."""
        return ((name, self.getlist(name)) for name in self)

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        """A plain dict of the first values, or of all of them."""
        return dict(self) if flat else dict(self.lists())

    def pairs(self) -> list[tuple[str, Any]]:
        """Every name and value, in their order."""
        return list(self._pairs)


class LightAuthorization:
    """What a client says to prove who it is."""

    def __init__(self, kind: str, rest: str) -> None:
        self.type = kind.lower()
        self.token = None if self.type == "basic" else rest
        self.username: str | None = None
        self.password: str | None = None
        if self.type == "basic":
            with contextlib.suppress(ValueError):
                self.username, _, self.password = base64.b64decode(rest).decode("utf-8").partition(":")

    @classmethod
    def read(cls, text: str) -> LightAuthorization | None:
        """From the header; None without one."""
        kind, _, rest = text.partition(" ")
        return cls(kind, rest.strip()) if kind else None


class LightAgent:
    """The client's program."""

    def __init__(self, string: str) -> None:
        self.string = string

    def __str__(self) -> str:
        return self.string


class LightAccept:
    """The content types that a client takes, the best first."""

    def __init__(self, text: str) -> None:
        found = []
        for part in text.split(","):
            kind, *options = (piece.strip() for piece in part.split(";"))
            quality = next((option[2:] for option in options if option.startswith("q=")), "1")
            with contextlib.suppress(ValueError):
                if kind:
                    found.append((kind.lower(), float(quality)))
        self._given = sorted(found, key=lambda one: -one[1])

    def quality(self, kind: str) -> float:
        """How much a type is wanted; 0: not at all."""
        main = kind.partition("/")[0]
        for wanted in (kind.lower(), f"{main}/*", "*/*"):
            for given, quality in self._given:
                if given == wanted:
                    return quality
        return 0.0

    def best_match(self, matches: Iterable[str], default: str | None = None) -> str | None:
        """The one of these types that is wanted most."""
        best = max(matches, key=self.quality, default="")
        return best if self.quality(best) > 0 else default

    def values(self) -> Iterator[str]:
        """The types, the best first."""
        return (kind for kind, _ in self._given)

    @property
    def best(self) -> str | None:
        """The type that is wanted most."""
        return next(self.values(), None)

    @property
    def accept_json(self) -> bool:
        """Whether JSON is taken."""
        return "application/json" in self

    @property
    def accept_html(self) -> bool:
        """Whether HTML is taken."""
        return "text/html" in self

    def __contains__(self, kind: object) -> bool:
        return self.quality(str(kind)) > 0

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return iter(self._given)

    def __bool__(self) -> bool:
        return bool(self._given)


class LightFile(io.BytesIO):
    """An uploaded file."""

    def __init__(self, data: bytes, filename: str, content_type: str) -> None:
        super().__init__(data)
        self.filename = filename
        self.content_type = self.mimetype = content_type

    @property
    def stream(self) -> LightFile:
        """The file itself, as its data is in memory."""
        return self

    def save(self, destination: Any) -> None:
        """Write the file to a path or a stream."""
        if hasattr(destination, "write"):
            destination.write(self.getvalue())
            return
        with open(destination, "wb") as stream:
            stream.write(self.getvalue())


def multipart(data: bytes, content_type: str) -> tuple[list[tuple[str, Any]], list[tuple[str, Any]]]:
    """The fields and the files of a multipart form."""
    from email.message import Message
    from email.parser import BytesHeaderParser

    declared = Message()
    declared["content-type"] = content_type
    boundary = declared.get_param("boundary")
    fields: list[tuple[str, Any]] = []
    files: list[tuple[str, Any]] = []
    if not isinstance(boundary, str):
        return fields, files
    for part in (b"\r\n" + data).split(b"\r\n--" + boundary.encode("latin-1"))[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
        name = headers.get_param("name", header="content-disposition")
        if name is None:
            continue
        filename = headers.get_filename()
        if filename is None:
            fields.append((str(name), content.decode("utf-8", "replace")))
        else:
            files.append((str(name), LightFile(content, filename, headers.get_content_type())))
    return fields, files
