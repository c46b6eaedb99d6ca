"""What the webhooks of Label Studio say, as events: an annotation is a label or a skip of its person.

An annotation has a uuid for each of its states, so that a message that comes twice counts once. A change undoes the
state before it; so does a deletion.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lindley.errors import InputError
from lindley.labelling.export.columns import CONTENT, IMAGE
from lindley.labelling.export.label_studio import NAMES, read_annotation
from lindley.labelling.item_lookup import ItemLookup
from lindley.labelling.label_studio.ranking import Ranked
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.sources.table import Line
from lindley.labelling.sql import Row, parameter, sa
from lindley.labelling.tables import event
from lindley.session.event_store import Refused
from lindley.text import is_line, short_repr

_MALFORMED = (KeyError, TypeError, AttributeError, IndexError, ValueError, OverflowError)


class AnnotationReader:
    """Takes annotations of Label Studio into a project.

    Args:
        project: The project.
        find_ranked: Returns why an item was served; None where it was not ranked.
    """

    def __init__(self, project: Project, find_ranked: Callable[[int], Ranked | None]) -> None:
        self._project, self._find_ranked = project, find_ranked
        self._lookup: tuple[int, ItemLookup] | None = None
        self._mutex = threading.Lock()

    def find_item(self, task: object) -> int | None:
        """Return the item of a task; None where it is of no item of the project."""
        try:
            return self._find_item(task)
        except _MALFORMED:
            return None

    def store(self, task: object, annotation: object) -> None:
        """Store an annotation that was made or changed.

        Args:
            task: The task, with its data.
            annotation: The annotation.

        Raises:
            InputError: If the task is of no item of the project, or the annotation has no choice of one of its classes.
        """
        try:
            number = _annotation_number(annotation)
            item = self._find_item(task)
            assert isinstance(annotation, Mapping)
            name, _, told = read_annotation(annotation)
        except _MALFORMED as error:
            reason = f": {error}" if type(error) is ValueError else ""
            raise InputError(f"The annotation cannot be used{reason}.", argument="annotation") from None
        if name is None and not annotation.get("was_cancelled"):
            return
        state = [name, annotation.get("updated_at"), annotation.get("lead_time"), told["person"]]
        uuid = f"label-studio-{number}-{hashlib.sha256(repr(state).encode()).hexdigest()[:24]}"
        made = ProjectEvent(uuid, "skip" if name is None else "label", item=item, class_id=self._class(name))
        shown = bool(annotation.get("prediction"))
        made = replace(made, shown_ms=told.get("shown_ms"), prediction_shown=shown, **self._provenance(item))
        self._append(number, self._project.add_prediction(made), _person(told))

    def delete(self, annotations: object) -> None:
        """Undo what annotations said. Raises InputError where they are no list of annotations."""
        try:
            numbers = [_annotation_number(each) for each in annotations]  # type: ignore[attr-defined]
        except _MALFORMED:
            raise InputError(argument="annotations", expected="a list of annotations with their id") from None
        with self._mutex:
            for number in numbers:
                self._undo(self._read_states(number))

    def _append(self, number: int, made: ProjectEvent, person: str) -> None:
        """Store a state of an annotation, in the place of that before."""
        with self._mutex:
            states = self._read_states(number)
            if any(row.uuid == made.uuid for row in states):
                return
            if person not in self._project.store.people():
                self._project.store.add_person(person)
            self._undo(states)
            receipt = self._project.store.append(person, [made])[0]
        if isinstance(receipt, Refused):
            raise InputError(f"The annotation was refused: {receipt.reason}.", argument="annotation")

    def _undo(self, states: Sequence[Row]) -> None:
        """Undo the states of an annotation that stand."""
        undone = {row.target_uuid for row in states if row.kind == "undo"}
        for row in states:
            if row.kind != "undo" and row.uuid not in undone:
                undo = ProjectEvent(f"{row.uuid}-undo", "undo", target_uuid=row.uuid)
                self._project.store.append(row.person, [undo])

    def _read_states(self, number: int) -> list[Row]:
        """Return the events of an annotation."""
        return self._project.store.read(lambda c: [*c.execute(_STATES, {"prefix": f"label-studio-{number}-%"})])

    def _find_item(self, task: Any) -> int:
        data = task["data"]
        num_items = self._project.num_items
        if self._lookup is None or self._lookup[0] != num_items:
            self._lookup = num_items, ItemLookup(self._project)
        content = next((data[name] for kind, name in NAMES.items() if name in data and kind != "images"), None)
        values = {"item": data.get("lindley_id"), CONTENT: content, IMAGE: data.get(NAMES["images"])}
        found = self._lookup[1].find(Line(f"task {task.get('id')}", values), is_typed=True)
        if found is None:
            raise ValueError("its task is of no item of the project")
        return found

    def _class(self, name: object) -> int | None:
        if name is None:
            return None
        found = next((each.id for each in self._project.classes() if each.name == name), None)
        if found is None:
            raise InputError(
                f"The project has no class {short_repr(name)}. Give Label Studio the classes of the project.",
                argument="annotation",
            )
        return found

    def _provenance(self, item: int) -> dict[str, Any]:
        ranked = self._find_ranked(item)
        if ranked is None:
            return {"chosen_by": "label-studio"}
        return {"chosen_by": ranked.chosen_by, "chosen_prob": ranked.chosen_prob, "epoch": self._project.store.epoch()}


def _annotation_number(annotation: Any) -> int:
    number = annotation["id"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**53:
        raise ValueError("its id must be a whole number")
    return number


def _person(told: Mapping[str, Any]) -> str:
    person = str(told.get("person", "label-studio"))
    if not is_line(person) or len(person) > 200:
        raise InputError("The name of who annotated must be one line.", argument="annotation")
    return person


_STATES = sa.select(event.c.uuid, event.c.kind, event.c.person, event.c.target_uuid).where(
    event.c.uuid.like(parameter("prefix"))
)
