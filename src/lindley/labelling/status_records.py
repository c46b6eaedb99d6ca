"""The status of a project as records: labels, accuracy, information of the next batch, and advice when to stop.

`ProjectStatus.to_json` is what `lindley status --format json` and `/api/status` give; docs/labelling.md lists its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lindley.labelling.accuracy import AccuracyEstimate, AdjustedAccuracy, Calibration, ClassRecall
from lindley.labelling.advice import Advice, Forecast
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.labels_saved import LabelsSaved
from lindley.labelling.learning_curve import CurvePoint
from lindley.labelling.records import Entry

MIN_KAPPA_ITEMS = 10
"""The number of items from which an interval of kappa is given."""


@dataclass(frozen=True)
class ModelStatus:
    """The newest model."""

    version: str
    epoch: int
    num_train: int
    """The number of labels from which it learned."""
    acquisition: str
    """The acquisition that chose the current batch."""
    num_behind: int
    """The number of answers since, from which the next model will learn too."""


@dataclass(frozen=True)
class PeopleAgreement:
    """The agreement of two people on the items that both labelled."""

    people: tuple[str, str]
    num_items: int
    observed: float
    """The share of items on which they agree."""
    kappa: float | None
    """Cohen's kappa and its interval at 95 %; None where both use one class only. The interval is None below
    MIN_KAPPA_ITEMS items: it is made for many, and has no width at all where few items agree or disagree alike."""
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PersonStatus:
    """The work of a person."""

    person: str
    num_labels: int
    """The number of items that they gave a class; imported labels are left out."""
    num_skips: int
    seconds_per_label: float | None
    """The median time for a label."""


@dataclass(frozen=True)
class SuspectStatus:
    """A training label that may be wrong: the model that learned from all others finds another class likelier.

    That class is left out, so that the label can be judged again without it.
    """

    item: int
    place: str
    content: str
    """The text, or "" where the item is none."""
    class_id: int
    name: str
    """The name of the class of the label."""
    margin: float
    """By how much the other class is more likely, in nats."""


@dataclass(frozen=True)
class SentenceStatus:
    """The gain of a class's sentence in the newest model."""

    class_id: int
    name: str
    sentence: str
    """The name of the class where it has no sentence."""
    num_labels: int
    gain: float
    """The log-likelihood of the training labels that it gains, in nats."""
    standard_error: float
    misleads: bool


@dataclass(frozen=True)
class SentencesStatus:
    """The weight and the gains of the class sentences in the newest model."""

    weight: float
    """The number by which they count, chosen by the labels: 1 without labels, 0 where they are left out."""
    classes: Sequence[SentenceStatus]
    """None before the first labels; a sentence that was changed since comes with the next model."""


@dataclass(frozen=True)
class ProjectStatus:
    """The status of a project."""

    name: str
    kind: str
    num_items: int
    num_entries: int
    num_unreadable: int
    unreadable: Sequence[Entry]
    """The first of the entries that could not be read, with their reasons."""
    labels: Mapping[str, int]
    """By stream the number of items with a label that counts; those to train on may be imported."""
    num_imported: int
    """The number of training labels that no person gave here."""
    num_unused: int
    """The number of labels that neither train nor measure: imported ones of test items, and those of excluded items."""
    undecided: Mapping[str, int]
    """The number of items with answers but no label that counts, by stream: skipped or disputed."""
    num_disputed: int
    """The number of items on which people disagree."""
    by_class: Mapping[str, int]
    """The number of training labels, by the name of the class."""
    model: ModelStatus | None
    accuracy: AccuracyEstimate
    adjusted: AdjustedAccuracy | None
    target: float | None
    advice: Advice
    forecast: Forecast | None
    audits: Sequence[AuditStatus]
    """All audits in their order: each is another look."""
    recall: Sequence[ClassRecall]
    calibration: Calibration | None
    curve: Sequence[CurvePoint]
    saved: LabelsSaved | None
    """The labels that the choice of items saved; None where that cannot be estimated yet."""
    suspects: Sequence[SuspectStatus]
    """Training labels that may be wrong, the least likely first; each was given once only."""
    information_bits: float | None
    """The joint information of the next batch."""
    information_limit_bits: float
    """The most that can be measured with the project's number of draws, log2 K."""
    sentences: SentencesStatus | None
    """None without sentences, or without an encoder that reads them."""
    agreement: Sequence[PeopleAgreement]
    people: Sequence[PersonStatus]
    """All who answered here, by name."""
    seconds_per_label: float | None
    """The median time for an answer."""
    failure: str
    """The reason why the last round failed, or ""."""

    def to_json(self) -> dict[str, Any]:
        """Return the status as JSON values."""
        return asdict(self)
