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
        low = int(self._sorted[0]) if len(rows) else 0
        self._without_gaps = torch.equal(self._sorted, torch.arange(low, low + len(rows)))

    def __call__(self, rows: Rows) -> Positions:
        """Return the position of each row.  [n] -> [n]

        Raises:
            InputError: If a row is not among those of the index.
        """
        rows = rows.cpu()
        if not len(self._sorted):
            found = torch.zeros(len(rows), dtype=torch.bool)
            places = torch.zeros_like(rows)
        else:
            # Without gaps the position of a row follows from the row, and no search is needed.
            places = rows - self._sorted[0] if self._without_gaps else torch.searchsorted(self._sorted, rows)
            places = places.clamp(0, len(self._sorted) - 1)
            found = self._sorted[places] == rows
        if not bool(found.all()):
            raise InputError(argument="rows", expected="among the candidates", rows=rows[~found].tolist())
        return self._order[places]
