"""Candidates of which nothing is predicted: enough for what looks at features alone, before there is any model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from lindley.errors import InputError
from lindley.shapes import LogProbs, Positions, Rows


@final
class Unpredicted:
    """Rows without predictions; who asks for some is told that there are none."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.draws_id = "none"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, 0, 0): no draws, and the classes are not known."""
        return len(self.rows), 0, 0

    def chunks(self) -> Iterator[LogProbs]:
        raise InputError("this acquisition reads predictions [N, K, C], and none are given")

    def take(self, positions: Positions) -> LogProbs:
        raise InputError("this acquisition reads predictions [N, K, C], and none are given")
