"""Some of the rows of predictions, without copying them: what is labelled already is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch

from lindley.acquisition.checks import checks_its_values
from lindley.contracts import Predictions
from lindley.errors import InputError
from lindley.shapes import LogProbs, Positions


@final
class SomePredictions:
    """The predictions at these positions, in ascending order."""

    def __init__(self, predictions: Predictions, positions: Positions) -> None:
        self.rows, self.draws_id = predictions.rows[positions], predictions.draws_id
        self.values_checked = checks_its_values(predictions)
        self._predictions, self._positions = predictions, positions
        self._kept = torch.zeros(len(predictions.rows), dtype=torch.bool)
        self._kept[positions] = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, K, C)."""
        return len(self.rows), *self._predictions.shape[1:]

    def chunks(self) -> Iterator[LogProbs]:
        """[n, K, C] in the order of rows; all are read, these are given."""
        start = 0
        for chunk in self._predictions.chunks():
            kept = self._kept[start : start + len(chunk)]
            start += len(chunk)
            if bool(kept.any()):
                yield chunk if bool(kept.all()) else chunk[kept.to(chunk.device)]

    def take(self, positions: Positions) -> LogProbs:
        """[b] -> [b, K, C], in that order."""
        return self._predictions.take(self._positions[positions])


def left_after(excluded: list[str | int], ids: list[str | int] | range) -> tuple[Positions, list[str | int]]:
    """The positions of the candidates that are not excluded, and what was excluded but is no candidate.

    Ids are the same where they are written the same: 12 in one file is "12" in another. Raises InputError where none
    is left.
    """
    told = {str(each): each for each in excluded}
    left = torch.tensor([place for place, each in enumerate(ids) if str(each) not in told], dtype=torch.int64)
    if len(left) == 0:
        raise InputError(f"all {len(ids)} candidates are excluded; there is nothing to choose from")
    known = {str(each) for each in ids}
    return left, [each for text, each in told.items() if text not in known]
