"""Exact one-sided tests of differences paired by seed, and the verdict of several tests.

With n pairs the smallest possible p is 1/2^n, so fewer than five seeds decide nothing at 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import false_discovery_control

from lindley.study.comparison.signed_rank import signed_rank_test

Verdict = Literal["supported here", "contradicted here", "not decided here", "not measured here"]
ONE_SIDED_LEVEL = 0.05
"""Level of one claim, in each direction."""


@dataclass(frozen=True)
class Comparison:
    """One measured part of a claim in one experiment."""

    experiment: str
    part: str
    description: str
    """The quantity and the two acquisitions."""
    medians: str
    """The two medians as text."""
    difference: str
    """The size of the difference as text."""
    pairs: int
    num_agreeing: int
    """Number of pairs whose difference supports the claim."""
    p_for: float
    p_against: float

    @property
    def result(self) -> str:
        """The result of this comparison alone: for the claim, against it, or undecided."""
        if self.p_for <= ONE_SIDED_LEVEL:
            return "for it"
        return "against it" if self.p_against <= ONE_SIDED_LEVEL else "undecided"


def paired_comparison(
    experiment: str, part: str, description: str, medians: str, difference: str, differences: Sequence[float]
) -> Comparison:
    """Test the differences of pairs; those above zero support the claim.

    Args:
        experiment: The title of the experiment.
        part: The part of the claim.
        description: The quantity and the two acquisitions.
        medians: The two medians as text.
        difference: The size of the difference as text.
        differences: One per pair.
    """
    p_for, p_against = signed_rank_test(differences)
    num_agreeing = sum(value > 0 for value in differences)
    return Comparison(
        experiment, part, description, medians, difference, len(differences), num_agreeing, p_for, p_against
    )


def judge(comparisons: Sequence[Comparison]) -> Verdict:
    """Return the verdict of all parts of a claim within one experiment.

    Supported when every part is: the largest p counts (intersection-union, no correction needed). Contradicted when
    at least one part is reversed, by Simes' test over the parts.
    """
    if not comparisons:
        return "not measured here"
    if max(each.p_for for each in comparisons) <= ONE_SIDED_LEVEL:
        return "supported here"
    reversed_parts = false_discovery_control([each.p_against for each in comparisons])
    return "contradicted here" if float(np.min(reversed_parts)) <= ONE_SIDED_LEVEL else "not decided here"


def combine_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict over experiments: decided where some decide one way and none the other way."""
    measured = {verdict for verdict in verdicts if verdict != "not measured here"}
    if not measured:
        return "not measured here"
    if {"supported here", "contradicted here"} <= measured:
        return "not decided here"
    decided = measured - {"not decided here"}
    return decided.pop() if decided else "not decided here"


def format_percent(share: float, digits: int = 0) -> str:
    """Return a share in percent: 0.5 -> "50 %"."""
    return f"{100 * share:.{digits}f} %"


def smallest_p(pairs: int) -> float:
    """Return the smallest p that so many pairs can give."""
    return math.ldexp(1.0, -pairs)
