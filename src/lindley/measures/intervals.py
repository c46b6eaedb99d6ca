"""Confidence intervals of an accuracy, or of any other share of rows drawn at random.

Which one depends on how often it is looked at: `clopper_pearson_interval` (exact) and `wilson_interval` (shorter) hold
for one look that was planned beforehand; `confidence_sequence` holds at all looks together, however many there are.
"""

from __future__ import annotations

import math

from lindley.errors import InputError


def clopper_pearson_interval(num_correct: int, num_rows: int, *, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of an accuracy: exact, so it covers the true one with probability `level` or more.

    The rows must have been drawn at random from those that the accuracy is about. Rows that an acquisition chose are
    not: their accuracy is no estimate of that of the others.
    Source: Clopper and Pearson 1934, Biometrika 26(4).

    Args:
        num_correct: Rows that are predicted correctly.
        num_rows: Rows that were examined, at least 1.
        level: Probability of covering the true accuracy, above 0 and below 1.

    Returns:
        The lower and the upper end, in [0, 1].

    Raises:
        InputError: If num_correct is not within 0 and num_rows, num_rows is below 1, or level is not within 0 and 1.
    """
    _check(num_correct, num_rows, level)
    from scipy.stats import binomtest

    found = binomtest(num_correct, num_rows).proportion_ci(confidence_level=level, method="exact")
    return float(found.low), float(found.high)


def wilson_interval(num_correct: int, num_rows: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of an accuracy: it covers the true one with probability `level` on average.

    Looked at again and again while rows are added, it is wrong at some time in a third of the cases:
    see `confidence_sequence`.
    Source: Wilson 1927, Journal of the American Statistical Association 22(158).

    Args:
        num_correct: Rows that are predicted correctly.
        num_rows: Rows that were examined, at least 1.
        level: Probability of covering the true accuracy, above 0 and below 1.

    Returns:
        The lower and the upper end, in [0, 1].

    Raises:
        InputError: If num_correct is not within 0 and num_rows, num_rows is below 1, or level is not within 0 and 1.
    """
    _check(num_correct, num_rows, level)
    from scipy.special import ndtri  # scipy.stats has this interval too, but takes most of a second to import

    share, z = num_correct / num_rows, float(ndtri(0.5 + 0.5 * level))
    scale = 2 * (num_rows + z**2)
    centre = (2 * num_rows * share + z**2) / scale
    half = z / scale * math.sqrt(4 * num_rows * share * (1 - share) + z**2)
    return 0.0 if num_correct == 0 else centre - half, 1.0 if num_correct == num_rows else centre + half


def confidence_sequence(
    num_correct: int, num_rows: int, *, level: float = 0.95, a: float = 1.0, b: float = 1.0
) -> tuple[float, float]:
    """The interval of a confidence sequence: with probability `level` it covers the true accuracy at all looks.

    The shares p of which the beta mixture of binomials has less than 1 / (1 - level) times the likelihood:
    B(a + s, b + n - s) / B(a, b) < p^s (1 - p)^(n - s) / (1 - level) after s correct of n. By Ville's inequality the
    true share is outside at some n with probability 1 - level at most.
    Source: Robbins 1970, Annals of Mathematical Statistics 41(5); Howard et al. 2021, arXiv:1810.08240.

    Args:
        num_correct: Rows that are predicted correctly, s.
        num_rows: Rows that were examined, n; at 0 the interval is (0, 1).
        level: Probability of covering the true accuracy at all looks, above 0 and below 1.
        a: The mixture's prior count of correct rows.
        b: Its prior count of wrong rows.

    Returns:
        The lower and the upper end, in [0, 1].

    Raises:
        InputError: If num_correct is not within 0 and num_rows, or level is not within 0 and 1.
    """
    if num_rows == 0 and num_correct == 0:
        return 0.0, 1.0
    _check(num_correct, num_rows, level)
    from scipy.optimize import brentq
    from scipy.special import betaln, xlog1py, xlogy

    wrong = num_rows - num_correct
    log_mixture = betaln(a + num_correct, b + wrong) - betaln(a, b) + math.log(1 - level)

    def excess(share: float) -> float:
        return float(xlogy(num_correct, share) + xlog1py(wrong, -share) - log_mixture)

    best = num_correct / num_rows
    low = 0.0 if num_correct == 0 else float(brentq(excess, 1e-300, best, xtol=1e-12))
    high = 1.0 if wrong == 0 else float(brentq(excess, best, 1 - 2**-53, xtol=1e-12))
    return low, high


def _check(num_correct: int, num_rows: int, level: float) -> None:
    if not 0 <= num_correct <= num_rows or num_rows < 1:
        raise InputError(argument="num_correct", expected=f"0 to num_rows={num_rows}, at least 1", got=num_correct)
    if not 0 < level < 1:
        raise InputError(argument="level", expected="above 0 and below 1", got=level)
