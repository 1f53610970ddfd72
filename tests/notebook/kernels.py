"""A real kernel, seen as a front end sees it: outputs with their updates applied, and the widgets' state."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class Cell:
    """What one cell came to."""

    msg_id: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    status: str = ""

    @property
    def bundles(self) -> list[dict[str, Any]]:
        return [output["data"] for output in self.outputs if "data" in output]

    @property
    def text(self) -> str:
        """All that is text: streams and the plain text of bundles."""
        parts = [output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in self.outputs]
        return "\n".join(parts)

    @property
    def html(self) -> str:
        return "\n".join(bundle.get("text/html", "") for bundle in self.bundles)


class Kernel:
    """One kernel and its client. ``attended``: as in JupyterLab; else as under ``jupyter execute``."""

    def __init__(self, manager: KernelManager, attended: bool) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.allow_stdin = attended
        self.client.wait_for_ready(timeout=60)
        self.widgets: dict[str, dict[str, Any]] = {}
        self._cells: dict[str, Cell] = {}
        self._shown: dict[str, dict[str, Any]] = {}

    def begin(self, code: str) -> Cell:
        """Send a cell and do not wait for it."""
        msg_id = self.client.execute(code)
        cell = self._cells[msg_id] = Cell(msg_id)
        return cell

    def run(self, code: str, timeout: float = 90) -> Cell:
        """Run a cell to its end."""
        cell = self.begin(code)
        self.until(lambda: cell.status == "idle", timeout)
        return cell

    def until(self, condition: Callable[[], bool], timeout: float = 60) -> None:
        """Take messages until something is true of them."""
        end = time.monotonic() + timeout
        while not condition():
            try:
                self._take(self.client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.01)))
            except Empty:
                raise AssertionError("the kernel did not say what was waited for") from None

    def complete(self, code: str) -> list[str]:
        """What is offered at the end of the code."""
        reply = self.client.complete(code, len(code), reply=True, timeout=60)
        return list(reply["content"]["matches"])

    def click(self, description: str) -> None:
        """Press the button of that description."""
        model = self.widget(description)
        content = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def write(self, description: str, value: str) -> None:
        """Fill in the field of that description, or choose, as a front end does."""
        model = self.widget(description)
        labels = self.widgets[model].get("_options_labels")
        state = {"value": value} if labels is None else {"index": labels.index(value)}
        content = {"comm_id": model, "data": {"method": "update", "state": state, "buffer_paths": []}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def write_sample(self, value: str) -> None:
        """Fill in what the newest panel sends."""
        model = [one for one, state in self.widgets.items() if state.get("_model_name") == "TextareaModel"][-1]
        content = {"comm_id": model, "data": {"method": "update", "state": {"value": value}, "buffer_paths": []}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", content))

    def offers(self, description: str) -> bool:
        """Whether there is a button of that description that can be pressed."""
        return any(
            state.get("description") == description and not state.get("disabled") for state in self.widgets.values()
        )

    def widget(self, description: str) -> str:
        """Model of the newest widget of that description."""
        found = [model for model, state in self.widgets.items() if state.get("description") == description]
        assert found, f"no widget {description!r} among {[s.get('description') for s in self.widgets.values()]}"
        return found[-1]

    def texts(self) -> str:
        """What all HTML widgets show."""
        return "\n".join(
            str(state.get("value", "")) for state in self.widgets.values() if state.get("_model_name") == "HTMLModel"
        )

    def _take(self, message: dict[str, Any]) -> None:
        content, kind = message["content"], message["msg_type"]
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        match kind:
            case "comm_open":
                self.widgets[content["comm_id"]] = dict(content["data"].get("state", {}))
            case "comm_msg" if content["data"].get("method") == "update":
                self.widgets.setdefault(content["comm_id"], {}).update(content["data"]["state"])
            case "comm_close":
                self.widgets.pop(content["comm_id"], None)
            case "update_display_data":
                self._shown[content["transient"]["display_id"]]["data"] = content["data"]
        if cell is None:
            return
        match kind:
            case "display_data" | "execute_result":
                output = {"type": kind, "data": content["data"]}
                if display_id := content.get("transient", {}).get("display_id"):
                    self._shown[display_id] = output
                cell.outputs.append(output)
            case "stream":
                cell.outputs.append({"type": "stream", "name": content["name"], "text": content["text"]})
            case "error":
                cell.error = content
            case "status" if content["execution_state"] == "idle":
                cell.status = "idle"


@contextmanager
def started(folder: Path, home: Path, *, attended: bool = True) -> Iterator[Kernel]:
    """A kernel in ``folder`` with its own home for all that is deployed; the services are removed at the end."""
    import os

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env={**os.environ, "MLDEPLOY_HOME": str(home)})
    kernel = None
    try:
        kernel = Kernel(manager, attended)
        kernel.run("%load_ext jupyter_mldeploy")
        yield kernel
    finally:
        if kernel is not None:
            kernel.run("import jupyter_mldeploy as m\nfor s in m.services(): s.delete()")
            kernel.client.stop_channels()
        manager.shutdown_kernel(now=False)
        manager.cleanup_resources()
