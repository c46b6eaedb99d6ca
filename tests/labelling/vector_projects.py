"""Projects of a few vectors in two heaps, which a trainer needs no time for."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

from lindley.labelling.initialise import add_source, make_project
from lindley.labelling.records import ProjectEvent
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

CLASSES = ("left", "right")


def write_vectors(path, rows, seed=0):
    """Every second row lies on the right."""
    noise = np.random.default_rng(seed).normal(size=(rows, 4))
    noise[:, 0] += np.where(np.arange(rows) % 2, 3.0, -3.0)
    np.save(path, noise.astype(np.float32))
    return open_source(path)


def make_vectors(folder, rows=60, **settings):
    """A project of vectors in `folder / "project"`, and its folder."""
    source = write_vectors(folder / "heaps.npy", rows)
    settings = {"test_labels": 9, **settings}
    make_project(folder / "project", source, CLASSES, ProjectSettings(kind="vectors", **settings))
    return folder / "project"


def add_vectors(project, folder, rows, seed=1):
    return add_source(project, write_vectors(folder / f"more-{seed}.npy", rows, seed))


def true_class(item):
    return item % 2


def answer(item, **more):
    return ProjectEvent(uuid4().hex, "label", item=item, class_id=true_class(item), **more)


def label_items(project, count, person="ann"):
    """Have a person label so many items as they are served; return them."""
    items = []
    for _ in range(count):
        (lease,) = project.ask(1, person=person)
        project.tell({lease.item: CLASSES[true_class(lease.item)]}, person=person)
        items.append(lease.item)
    return items
