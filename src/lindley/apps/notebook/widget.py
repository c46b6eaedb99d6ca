"""The widget of a project: answers its page's requests in this process, while a trainer works beside it.

This is the one module that imports anywidget (extra `notebook`).
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

from lindley.errors import InputError
from lindley.labelling.desk import Desk
from lindley.labelling.project import Project

try:
    import anywidget

    from lindley.apps.notebook.documents import make_document
    from lindley.apps.notebook.in_process import call_application
    from lindley.apps.web.app import build_routes
    from lindley.apps.web.security import Visitor
except ModuleNotFoundError as error:
    raise InputError(
        f'A notebook widget requires {error.name}, which is not installed: pip install "lindley[notebook]"',
        argument=error.name or "",
    ) from None

_open: dict[Path, LabelWidget] = {}
"""The widgets of this process by the folders of their projects."""


class LabelWidget(anywidget.AnyWidget):
    """The labelling page of a project in a notebook, for one person.

    Args:
        desk: Hands out items and takes answers; the widget closes it.
        person: The name of the person, whom the project knows.
    """

    _esm = resources.files(__package__).joinpath("widget.js").read_text(encoding="utf-8")

    def __init__(self, desk: Desk, person: str) -> None:
        self._closing = ExitStack()
        self._closing.enter_context(desk)
        self._routes, self._person = build_routes(desk), person
        super().__init__()
        self.on_msg(self._answer)
        atexit.register(self._closing.close)

    def close(self) -> None:
        """End the trainer, and take the page away; what was labelled is stored. The project stays open."""
        self._closing.close()
        super().close()

    def _answer(self, widget: object, request: dict[str, Any], buffers: object) -> None:
        """Send the answer to a request of the page; the other side knows it by its id."""
        visitor = Visitor(self._person, csrf="")
        answer = call_application(
            self._routes, request["path"], method=request["method"], body=request["body"], state={"visitor": visitor}
        )
        body = make_document(answer.body.decode()).encode() if answer.type.startswith("text/html") else answer.body
        self.send({"id": request["id"], "status": answer.status, "type": answer.type}, [body])


def open_widget(project: Project, person: str) -> LabelWidget:
    """Return a widget of a project. It takes the place of an earlier one in this process, as when a cell runs again.

    Args:
        project: The project.
        person: The name of the person, whom the project knows.

    Raises:
        HeldError: If another process labels or trains; it names the process.
    """
    folder = project.folder.resolve()
    if folder in _open:
        _open.pop(folder).close()
    _open[folder] = widget = LabelWidget(Desk(project), person)
    return widget
