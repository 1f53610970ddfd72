"""Keeps a bulletin true while somebody reads it: what services there are, and how each of them is.

Woken by the system's notices of files (an operation of any process ends by removing its file, a script is edited) and by each
service's own watch. Nothing runs while nobody reads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from jupyter_mldeploy.api import Service
from jupyter_mldeploy.errors import MLDeployError, NotFound
from jupyter_mldeploy.events import Cancel
from jupyter_mldeploy.records import Records
from jupyter_mldeploy.server.bulletin import Bulletin
from jupyter_mldeploy.server.views import look

__all__ = ["LIST", "SERVICE", "Observer"]

LIST = "services"
SERVICE = "service"

LEAST_PAUSE = 0.1
"""Seconds between two looks at one service: under load its state changes faster than anybody reads."""


class Observer:
    """Of one home folder. ``start`` and ``stop`` may be called in turn as often as needed."""

    def __init__(self, records: Records, bulletin: Bulletin) -> None:
        self._records = records
        self._bulletin = bulletin
        self._lock = threading.RLock()
        self._ended: threading.Event | None = None
        self._again = threading.Event()
        self._followers: dict[str, _Follower] = {}

    def start(self) -> None:
        """Begin, unless it has begun."""
        with self._lock:
            if self._ended is not None:
                return
            self._ended = threading.Event()
            threading.Thread(target=self._observe, args=(self._ended,), name="mldeploy-observe", daemon=True).start()

    def stop(self) -> None:
        """End; does not wait for the threads, which are woken and end by themselves."""
        with self._lock:
            if self._ended is None:
                return
            self._ended.set()
            self._again.set()
            self._ended = None
            followers, self._followers = list(self._followers.values()), {}
        for follower in followers:
            follower.end()

    def refresh(self, name: str) -> None:
        """Look again at a service."""
        with self._lock:
            follower = self._followers.get(name)
        if follower:
            follower.look_again()

    def _observe(self, ended: threading.Event) -> None:
        from watchfiles import watch

        folders = [self._records.home / "services", self._records.home / "locks"]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        seen = self._stamps({})
        while not ended.is_set():
            self._again.clear()
            if ended.is_set():
                return
            scripts = self._take_stock(ended)
            parents = {path.parent for path in scripts if path.parent.is_dir()}
            notices = watch(
                *folders,
                *parents,
                watch_filter=partial(self._concerns, scripts),
                stop_event=self._again,
                recursive=False,
                raise_interrupt=False,
                debounce=200,
                step=20,
                rust_timeout=1000,
                yield_on_timeout=True,
            )
            is_first = True
            for changes in notices:
                if not (changes or is_first):
                    continue
                paths = {Path(path) for _, path in changes}
                before, seen = seen, self._stamps(scripts)
                if is_first:  # what was changed while stock was taken, and nobody watched
                    paths |= {path for path, _ in before.items() ^ seen.items()}
                    is_first = False
                for name in {path.stem for path in paths if path.parent == folders[1]}:
                    self.refresh(name)
                for path in paths & scripts.keys():
                    self.refresh(scripts[path])
                if set(self._records.names()) != self._known() or scripts != self._scripts():
                    break

    def _stamps(self, scripts: Mapping[Path, str]) -> dict[Path, int]:
        """When what tells of news was changed last."""
        found = {}
        for path in [*(self._records.home / "locks").glob("*.json"), *scripts]:
            with suppress(OSError):
                found[path] = path.stat().st_mtime_ns
        return found

    def _concerns(self, scripts: Mapping[Path, str], _change: object, changed: str) -> bool:
        path, home = Path(changed), self._records.home
        owner = path.parent == home / "locks" and path.suffix == ".json"
        return owner or path in scripts or path.parent == home / "services"

    def _known(self) -> set[str]:
        with self._lock:
            return set(self._followers)

    def _scripts(self) -> dict[Path, str]:
        """The scripts that were read from files, each with its service."""
        found = {}
        for name in self._records.names():
            try:
                record = self._records.find(name)
            except MLDeployError:
                continue
            if record and record.spec.inference.script.path:
                found[Path(record.spec.inference.script.path)] = name
        return found

    def _take_stock(self, ended: threading.Event) -> dict[Path, str]:
        """Follow what is new, leave what is gone, and say what there is."""
        names = self._records.names()
        with self._lock:
            if self._ended is not ended:
                return {}
            gone = [self._followers.pop(name) for name in self._followers.keys() - set(names)]
            for name in names:
                if name not in self._followers:
                    self._followers[name] = _Follower(name, self._records, self._bulletin, self._again.set)
        for follower in gone:
            follower.end()
            self._bulletin.forget(SERVICE, follower.name)
        self._bulletin.post(LIST, "", {"names": names})
        return self._scripts()


class _Follower:
    """Follows one service in a thread of its own, and looks again when it is told to."""

    def __init__(self, name: str, records: Records, bulletin: Bulletin, lost: Callable[[], None]) -> None:
        self.name = name
        self._records = records
        self._bulletin = bulletin
        self._lost = lost
        self._service = Service(name, records)
        self._cancel = Cancel()
        self._poked = threading.Event()
        self._ended = threading.Event()
        threading.Thread(target=self._follow, name=f"mldeploy-follow-{name}", daemon=True).start()

    def end(self) -> None:
        """Wake its thread, which ends."""
        self._ended.set()
        self._poked.set()
        self._cancel.set()

    def look_again(self) -> None:
        """Something else than the service itself says that there is news."""
        self._poked.set()
        self._post()

    def _follow(self) -> None:
        while not self._ended.is_set():
            self._poked.clear()
            try:
                for status in self._service.watch(self._cancel):
                    if self._ended.is_set():
                        return
                    self._bulletin.post(SERVICE, self.name, look(self._service, self._records, status))
                    self._ended.wait(LEAST_PAUSE)
            except MLDeployError:
                pass  # the look below says what is wrong
            self._post()
            # It ended, or cannot be looked at: until an operation on it begins or ends nothing changes.
            self._poked.wait()

    def _post(self) -> None:
        try:
            self._bulletin.post(SERVICE, self.name, look(self._service, self._records))
        except NotFound:
            self._lost()
        except MLDeployError:
            pass  # a record that cannot be read now: what was seen last stays
