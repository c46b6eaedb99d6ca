"""The label schedule of a trial: how many labels it has in each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LabelSchedule:
    """The numbers of labels of a trial. The last batch is shortened so that the trial ends at max_labels.

    All labels count: the initial ones, those queried in rounds, and validation labels, which are set apart before the
    first round.
    """

    initial_labels: int
    initial: Literal["balanced", "random"]
    batch_size: int
    max_labels: int
    validation_labels: int = 0

    @property
    def num_rounds(self) -> int:
        """The number of fits from the initial labels to max_labels, both included."""
        return 1 + -(-(self.max_labels - self.num_labels_at(0)) // self.batch_size)

    def num_labels_at(self, round: int) -> int:
        """Return the number of labels in a round, validation labels included."""
        return min(self.validation_labels + self.initial_labels + round * self.batch_size, self.max_labels)

    def next_batch_size(self, num_labels: int) -> int:
        """Return the number of rows to query when there are num_labels labels."""
        return max(0, min(self.batch_size, self.max_labels - num_labels))
