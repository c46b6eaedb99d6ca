"""How many labels a trial has in which round: said here once, for those who run it and those who only count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Labelling:
    """How many labels, and when. The last batch is shortened so that a trial ends at max_labels.

    Labels are all that were given: the initial ones, those that were asked for, and validation labels, which are set
    apart before the first round.
    """

    initial_labels: int
    initial: Literal["balanced", "random"]
    batch_size: int
    max_labels: int
    validation_labels: int = 0

    @property
    def num_rounds(self) -> int:
        """Fits from the initial labels to max_labels, both counted."""
        return 1 + -(-(self.max_labels - self.labels_at(0)) // self.batch_size)

    def labels_at(self, round: int) -> int:
        """Labels that the model of a round is fitted and stopped by."""
        return min(self.validation_labels + self.initial_labels + round * self.batch_size, self.max_labels)

    def batch_after(self, num_labels: int) -> int:
        """How many to ask for when num_labels are known."""
        return max(0, min(self.batch_size, self.max_labels - num_labels))
