"""What the forms are made of: labelled fields that tell when they change, and a frame that ends as a line of text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets

from jupyter_mldeploy.notebook.leaving import close_at_exit
from jupyter_mldeploy.notebook.output import Output
from jupyter_mldeploy.notebook.render.card import style

__all__ = ["Form", "choice", "in_thread", "suggestion", "text"]

_LAYOUT = {"width": "100%", "max_width": "620px"}
_STYLE = {"description_width": "130px"}


def text(label: str, value: str = "", placeholder: str = "") -> Any:
    """A field for a line of text."""
    return ipywidgets.Text(description=label, value=value, placeholder=placeholder, layout=_LAYOUT, style=_STYLE)


def suggestion(label: str, options: Sequence[str], value: str = "", placeholder: str = "") -> Any:
    """A field for text that offers words."""
    return ipywidgets.Combobox(
        description=label, options=tuple(options), value=value, placeholder=placeholder, layout=_LAYOUT, style=_STYLE
    )


def choice(label: str, options: Sequence[str | tuple[str, str]], value: str) -> Any:
    """A field for one of several."""
    return ipywidgets.Dropdown(description=label, options=options, value=value, layout=_LAYOUT, style=_STYLE)


def in_thread(what: str, act: Callable[[], None]) -> None:
    """Do what a click asks for beside the kernel's own threads."""
    threading.Thread(target=act, name=f"mldeploy-form-{what}", daemon=True).start()


class Form:
    """A frame around widgets. When it is closed, or the kernel ends, a line of text stays in its place.

    Args:
        children: What stands in it.
        left: The text that stays.
    """

    def __init__(self, children: Sequence[Any], left: Callable[[], str]) -> None:
        self._left = left
        self._closed = False
        self._output = Output()
        # The stylesheet comes along: after the page was loaded again no other output may have brought it.
        self._box = ipywidgets.VBox([*children, ipywidgets.HTML(str(style()), layout={"display": "none"})])
        self._box.add_class("mld-panel")
        self._box.add_class("mld-form")

    def show(self) -> None:
        """Show it in the cell that runs."""
        self._output.show({**self._box._repr_mimebundle_(), "text/plain": self._left()})
        close_at_exit(self)

    def close(self) -> None:
        """Leave the text in its place. Again does nothing."""
        if not self._closed:
            self._closed = True
            self._output.show({"text/plain": self._left()})
            self._box.close()
