"""Subsets of the pool: the rows from which a session begins, and the candidates of a round."""

from __future__ import annotations

import torch
from torch import Tensor

from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import InputError
from lindley.noise import row_uniforms
from lindley.seeds import derive_seed
from lindley.shapes import ClassIndices, Rows


def initial_random_rows(num_rows: int, count: int, *, seed: int) -> Tensor:
    """Return random rows to begin with, the same for every acquisition of a seed.  -> [count]

    Args:
        num_rows: The number of rows of the pool, N.
        count: The number of rows to return.
        seed: The session's seed.
    """
    _check_count(num_rows, count)
    keys = row_uniforms(torch.arange(num_rows), derive_seed(seed, "initial"))
    return keys.argsort(stable=True)[:count]


def initial_balanced_rows(classes: ClassIndices, count: int, *, seed: int) -> Tensor:
    """Return rows to begin with that are balanced over the classes as far as possible.  [N] -> [count]

    Rows without a class come last. This reads the classes of the whole pool, which a real project does not have.

    Args:
        classes: The class of each row of the pool, [N].
        count: The number of rows to return.
        seed: The session's seed.
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


def validation_rows(num_rows: int, initial: Rows, count: int, *, seed: int) -> Tensor:
    """Return random rows whose labels stop a fit, the same for every acquisition of a seed.  -> [count]

    Args:
        num_rows: The number of rows of the pool, N.
        initial: The initial rows, which are left out.
        count: The number of rows to return.
        seed: The session's seed.
    """
    free = torch.ones(num_rows, dtype=torch.bool)
    free[initial] = False
    rows = free.nonzero()[:, 0]
    if count > len(rows):
        raise InputError(
            "Lower it, or lower initial_labels.",
            argument="validation_labels",
            expected=f"at most {len(rows)}, the rows that are left",
            got=count,
        )
    return rows[row_uniforms(rows, derive_seed(seed, "validation")).argsort(stable=True)[:count]]


def candidate_rows(
    num_rows: int, labelled: Rows, *, count: int, seed: int, sources: Tensor | None, min_rows: int = 0
) -> Tensor:
    """Return the rows that may be queried, ascending: all unlabelled rows, or a random subset of them.

    Where rows are copies of source images the images are drawn, each with all of its copies that are not labelled:
    count / (rows per image) images, and more of them while these have fewer than `min_rows` rows.

    Args:
        num_rows: The number of rows of the pool, N.
        labelled: The rows that may not be queried.
        count: The size of the subset, about that where rows are copies; 0: all unlabelled rows.
        seed: Seed of the subset.
        sources: The image of which each row is a copy, [N]; None: no row is a copy.
        min_rows: The number of rows that copies must come to, where there are enough.
    """
    free = torch.ones(num_rows, dtype=torch.bool)
    free[labelled] = False
    rows = free.nonzero()[:, 0]
    if count == 0 or count >= rows.numel():
        return rows
    if sources is None:
        return rows[row_uniforms(rows, seed).argsort(stable=True)[:count]].sort().values
    images, num_copies = sources[rows].unique(return_counts=True)
    copies = num_rows / sources.unique().numel()
    order = row_uniforms(images, seed).argsort(stable=True)
    enough = int((num_copies[order].cumsum(0) < min_rows).sum()) + 1
    drawn = images[order[: max(round(count / copies), enough)]]
    return rows[torch.isin(sources[rows], drawn)]


def _check_count(num_rows: int, count: int) -> None:
    if not 1 <= count <= num_rows:
        raise InputError(
            argument="initial_labels", expected=f"from 1 to {num_rows}, the number of rows of the pool", got=count
        )
