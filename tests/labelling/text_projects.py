"""Small projects of texts that several tests of labels in files share."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from lindley.labelling.consensus import item_label
from lindley.labelling.fold import fold
from lindley.labelling.initialise import make_project
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

CLASSES = ("cat", "dog")
_PLACES = ("garden", "kitchen", "street", "harbour", "forest", "station", "tower", "market", "cellar", "meadow")


def write_texts(path: Path, count: int = 40) -> list[str]:
    """Write texts, half of each class, then a copy of the first one and an empty line; return their classes."""
    truth = [CLASSES[row % 2] for row in range(count)]
    words = {"cat": "purrs and hunts mice", "dog": "barks and fetches sticks"}
    texts = [f"=it {words[label]} in the {_PLACES[row // 2 % 10]} {row}" for row, label in enumerate(truth)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "class"])
        writer.writerows(zip([*texts, texts[0], ""], [*truth, truth[0], "cat"], strict=True))
    return truth


def make_texts(folder: Path, source: Path, classes: Sequence[str] = CLASSES, **settings: object) -> Project:
    """Make a project of a table of texts, and open it."""
    given = ProjectSettings(**{"kind": "text", "text": "text", "num_draws": 4, "test_labels": 9, **settings})  # type: ignore[arg-type]
    make_project(folder, open_source(source, text="text", classes=classes), classes, given)
    return Project.open(folder)


def event(kind: str, item: int | None = None, **values: object) -> ProjectEvent:
    """Return an event with a uuid of its own that says what it is."""
    number = "-".join(str(each) for each in (kind, item, *values.values()))
    return ProjectEvent(uuid=values.pop("uuid", number), kind=kind, item=item, **values)  # type: ignore[arg-type]


def find_labels(project: Project) -> dict[int, int | None]:
    """Return by item the class that counts, of every stream and origin; None where people disagree."""
    state = fold(project.store.events())
    found = {item: item_label(state, item) for item in state.standing}
    return {item: label.class_id for item, label in found.items() if label is not None}
