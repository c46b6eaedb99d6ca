"""The positions of rows among other rows: from stable ids to places in an array."""

from __future__ import annotations

from typing import final

import torch

from lindley.errors import InputError
from lindley.shapes import Positions, Rows


@final
class RowIndex:
    """Finds the positions of rows in an order that is given once.

    >>> RowIndex(torch.tensor([7, 3, 5]))(torch.tensor([5, 7]))
    tensor([2, 0])
    """

    def __init__(self, rows: Rows) -> None:
        self._sorted, self._order = rows.cpu().sort()
        self._low = int(self._sorted[0]) if len(rows) else 0
        self._without_gaps = torch.equal(self._sorted, torch.arange(self._low, self._low + len(rows)))

    def __call__(self, rows: Rows) -> Positions:
        """Return the position of each row.  [n] -> [n]

        Raises:
            InputError: If a row is not among those of the index.
        """
        rows = rows.cpu()
        if self._without_gaps:  # the place of a row follows from the row, and no search is needed
            places = rows - self._low
            found = (places >= 0) & (places < len(self._sorted))
        else:
            places = torch.searchsorted(self._sorted, rows).clamp_max(len(self._sorted) - 1)
            found = self._sorted[places] == rows
        if not bool(found.all()):
            raise InputError(argument="rows", expected="among the candidates", rows=rows[~found].tolist())
        return self._order[places]
