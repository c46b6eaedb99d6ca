"""Pools made hard, as real ones are: rare classes, rows from outside, copies, wrong labels. Test sets stay as they are.

Every step makes a data set of a data set. What a step draws is keyed by the seed and the row it is drawn for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lindley.contracts import Pool
from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset, array_hashes
from lindley.errors import InputError
from lindley.names import nearest
from lindley.noise import row_uniforms
from lindley.pools.joined import JoinedPool
from lindley.pools.repeated import RepeatedPool
from lindley.pools.subset import SubsetPool
from lindley.seeds import derive_seed
from lindley.shapes import Rows

_HASHED_ROWS = 1000
"""Rows that are read at a time to be hashed."""


@dataclass(frozen=True)
class Outside:
    """Rows of another data set, of the same input shape, that are mixed into a pool."""

    dataset: Dataset
    share: float
    """Of the rows of the pool that comes out, above 0 and below 1."""


@dataclass(frozen=True)
class Hardness:
    """What is done to a pool, in this order; each default does nothing."""

    subset: int = 0
    """So many rows at random; 0: all."""
    rare: Mapping[str, float] = field(default_factory=dict)
    """By the class's name, the share of its rows that stay, above 0 and at most 1."""
    outside: Outside | None = None
    copies: int = 1
    """Each row so many times."""
    copy_noise: float = 0.0
    """The standard deviation of the Gaussian that each copy has of its own."""
    label_noise: float = 0.0
    """The probability, for each row, that the oracle answers another class than the true one."""


def harden(dataset: Dataset, hardness: Hardness, *, seed: int) -> Dataset:
    """The data set with its pool made hard, the same for the same seed; its hashes tell all inputs and answers.

    Raises InputError for a class, a number or a data set that cannot be used, by its name.
    """
    harder = dataset
    if hardness.subset:
        harder = some_rows(harder, hardness.subset, seed=derive_seed(seed, "subset"))
    if hardness.rare:
        harder = with_rare_classes(harder, hardness.rare, seed=derive_seed(seed, "rare"))
    if hardness.outside is not None:
        harder = with_outside(harder, hardness.outside, seed=derive_seed(seed, "outside"))
    if hardness.copies != 1 or hardness.copy_noise > 0:
        noise = hardness.copy_noise
        harder = with_copies(harder, hardness.copies, noise=noise, seed=derive_seed(seed, "copies"))
    if hardness.label_noise > 0:
        harder = with_wrong_labels(harder, hardness.label_noise, seed=derive_seed(seed, "wrong labels"))
    answers = array_hashes(pool_answers=harder.classes, pool_truth=harder.truth)
    return replace(harder, hashes={**harder.hashes, **answers, "pool_inputs": _inputs_sha256(harder.pool)})


def some_rows(dataset: Dataset, count: int, *, seed: int) -> Dataset:
    """`count` of the pool's rows at random, in their old order."""
    if not 1 <= count <= len(dataset.pool):
        raise InputError(f"subset must be 1 to {len(dataset.pool)}, the rows of {dataset.name}; got {count}.")
    keys = row_uniforms(torch.arange(len(dataset.pool)), seed)
    return _kept(dataset, keys.argsort(stable=True)[:count].sort().values)


def with_rare_classes(dataset: Dataset, rare: Mapping[str, float], *, seed: int) -> Dataset:
    """Of each class named, round(share · its rows) of the pool's rows stay, at random, and at least one."""
    names = dataset.task.class_names
    keys = row_uniforms(torch.arange(len(dataset.pool)), seed)
    stays = torch.ones(len(dataset.pool), dtype=torch.bool)
    for name, share in rare.items():
        if name not in names:
            raise InputError(f"{name!r} is no class of {dataset.name}: {', '.join(names)}.{nearest(name, names)}")
        if not 0 < share <= 1:
            raise InputError(f"the share of {name!r} that stays must be above 0 and at most 1; got {share}.")
        rows = (dataset.truth == names.index(name)).nonzero()[:, 0]
        by_key = rows[keys[rows].argsort(stable=True)]
        stays[by_key[max(1, round(share * rows.numel())) :]] = False
    return _kept(dataset, stays.nonzero()[:, 0])


