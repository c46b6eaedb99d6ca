"""Features and predictions of a Context, in the order of rows: float sums do not depend on the order of candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from lindley.acquisition.checks import chunk_features, validate_features, validate_log_probs, validates_values
from lindley.acquisition.diverse.subset import MAX_CANDIDATES, subset_rows, take_in_blocks
from lindley.contracts import Chunk, Context
from lindley.errors import Argument, InputError
from lindley.information import mean_log_probs
from lindley.shapes import Features, LabelledFeatures, Rows


@dataclass(frozen=True)
class Subset:
    """The candidates that a method on a subset considers, with their features and those of the labelled rows."""

    rows: Rows
    """Ids of the candidates, [M], ascending."""
    features: Features
    """Features of the candidates, [M, D], at least float32."""
    labelled: LabelledFeatures
    """Features of the labelled rows, [L, D], by ascending row, in the precision of the candidates' features."""

    @property
    def diagnostics(self) -> dict[str, float | int | str | bool | list[float]]:
        """The number of candidates considered."""
        return {"candidates_considered": len(self.rows)}


def read_subset(context: Context, batch_size: int, *, seed: int, normalise: bool, most: int = MAX_CANDIDATES) -> Subset:
    """Return the candidates' features, of all rows or of a seeded subset.

    Args:
        context: The candidates and labelled rows, both with their features.
        batch_size: Number of rows to select.
        seed: Seed of the subset.
        normalise: Whether each vector is divided by its length.
        most: Largest number of candidates to consider.

    Raises:
        InputError: If features are missing or not finite, a vector of zeros has to be divided by its length, or more
            rows are to be selected than are considered.
    """
    if batch_size > most:
        raise InputError(
            "Lower it, or use coreset or badge.",
            argument="batch_size",
            expected=f"at most {most}, the candidates that a method on pairs of rows considers",
            got=batch_size,
        )
    rows = subset_rows(context.candidates.rows, seed=seed, most=most)
    features = take_in_blocks(context.candidates, rows, read_features)
    labelled = read_labelled_features(context, features)
    if normalise:
        features = _normalise_rows("features", features, rows)
        labelled = _normalise_rows("labelled_features", labelled, context.labelled.sort().values)
    return Subset(rows, features, labelled)


def subset_mean_probs(context: Context, rows: Rows) -> Tensor:
    """Return the probabilities of some candidates, averaged over the draws, at least float32.  [M] -> [M, C]"""
    return take_in_blocks(context.candidates, rows, mean_probs_reader(context))


def mean_probs_reader(context: Context) -> partial[Tensor]:
    """Return the function of a chunk that checks its predictions and averages them, see read_mean_probs."""
    return partial(
        read_mean_probs, num_classes=context.task.num_classes, only_shape=validates_values(context.candidates)
    )


def read_mean_probs(chunk: Chunk, *, num_classes: int, only_shape: bool) -> Tensor:
    """Return the probabilities of a chunk, checked and averaged over the draws.

    Args:
        chunk: Rows with their predictions, [n, K, C] nats.
        num_classes: Number of classes that the predictions must have.
        only_shape: Whether values are not checked, since the candidates check them.

    Returns:
        The averages, [n, C], at least float32.
    """
    return _promote(mean_log_probs(validate_log_probs(chunk, num_classes, only_shape=only_shape)).exp())


def read_features(chunk: Chunk) -> Features:
    """Return the features of a chunk, checked, at least float32.  [n, D]"""
    return _promote(chunk_features(chunk))


def read_labelled_features(context: Context, features: Features) -> LabelledFeatures:
    """Return the labelled rows' features by ascending row, in the precision of the candidates' features.  -> [L, D]"""
    if context.labelled_features is None and len(context.labelled) == 0:
        return features[:0]
    labelled = check_labelled_features(context, features.shape[1])
    order = context.labelled[: len(labelled)].argsort()
    return labelled[order.to(labelled.device)].to(features)


def check_labelled_features(context: Context, num_features: int) -> LabelledFeatures:
    """Return the features of the labelled rows, checked, in the order of the context.  [L, D]

    Raises:
        InputError: If there are none, or they have another number of columns than the candidates' features.
    """
    if context.labelled_features is None:
        raise InputError(
            f"this acquisition requires the features of the {len(context.labelled)} labelled rows, [L, D]; pass ",
            Argument("labelled_features"),
            argument="labelled_features",
            got=None,
        )
    labelled = validate_features("labelled_features", context.labelled_features, context.labelled)
    if labelled.shape[1] != num_features:
        raise InputError(
            "Extract both from the same layer.",
            argument="labelled_features",
            expected=f"[{len(labelled)}, {num_features}], with as many columns as features",
            got=[*labelled.shape],
        )
    return labelled


def best_position(scores: Tensor, ties: Tensor, *, tied: float = 0.0) -> int:
    """Return the position of the largest score; among scores within `tied` of it, the largest tie wins.

    Args:
        scores: Score of each row, [N].
        ties: Numbers by which equal scores are ordered, [N].
        tied: Largest difference of scores that counts as rounding.
    """
    best = (scores >= scores.max() - tied).nonzero()[:, 0]
    return int(best[ties.to(best.device)[best].argmax()])


def _promote(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _normalise_rows(name: str, features: Features, rows: Rows) -> Tensor:
    lengths = torch.linalg.vector_norm(features, dim=1, keepdim=True)  # [N, 1]
    if (lengths == 0).any():
        zero = rows[(lengths[:, 0] == 0).cpu()].tolist()
        raise InputError(
            "Features are divided by their length; mend these rows, or pass normalise=False.",
            argument=name,
            expected="different from zero in at least one column; all are 0",
            rows=zero,
        )
    directions: Tensor = features / lengths
    return directions
