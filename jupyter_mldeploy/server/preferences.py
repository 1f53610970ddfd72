"""What a front end's settings say, put over the server's own configuration; what is left empty goes back to that."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mldeploy.config import settings
from jupyter_mldeploy.spec import Target

__all__ = ["PREFERENCES", "Preferences"]

PREFERENCES = ("target", "registry", "docker_context", "kube_context", "context", "namespace")


class Preferences:
    """Of one server. Changed and read on the event loop and by operations' threads: each value is one assignment."""

    def __init__(self) -> None:
        force = settings()
        self._own = {name: str(getattr(force, name)) for name in PREFERENCES}
        self._said: dict[str, str] = {}

    def take(self, wish: Mapping[str, str]) -> None:
        """Let these hold from now on.

        Raises:
            InvalidValue: There is no such target.
        """
        said = {name: value.strip() for name in PREFERENCES if (value := wish.get(name, "")).strip()}
        if "target" in said:
            Target.parse(said["target"])
        self._said = said
        for name in PREFERENCES:
            setattr(settings(), name, said.get(name, self._own[name]))

    def explain(self) -> list[dict[str, str]]:
        """Each with its value and where that comes from."""
        rows = {row["setting"]: row for row in settings().explain()}
        return [
            {
                "setting": name,
                "value": str(getattr(settings(), name)),
                "from": "the front end's settings" if name in self._said else rows[name]["from"],
                "help": rows[name]["help"],
            }
            for name in PREFERENCES
        ]