def with_outside(dataset: Dataset, outside: Outside, *, seed: int) -> Dataset:
    """Rows of another data set's pool, drawn at random, after the pool's own: share s of all, s / (1 - s) of the own.

    The oracle answers NONE_OF_THE_CLASSES of them, whatever class they have there.
    """
    other, share = outside.dataset, outside.share
    if not 0 < share < 1:
        raise InputError(f"outside.share must be above 0 and below 1; got {share}.")
    if other.input_shape != dataset.input_shape:
        raise InputError(
            f"rows of {other.name} have the shape {[*other.input_shape]}, those of {dataset.name} "
            f"{[*dataset.input_shape]}: outside.data must be a data set of the same shape."
        )
    count = round(share / (1 - share) * len(dataset.pool))
    if not 1 <= count <= len(other.pool):
        raise InputError(
            f"outside.share = {share} of a pool with {len(dataset.pool)} rows of its own takes {count} from outside; "
            f"{other.name} has {len(other.pool)}. Another share, or another subset, is needed."
        )
    keys = row_uniforms(torch.arange(len(other.pool)), seed)
    strangers = SubsetPool(other.pool, keys.argsort(stable=True)[:count].sort().values)
    none = torch.full((count,), NONE_OF_THE_CLASSES)
    sources = dataset.sources
    return replace(
        dataset,
        pool=JoinedPool(dataset.pool, strangers),
        classes=torch.cat([dataset.classes, none]),
        true_classes=None if dataset.true_classes is None else torch.cat([dataset.true_classes, none]),
        sources=None if sources is None else torch.cat([sources, sources.max() + 1 + torch.arange(count)]),
        hashes={**dataset.hashes, **{f"outside: {name}": digest for name, digest in other.hashes.items()}},
    )


def with_copies(dataset: Dataset, copies: int, *, noise: float, seed: int) -> Dataset:
    """Each row `copies` times, every copy with Gaussian noise of its own, the first one too."""
    pool = RepeatedPool(dataset.pool, repeats=copies, noise=noise, seed=seed)
    true = dataset.true_classes
    return replace(
        dataset,
        pool=pool,
        classes=dataset.classes.repeat(copies),
        true_classes=None if true is None else true.repeat(copies),
        sources=pool.sources if dataset.sources is None else dataset.sources[pool.sources],
    )


def with_wrong_labels(dataset: Dataset, rate: float, *, seed: int) -> Dataset:
    """Of each row, with probability `rate`, the oracle answers another class, each other one as likely.

    The answer is the row's: who asks twice is told the same. A row without a class keeps none.
    """
    if not 0 <= rate <= 1:
        raise InputError(f"label_noise must be a probability; got {rate}.")
    rows, truth, num_classes = torch.arange(len(dataset.pool)), dataset.truth, dataset.task.num_classes
    errs = (row_uniforms(rows, seed, "whether") < rate) & (truth != NONE_OF_THE_CLASSES)
    step = 1 + (row_uniforms(rows, seed, "which") * (num_classes - 1)).long().clamp(max=num_classes - 2)
    answers = torch.where(errs, (truth + step) % num_classes, dataset.classes)
    return replace(dataset, classes=answers, true_classes=truth)


def _kept(dataset: Dataset, rows: Rows) -> Dataset:
    """The data set with these rows of its pool."""
    true, sources = dataset.true_classes, dataset.sources
    return replace(
        dataset,
        pool=SubsetPool(dataset.pool, rows),
        classes=dataset.classes[rows],
        true_classes=None if true is None else true[rows],
        sources=None if sources is None else sources[rows],
    )


def _inputs_sha256(pool: Pool) -> str:
    """Of all inputs in the order of rows; they are read in parts."""
    digest = hashlib.sha256()
    for rows in torch.arange(len(pool)).split(_HASHED_ROWS):
        inputs = pool.read(rows)
        if not isinstance(inputs, Tensor):
            raise InputError(f"a pool that is made hard must hold tensors; got {type(inputs).__name__}.")
        digest.update(inputs.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
