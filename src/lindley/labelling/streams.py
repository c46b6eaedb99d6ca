"""The random test stream: which groups of items are in it, and when its next item is due."""

from __future__ import annotations

EVERY = 3
"""Of the labels up to the number that is wanted, every third is a test label."""
LATER_EVERY = 10
"""Of the labels after that, every tenth."""


def is_test_due(num_train: int, num_test: int, *, test_labels: int = 60) -> bool:
    """Return whether the next label is a test label.

    Args:
        num_train: The number of training labels so far, those on their way too.
        num_test: The number of test labels so far, those on their way too.
        test_labels: The number of test labels that come at the rate of one in EVERY; later ones come at one in
            LATER_EVERY; 0: there are none.
    """
    if not test_labels:
        return False
    if num_test < test_labels:
        return (num_test + 1) * EVERY <= num_train + num_test + 1
    later = num_train + num_test + 1 - test_labels * EVERY
    return (num_test - test_labels + 1) * LATER_EVERY <= later
