"""The audit of a project: fresh random items, labelled blind and judged once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch

from lindley.errors import DataError, InputError
from lindley.labelling.accuracy import audit_interval
from lindley.labelling.audit_records import AuditRecord, predict_audit, read_audits
from lindley.labelling.class_events import resolve_class
from lindley.labelling.consensus import item_label
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.learning_curve import own_answers
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent
from lindley.noise import row_uniforms


@dataclass(frozen=True)
class AuditStatus:
    """An audit. What it says comes when all of its items are answered, and never changes afterwards."""

    number: int
    """From 1: each audit is another look at the accuracy."""
    num_items: int
    num_labels: int
    num_undecided: int
    model_version: str | None = None
    """The model that it judges: the newest one when its last item was answered. None while items are left."""
    num_correct: int | None = None
    low: float | None = None
    """The exact interval of the accuracy at 95 %."""
    high: float | None = None


def draw_audit(project: Project, count: int) -> list[int]:
    """Begin an audit of random items that are fresh, and return them.

    They are drawn from all groups of which no item has ever had an event, or is on somebody's screen: the model would
    know the copies of those that it was trained on, also where the label was undone. The others of their groups are
    excluded from training.

    Args:
        project: The project.
        count: The number of items.

    Raises:
        InputError: If there are not so many fresh items, or an audit is under way.
    """
    store = project.store
    groups, streams = store.groups(), store.streams()
    apart = np.isin(streams, ("audit", "excluded")).nonzero()[0].tolist()
    known = {*(each.item for each in store.events()), *store.items_on_lease(), *apart} - {None}
    used = {int(groups[item]) for item in known}
    first = np.unique(groups, return_index=True)[1]  # one item of each group
    fresh = torch.tensor([item for item in first.tolist() if int(groups[item]) not in used], dtype=torch.int64)
    running = [each for each in store.read(read_audits) if each.closed_seq is None]
    if len(fresh) < count and not running:
        raise InputError(argument="labels", expected=f"at most {len(fresh)}, the number of fresh items", got=count)
    order = row_uniforms(fresh, project.settings.seed, "audit", int((streams == "audit").sum())).argsort()
    drawn = store.start_audit(fresh[order[:count]].tolist())
    with suppress(DataError):  # without the files of the newest model, the next one predicts the audit
        _predict(project)
    return drawn


def audit_statuses(project: Project, state: ProjectState) -> list[AuditStatus]:
    """Return how far each audit is, in their order.

    Args:
        project: The project.
        state: The state after all events.
    """
    return [_audit_status(each, state) for each in project.store.read(read_audits)]


def _predict(project: Project) -> None:
    epoch, probs = project.current_epoch(), project.probs()
    if epoch is not None and probs is not None:
        number, version, predicted = epoch.number, epoch.model_version, epoch.predicted(probs)
        project.store.write(lambda connection: predict_audit(connection, number, version, predicted))


def _audit_status(record: AuditRecord, state: ProjectState) -> AuditStatus:
    is_judged = record.closed_seq is not None
    if is_judged:
        state = fold(_counting_events(record, state))
    found = {item: item_label(state, item) for item in record.items}
    labels = {
        item: each.class_id
        for item, each in found.items()
        if each is not None and each.origin != "import" and each.class_id is not None
    }
    num_undecided = sum(item not in labels and bool(own_answers(state, item)) for item in record.items)
    counts = record.number, len(record.items), len(labels), num_undecided
    if not is_judged:
        return AuditStatus(*counts)
    correct = sum(resolve_class(state.classes, record.predicted[item]) == value for item, value in labels.items())
    return AuditStatus(*counts, record.model_version, correct, *audit_interval(correct, len(labels), num_undecided))


def _counting_events(record: AuditRecord, state: ProjectState) -> Iterator[ProjectEvent]:
    """Yield the events until the audit was judged that say something of its items."""
    items, last = {*record.items}, record.closed_seq or 0
    for each in state.known.values():
        if (each.seq or 0) <= last and (each.item in items or each.kind in ("class", "undo")):
            yield each
