"""The gain of a class's sentence, and whether it misleads. No torch here: the status of a project reads it."""

from __future__ import annotations

from dataclasses import dataclass

from lindley.labelling.records import ClassRecord

MIN_LABELS = 5
"""The number of labels of its class below which no sentence is said to mislead."""
MARGIN = 2.0
"""The number of standard errors by which its gain must be below 0."""


@dataclass(frozen=True)
class SentenceGain:
    """The gain of a class's sentence: how much better the labels are predicted with it, each left out in turn."""

    class_id: int
    sentence: str
    """The name of the class where it has no sentence."""
    num_labels: int
    """The number of training labels of the class."""
    gain: float
    """The log-likelihood of all training labels that it gains, in nats."""
    standard_error: float
    """The standard error of the gain, from the spread of the labels' gains."""

    @property
    def misleads(self) -> bool:
        """Whether the gain is below 0 for sure: by MARGIN standard errors, with MIN_LABELS labels of its class."""
        return self.num_labels >= MIN_LABELS and self.gain < -MARGIN * self.standard_error


def sentence_of(record: ClassRecord) -> str:
    """Return what describes a class: its sentence, or its name where it has none."""
    return record.description or record.name
