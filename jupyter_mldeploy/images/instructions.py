"""The instructions of a Dockerfile, and which of them BuildKit means: it speaks of stages and the layers in them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Instruction", "Instructions"]

_HEREDOC = re.compile(r"<<-?\s*([\"']?)(\w+)\1")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_VERTEX = re.compile(r"\[(?:([^\]]*?) )?(\d+)/\d+\] ")
_METADATA = "[internal] load metadata for "
_MOUNT = re.compile(r"--mount=\S+\s*")


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        number: From 1, over all stages.
        command: On one line, as people know it: without what BuildKit mounts.
        stage: Number of its stage, from 0.
        layer: Its number in its stage, from 1, as BuildKit counts; 0 for one that only says something of the image.
        image: What FROM begins with, where that is no earlier stage.
    """

    number: int
    command: str
    stage: int
    layer: int
    image: str = ""


@dataclass
class Instructions:
    """Those of one Dockerfile."""

    listed: list[Instruction] = field(default_factory=list)
    _stages: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, dockerfile: str) -> Instructions:
        """Read a Dockerfile."""
        made = cls()
        stage, layer = -1, 0
        for text in _joined(dockerfile):
            word = text.split(maxsplit=1)[0].upper()
            image, makes_layer = "", word in {"RUN", "COPY", "ADD", "WORKDIR"}
            if match := _FROM.match(text):
                stage, layer = stage + 1, 0
                makes_layer = match[1].lower() not in made._stages and match[1] != "scratch"
                image = match[1] if makes_layer else ""
                made._stages[(match[2] or f"stage-{stage}").lower()] = stage
            layer += makes_layer
            command = _MOUNT.sub("", text)
            made.listed.append(Instruction(len(made.listed) + 1, command, stage, layer if makes_layer else 0, image))
        return made

    def meant_by(self, vertex: str) -> Instruction | None:
        """The instruction that a step of BuildKit carries out, by its name such as ``[packages 2/5] RUN …``."""
        if vertex.startswith(_METADATA):
            asked = vertex.removeprefix(_METADATA)
            begins = [one for one in self.listed if one.image]
            return next((one for one in begins if asked.endswith(one.image)), begins[0] if begins else None)
        match = _VERTEX.match(vertex)
        if match is None:
            return None
        name = (match[1] or "").split(" ")[-1].lower()  # a platform may stand before it
        stage = self._stages.get(name, 0)
        return next((one for one in self.listed if (one.stage, one.layer) == (stage, int(match[2]))), None)

    def silent_before(self, instruction: Instruction) -> list[Instruction]:
        """Those before it in its stage that make no layer, of which BuildKit says nothing."""
        return [
            one
            for one in self.listed
            if one.stage == instruction.stage and not one.layer and one.number < instruction.number
        ]


def _joined(dockerfile: str) -> list[str]:
    """Each instruction on one line; comments are left out, and so is the text of here-documents."""
    found: list[str] = []
    continued = False
    until = ""
    for line in dockerfile.splitlines():
        if until:
            until = "" if line.strip() == until else until
            continue
        if line.lstrip().startswith("#") or not line.strip():
            continue
        more = line.rstrip().endswith("\\")
        text = (line.rstrip()[:-1] if more else line).strip()
        if continued:
            found[-1] += f" {text}"
        else:
            found.append(text)
        continued = more
        if not more and (match := _HEREDOC.search(found[-1])):
            until = match[2]
    return [" ".join(text.split()) for text in found if text.strip()]
