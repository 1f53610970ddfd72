"""A script of the file browser becomes a service; what the front end's settings say holds for all that this server does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from jupyter_mldeploy.api import Service, deploy
from jupyter_mldeploy.errors import InvalidScript, InvalidValue, NotFound, TargetUnavailable
from jupyter_mldeploy.events import Cancel, Sink
from jupyter_mldeploy.registry import ModelRegistry
from jupyter_mldeploy.server.handler import Handler
from jupyter_mldeploy.server.views import look

__all__ = ["DeployHandler", "Files", "SettingsHandler"]

SAID_ONLY = ("replicas", "autoscale", "memory", "cpu", "timeout", "context", "namespace")
"""What ``deploy`` takes as it is written."""


class Files:
    """The user's files as the contents manager names them: nothing outside its root can be reached."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def find(self, path: str, field: str) -> Path:
        """Where a file or folder is on disk.

        Raises:
            InvalidValue: It is not there, or not below the root.
            TargetUnavailable: This server's files are not on a disk.
        """
        locate = getattr(self._manager, "_get_os_path", None)
        if locate is None:
            raise TargetUnavailable(
                "This server does not keep its files on a disk.", "Deploy from a cell with %%deploy instead."
            )
        try:
            found = Path(locate(path.strip("/")))
        except HTTPError:
            raise InvalidValue(field, path, "it is not below the folder that the file browser shows.") from None
        if not found.exists():
            raise InvalidValue(field, path, "there is no such file below the folder that the file browser shows.")
        return found

    def script(self, path: str) -> Path:
        """A Python file."""
        found = self.find(path, "script")
        if found.suffix != ".py" or not found.is_file():
            raise InvalidValue("script", path, "name a Python file with init() and run().")
        return found

    def environment(self, text: str) -> str | None:
        """``current``, ``auto`` or a file; ``None`` where nothing is said."""
        if text in {"", "current", "auto"}:
            return text or None
        return str(self.find(text, "environment"))


def read_models(wishes: list[str], registry: ModelRegistry, files: Files) -> list[str]:
    """Registered names as they are, files by their place on disk."""
    found = []
    for wish in wishes:
        if "/" in wish or (Path(wish).suffix and not _is_registered(wish, registry)):
            found.append(str(files.find(wish, "models")))
        else:
            try:
                registry.resolve(wish)
            except NotFound as error:
                raise InvalidValue("models", wish, error.summary, error.hint) from None
            found.append(wish)
    return found


def _is_registered(wish: str, registry: ModelRegistry) -> bool:
    try:
        registry.resolve(wish)
    except (NotFound, InvalidValue):
        return False
    return True


_WORDS = (
    (re.compile(r"\bthis kernel's Python\b"), "the server's Python"),
    (
        re.compile(r"Install it with `%pip install \S+`, or name it with --pip (\S+?)\."),
        r"Install it there, or name \1 in a requirements file, and that under Environment.",
    ),
    (
        re.compile(r"Add (\S+) to the environment, or name it with --pip \S+?\."),
        r"Add \1 to the file that is named under Environment.",
    ),
    (re.compile(r"Ship it with --source-directory\."), "Tick that the files beside the script go along."),
)
"""What is said to a kernel, and what that is here: the form has a field for the environment, and no magics."""


@contextmanager
def told_of_the_server() -> Iterator[None]:
    """Problems of a script speak of what a form has."""
    try:
        yield
    except InvalidScript as error:
        problems = [_in_the_form(problem) for problem in error.problems]
        raise InvalidScript(str(error.value), problems, _in_the_form(error.hint)) from None


def _in_the_form(text: str) -> str:
    for words, ours in _WORDS:
        text = words.sub(ours, text)
    return text


class DeployHandler(Handler):
    """``/services/{name}/deploy``"""

    @authenticated
    @authorized
    async def post(self, name: str) -> None:
        wish = self.body("DeployRequest")
        service = Service(name, self.hub.records)  # the name is checked before anything is looked for
        files = Files(self.contents_manager)
        script = await self.hub.look(files.script, wish["script"])
        environment = await self.hub.look(files.environment, wish.get("environment", ""))
        registry = ModelRegistry(self.hub.records.home)
        models = await self.hub.look(read_models, wish.get("models", []), registry, files)
        said: Mapping[str, Any] = {key: wish[key] for key in SAID_ONLY if wish.get(key)}

        def begin(sink: Sink, cancel: Cancel) -> None:
            with told_of_the_server():
                deploy_it(sink, cancel)

        def deploy_it(sink: Sink, cancel: Cancel) -> None:
            deploy(
                script,
                name,
                target=wish.get("target") or None,
                models=models,
                environment=environment,
                pip=wish.get("pip", ()),
                source_directory=script.parent if wish.get("folder") else None,
                sample=wish.get("sample") or None,
                overwrite=wish.get("overwrite", False),
                sink=sink,
                cancel=cancel,
                **said,
            )

        await self.hub.work(name, "deploy", begin)
        view = await self.hub.look(look, service, self.hub.records)
        self.set_status(201)
        self.finish({"service": view, "receipt": None})


class SettingsHandler(Handler):
    """``/settings``: what holds where a deployment says nothing, and where each value comes from."""

    @authenticated
    @authorized
    async def get(self) -> None:
        self.finish({"settings": await self.hub.look(self.hub.preferences.explain)})

    @authenticated
    @authorized
    async def put(self) -> None:
        self.hub.preferences.take(self.body("SettingsRequest"))
        self.finish({"settings": await self.hub.look(self.hub.preferences.explain)})
