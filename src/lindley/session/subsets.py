"""Which rows a trial starts from, and which it may ask for in a round."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import InputError
from lindley.noise import row_uniforms
from lindley.seeds import derive_seed
from lindley.shapes import ClassIndices, Rows


def initial_random_rows(num_rows: int, count: int, *, seed: int) -> Tensor:
    """The initial set: `count` of the pool's rows, the same for every acquisition of a seed.  -> [count] rows"""
    _check_count(num_rows, count)
    keys = row_uniforms(torch.arange(num_rows), derive_seed(seed, "initial"))
    return keys.argsort(stable=True)[:count]


def balanced_rows(classes: ClassIndices, count: int, *, seed: int) -> Tensor:
    """The initial set with as equal a number of each class as there can be.  [N] -> [count] rows

    Rows without a class come last. This looks at the classes of the whole pool, which a real project does not have.
    """
    _check_count(classes.numel(), count)
    keys = row_uniforms(torch.arange(classes.numel()), derive_seed(seed, "initial"))
    by_key = keys.argsort(stable=True)
    place = torch.empty_like(classes)  # how many rows of its class come before a row
    for each in classes.unique():
        rows = by_key[classes[by_key] == each]
        place[rows] = torch.arange(rows.numel())
    place[classes == NONE_OF_THE_CLASSES] += classes.numel()
    return (place + keys).argsort(stable=True)[:count]


def validation_rows(num_rows: int, taken: Rows, count: int, *, seed: int) -> Tensor:
    """Rows whose labels stop a fit and teach nothing: at random, the same for every acquisition of a seed.

    -> [count] rows, none of those taken.
    """
    free = torch.ones(num_rows, dtype=torch.bool)
    free[taken] = False
    rows = free.nonzero()[:, 0]
    if count > len(rows):
        raise InputError(f"there are {len(rows)} rows left for {count} validation labels; lower one of the two")
    return rows[row_uniforms(rows, derive_seed(seed, "validation")).argsort(stable=True)[:count]]


def candidate_rows(
    num_rows: int, labelled: Rows, *, count: int, seed: int, sources: Tensor | None, at_least: int = 0
) -> Tensor:
    """The rows that may be asked for, ascending.  -> [N] rows

    All unlabelled rows when count = 0, else a random subset of about `count` of them. Where rows are copies of
    source images (`sources`, [num_rows]) the images are drawn, each with all of its copies that are not labelled:
    count / (rows per image) images, and more of them while these have fewer than `at_least` rows.
    """
    free = torch.ones(num_rows, dtype=torch.bool)
    free[labelled] = False
    rows = free.nonzero()[:, 0]
    if count == 0 or count >= rows.numel():
        return rows
    if sources is None:
        return rows[row_uniforms(rows, seed).argsort(stable=True)[:count]].sort().values
    images, there = sources[rows].unique(return_counts=True)
    copies = num_rows / sources.unique().numel()
    order = row_uniforms(images, seed).argsort(stable=True)
    enough = int((there[order].cumsum(0) < at_least).sum()) + 1
    drawn = images[order[: max(round(count / copies), enough)]]
    return rows[torch.isin(sources[rows], drawn)]


def _check_count(num_rows: int, count: int) -> None:
    if not 1 <= count <= num_rows:
        raise InputError(f"the initial set needs 1 to {num_rows} rows (the size of the pool); got {count}")
