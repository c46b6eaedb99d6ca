"""Prediction sets, which hold the true class with a stated probability: split conformal prediction, on the test labels.

What is promised: of rows that come as the test items came, at random from one pool, and that the model has not learnt
from, the set holds the class that a person would give with at least the stated probability. It is a promise on average
over projects: that of one project varies with its test labels, and `ConformalSets.range` says by how much. It says
nothing of rows from elsewhere, and nothing of a class alone, nor of the rows whose set has one class only.

Source: Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021, arXiv:2107.07511, sections 1 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import beta

from lindley.errors import InputError


@dataclass(frozen=True)
class ConformalSets:
    """A threshold that test labels have set."""

    coverage: float
    """The probability that is promised, at least."""
    num_labels: int
    """The number of test labels, those skipped included."""
    threshold: float
    """A class is in the set where its probability is at least this."""

    def sets(self, probs: np.ndarray) -> np.ndarray:
        """Return which classes are in the set of each row; the one that is predicted always is.  [n, C] -> [n, C]"""
        members: np.ndarray = probs >= self.threshold
        members[np.arange(len(probs)), probs.argmax(1)] = True
        return members

    def range(self, level: float = 0.9) -> tuple[float, float]:
        """Return between which values the coverage of one project lies, with this probability, by theory."""
        rank = _rank(self.num_labels, self.coverage)
        ends: Any = beta.ppf([(1 - level) / 2, (1 + level) / 2], rank, self.num_labels + 1 - rank)
        return float(ends[0]), float(ends[1])


def min_labels(coverage: float) -> int:
    """Return the number of test labels from which on there are sets: with fewer each would have to hold all classes.

    >>> min_labels(0.9), min_labels(0.95)
    (9, 19)
    """
    if not 0 < coverage < 1:
        raise InputError(argument="coverage", expected="between 0 and 1", got=coverage)
    return next(n for n in range(1, 10**6) if _rank(n, coverage) <= n)


def calibrate_sets(true_probs: Sequence[float], coverage: float, *, num_skipped: int = 0) -> ConformalSets | None:
    """Set the threshold by test labels; return None where there are fewer than `min_labels`.

    Args:
        true_probs: For each test label the probability that the model gives to its class, 0 where it does not know
            the class, [n].
        coverage: The probability with which a set shall hold the true class.
        num_skipped: Test items that were served and have no label: they count as if the model had been wrong.
    """
    count = len(true_probs) + num_skipped
    if count < min_labels(coverage):
        return None
    ordered = sorted([*true_probs, *[0.0] * num_skipped], reverse=True)
    return ConformalSets(coverage, count, ordered[_rank(count, coverage) - 1])


def _rank(num_labels: int, coverage: float) -> int:
    """Return ceil((n + 1) coverage), where a product such as 10 · 0.9 is 9 and no more."""
    return math.ceil(round((num_labels + 1) * coverage, 9))
