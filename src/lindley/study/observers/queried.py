"""Counts of the rows that were labelled in a corrupted pool, by kind: duplicates, mislabelled rows and others."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch

from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset
from lindley.session.rounds import Observation, RoundView
from lindley.shapes import Rows


def observe_queried(dataset: Dataset, minority_classes: Collection[str]) -> Callable[[RoundView], Observation]:
    """Return the observer of `queried`, the counts of all rows labelled so far, and `pool`, those of the whole pool.

    The true classes are known to the observer alone; an acquisition sees none of it.

    Args:
        dataset: The pool, what its oracle answers, and the true classes.
        minority_classes: The names of the classes of which few rows were kept.
    """
    of_pool = count_kinds(dataset, minority_classes, torch.arange(len(dataset.pool)))

    def observe(view: RoundView) -> Observation:
        return Observation(
            metrics={
                "queried": count_kinds(dataset, minority_classes, view.round_labels.labelled_rows),
                "pool": of_pool,
            }
        )

    return observe


def count_kinds(dataset: Dataset, minority_classes: Collection[str], rows: Rows) -> dict[str, int]:
    """Count the rows of each kind among some rows of the pool.

    Args:
        dataset: The pool, what its oracle answers, and the true classes.
        minority_classes: The names of the classes of which few rows were kept.
        rows: [n], without repetition.

    Returns:
        `labels`, all of them; `minority_class`, those of a minority class by their true class; `duplicates`, those
        beyond the first of one source; `mislabelled`, those of which the oracle answers another class than the true
        one; `out_of_distribution`, those of none of the classes.
    """
    truth, answers = dataset.truth[rows], dataset.classes[rows]
    minority = torch.tensor([dataset.task.class_names.index(name) for name in minority_classes], dtype=torch.int64)
    sources = rows if dataset.sources is None else dataset.sources[rows]
    return {
        "labels": rows.numel(),
        "minority_class": int(torch.isin(truth, minority).sum()),
        "duplicates": rows.numel() - sources.unique().numel(),
        "mislabelled": int((answers != truth).sum()),
        "out_of_distribution": int((truth == NONE_OF_THE_CLASSES).sum()),
    }
