"""Corruptions of a pool: class imbalance, out-of-distribution rows, duplicates and label noise.

Each makes a data set of a data set and leaves the test set as it is. What is drawn is keyed by the seed and the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset, array_hashes, hash_inputs
from lindley.errors import InputError
from lindley.names import suggest_name
from lindley.noise import row_uniforms
from lindley.pools.joined import JoinedPool
from lindley.pools.repeated import RepeatedPool
from lindley.pools.subset import SubsetPool
from lindley.seeds import derive_seed
from lindley.shapes import Rows


@dataclass(frozen=True)
class OutOfDistribution:
    """Rows of another data set, of the same input shape, that are mixed into a pool."""

    dataset: Dataset
    share: float
    """Of the rows of the pool that comes out, above 0 and below 1."""


@dataclass(frozen=True)
class PoolCorruption:
    """What is done to a pool, in this order; each default does nothing."""

    subset: int = 0
    """Number of rows to keep, drawn at random; 0 keeps all."""
    class_imbalance: Mapping[str, float] = field(default_factory=dict)
    """By the name of a class, the share of its rows to keep, above 0 and at most 1."""
    out_of_distribution: OutOfDistribution | None = None
    duplicates: int = 1
    """How often each row comes."""
    duplicate_noise: float = 0.0
    """Standard deviation of the Gaussian noise that is added to every copy."""
    label_noise: float = 0.0
    """Probability, for each row, that the oracle answers another class than the true one."""


def corrupt_pool(dataset: Dataset, corruption: PoolCorruption, *, seed: int) -> Dataset:
    """Return the data set with its pool corrupted. Its hashes are those of all inputs and answers.

    Args:
        dataset: Whose pool is corrupted; it is not changed.
        corruption: What is done.
        seed: The same seed gives the same pool.

    Raises:
        InputError: If a class, a number or the other data set cannot be used; the message names it.
    """
    made = dataset
    if corruption.subset:
        made = take_subset(made, corruption.subset, seed=derive_seed(seed, "subset"))
    if corruption.class_imbalance:
        made = imbalance_classes(made, corruption.class_imbalance, seed=derive_seed(seed, "rare"))
    if corruption.out_of_distribution is not None:
        made = add_out_of_distribution(made, corruption.out_of_distribution, seed=derive_seed(seed, "outside"))
    if corruption.duplicates != 1 or corruption.duplicate_noise > 0:
        noise = corruption.duplicate_noise
        made = duplicate_rows(made, corruption.duplicates, noise=noise, seed=derive_seed(seed, "copies"))
    if corruption.label_noise > 0:
        made = add_label_noise(made, corruption.label_noise, seed=derive_seed(seed, "wrong labels"))
    answers = array_hashes(pool_answers=made.classes, pool_truth=made.truth)
    return replace(made, hashes={**made.hashes, **answers, "pool_inputs": hash_inputs(made.pool)})


def take_subset(dataset: Dataset, count: int, *, seed: int) -> Dataset:
    """Keep some of the pool's rows at random, in their old order.

    Args:
        dataset: Whose pool loses rows; it is not changed.
        count: How many rows to keep.
        seed: Of the choice of rows.

    Raises:
        InputError: If the pool does not have so many rows.
    """
    if not 1 <= count <= len(dataset.pool):
        expected = f"1 to {len(dataset.pool)}, the rows of {dataset.name}"
        raise InputError(argument="subset", expected=expected, got=count)
    keys = row_uniforms(torch.arange(len(dataset.pool)), seed)
    return _keep_rows(dataset, keys.argsort(stable=True)[:count].sort().values)


def imbalance_classes(dataset: Dataset, shares: Mapping[str, float], *, seed: int) -> Dataset:
    """Keep round(share · n) of the n rows of each named class, at random, and at least one.

    Args:
        dataset: Whose pool loses rows; it is not changed.
        shares: By the name of a class, the share of its rows to keep, above 0 and at most 1.
        seed: Of the choice of rows.

    Raises:
        InputError: If a class is unknown or a share is no such number.
    """
    names = dataset.task.class_names
    keys = row_uniforms(torch.arange(len(dataset.pool)), seed)
    stays = torch.ones(len(dataset.pool), dtype=torch.bool)
    for name, share in shares.items():
        if name not in names:
            known = f"{', '.join(names)}.{suggest_name(name, names)}"
            text = f"class_imbalance: {name!r} is no class of {dataset.name}: {known}"
            raise InputError(text, argument=f"class_imbalance.{name}", got=share)
        if not 0 < share <= 1:
            raise InputError(argument=f"class_imbalance.{name}", expected="above 0 and at most 1", got=share)
        rows = (dataset.truth == names.index(name)).nonzero()[:, 0]
        by_key = rows[keys[rows].argsort(stable=True)]
        stays[by_key[max(1, round(share * rows.numel())) :]] = False
    return _keep_rows(dataset, stays.nonzero()[:, 0])


def add_out_of_distribution(dataset: Dataset, added: OutOfDistribution, *, seed: int) -> Dataset:
    """Append rows of another data set's pool, drawn at random: share s of all rows, s / (1 - s) of the pool's own.

    They belong to none of the classes, whatever class they have in the other data set.

    Args:
        dataset: Whose pool gets more rows; it is not changed.
        added: The other data set, and the share of its rows in the pool that comes out.
        seed: Of the choice of rows.

    Raises:
        InputError: If the inputs have another shape, or the share takes no row or more than there are.
    """
    other, share = added.dataset, added.share
    if not 0 < share < 1:
        raise InputError(argument="out_of_distribution.share", expected="above 0 and below 1", got=share)
    if other.input_shape != dataset.input_shape:
        raise InputError(
            f"rows of {other.name} have the shape {[*other.input_shape]}, those of {dataset.name} "
            f"{[*dataset.input_shape]}: out_of_distribution.data must be a data set of the same shape.",
            argument="out_of_distribution.data",
            got=other.name,
        )
    count = round(share / (1 - share) * len(dataset.pool))
    if not 1 <= count <= len(other.pool):
        raise InputError(
            f"out_of_distribution.share = {share} of a pool with {len(dataset.pool)} rows of its own takes {count} "
            f"rows; {other.name} has {len(other.pool)}. Use another share, or another subset.",
            argument="out_of_distribution.share",
            got=share,
        )
    keys = row_uniforms(torch.arange(len(other.pool)), seed)
    others = SubsetPool(other.pool, keys.argsort(stable=True)[:count].sort().values)
    none = torch.full((count,), NONE_OF_THE_CLASSES)
    sources = dataset.sources
    return replace(
        dataset,
        pool=JoinedPool(dataset.pool, others),
        classes=torch.cat([dataset.classes, none]),
        true_classes=None if dataset.true_classes is None else torch.cat([dataset.true_classes, none]),
        sources=None if sources is None else torch.cat([sources, sources.max() + 1 + torch.arange(count)]),
        hashes={**dataset.hashes, **{f"out_of_distribution: {name}": digest for name, digest in other.hashes.items()}},
    )


def duplicate_rows(dataset: Dataset, duplicates: int, *, noise: float, seed: int) -> Dataset:
    """Repeat every row, and add Gaussian noise to every copy, the first one too.

    Args:
        dataset: Whose pool is repeated; it is not changed.
        duplicates: How often each row comes, at least 1.
        noise: Standard deviation of the noise.
        seed: Of the noise.

    Raises:
        InputError: If there would be no copy, or the noise is negative.
    """
    pool = RepeatedPool(dataset.pool, repeats=duplicates, noise=noise, seed=seed)
    true = dataset.true_classes
    return replace(
        dataset,
        pool=pool,
        classes=dataset.classes.repeat(duplicates),
        true_classes=None if true is None else true.repeat(duplicates),
        sources=pool.sources if dataset.sources is None else dataset.sources[pool.sources],
    )


def add_label_noise(dataset: Dataset, rate: float, *, seed: int) -> Dataset:
    """Let the oracle answer another class for a share of the rows, each other class with the same probability.

    The answer to a row does not change when it is queried again. A row of none of the classes stays one.

    Args:
        dataset: Whose oracle errs; it is not changed.
        rate: Probability, for each row, of a wrong answer.
        seed: Of the choice of rows and answers.

    Raises:
        InputError: If the rate is no probability.
    """
    if not 0 <= rate <= 1:
        raise InputError(argument="label_noise", expected="a probability, from 0 to 1", got=rate)
    rows, truth, num_classes = torch.arange(len(dataset.pool)), dataset.truth, dataset.task.num_classes
    errs = (row_uniforms(rows, seed, "whether") < rate) & (truth != NONE_OF_THE_CLASSES)
    step = 1 + (row_uniforms(rows, seed, "which") * (num_classes - 1)).long().clamp(max=num_classes - 2)
    answers = torch.where(errs, (truth + step) % num_classes, dataset.classes)
    return replace(dataset, classes=answers, true_classes=truth)


def _keep_rows(dataset: Dataset, rows: Rows) -> Dataset:
    """Return the data set with these rows of its pool alone."""
    true, sources = dataset.true_classes, dataset.sources
    return replace(
        dataset,
        pool=SubsetPool(dataset.pool, rows),
        classes=dataset.classes[rows],
        true_classes=None if true is None else true[rows],
        sources=None if sources is None else sources[rows],
    )
