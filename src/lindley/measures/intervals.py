"""A confidence interval of an accuracy, or of any other share of rows drawn at random."""

from __future__ import annotations

from lindley.errors import InputError


def accuracy_interval(num_correct: int, num_rows: int, *, level: float = 0.95) -> tuple[float, float]:
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
    if not 0 <= num_correct <= num_rows or num_rows < 1:
        raise InputError(argument="num_correct", expected=f"0 to num_rows={num_rows}, at least 1", got=num_correct)
    if not 0 < level < 1:
        raise InputError(argument="level", expected="above 0 and below 1", got=level)
    from scipy.stats import binomtest

    found = binomtest(num_correct, num_rows).proportion_ci(confidence_level=level, method="exact")
    return float(found.low), float(found.high)
