"""What each audit says: the exact interval of one model's accuracy, which never changes afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lindley.labelling.accuracy import audit_interval
from lindley.labelling.audit_records import AuditRecord, read_audits
from lindley.labelling.class_events import resolve_class
from lindley.labelling.consensus import item_label
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.learning_curve import own_answers
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent


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
    num_train: int | None = None
    """The number of training labels of that model."""
    num_correct: int | None = None
    low: float | None = None
    """The exact interval of the accuracy at 95 %."""
    high: float | None = None


def audit_statuses(project: Project, state: ProjectState) -> list[AuditStatus]:
    """Return how far each audit is, in their order.

    Args:
        project: The project.
        state: The state after all events.
    """
    num_train = {each.model_version: each.n_train for each in project.store.rounds()}
    return [_audit_status(each, state, num_train) for each in project.store.read(read_audits)]


def _audit_status(record: AuditRecord, state: ProjectState, num_train: Mapping[str | None, int]) -> AuditStatus:
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
    interval = audit_interval(correct, len(labels), num_undecided)
    return AuditStatus(*counts, record.model_version, num_train[record.model_version], correct, *interval)


def _counting_events(record: AuditRecord, state: ProjectState) -> Iterator[ProjectEvent]:
    """Yield the events until the audit was judged that say something of its items."""
    items, last = {*record.items}, record.closed_seq or 0
    for each in state.known.values():
        if (each.seq or 0) <= last and (each.item in items or each.kind in ("class", "undo")):
            yield each
