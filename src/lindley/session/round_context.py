"""The context of a round: candidates and labels, and where the acquisition requires them targets and features.

Only what is required is computed. Targets and features are of rows of the pool, never of test rows.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from lindley.contracts import (
    FEATURE_PARTS,
    OPTIONAL_PARTS,
    Classification,
    Context,
    Draws,
    FeatureExtractor,
    Labels,
    Pool,
)
from lindley.errors import InputError
from lindley.session.pool_predictions import PoolPredictions
from lindley.session.subsets import candidate_rows
from lindley.shapes import Rows


@dataclass(frozen=True)
class RoundContext:
    """A context, and its predictions besides those of the candidates; all are computed when they are first read."""

    context: Context
    parts: tuple[PoolPredictions, ...]

    @property
    def seconds(self) -> float:
        """Seconds spent in the model so far for these parts."""
        return sum((part.seconds for part in self.parts), 0.0)


def build_context(
    candidates: PoolPredictions,
    labels: Labels,
    unavailable: Rows,
    *,
    task: Classification,
    index: int,
    requires: Set[str],
    num_targets: int,
    targets_seed: int,
    pool: Pool,
    features: object,
    draws: Draws | None,
) -> RoundContext:
    """Build the context of a round. Targets are predicted by the same draws, on rows of the pool that are available.

    Args:
        candidates: The rows that may be queried.
        labels: The labels from which the model learns.
        unavailable: All rows that are no candidates, [U].
        task: The classes.
        index: The number of the round.
        requires: The optional parts of the context that the acquisition requires.
        num_targets: The number of targets, which are drawn at random.
        targets_seed: Seed of that draw.
        pool: Holds the inputs.
        features: A posterior or an encoder that has features.
        draws: The functions that predict; None where there is no model yet.

    Returns:
        The context; features are those of the candidates and of the labelled rows.

    Raises:
        InputError: If features are required and there are none, or targets and there is no model.
    """
    targets = None
    if "targets" in requires:
        if draws is None:
            raise InputError("This acquisition reads predictions of targets, and there is no model yet.")
        rows = candidate_rows(len(pool), unavailable, count=num_targets, seed=targets_seed, sources=None)
        targets = PoolPredictions(pool, rows, draws, num_classes=task.num_classes)
    parts = () if targets is None else (targets,)
    context = Context(candidates, labels.rows, task, index, targets)
    if not requires & FEATURE_PARTS:
        return RoundContext(context, parts)
    if not isinstance(features, FeatureExtractor):
        raise InputError(
            "Choose a posterior with features, or give an encoder as features=.",
            argument="features",
            expected="an object with a method features(), which this acquisition requires",
            got=type(features).__name__,
        )
    with_features = candidates.attach_features(features)
    labelled = PoolPredictions(pool, labels.rows, draws, num_classes=task.num_classes).attach_features(features)
    labelled_features = labelled.take(labels.rows).features
    context = replace(context, candidates=with_features, labelled_features=labelled_features)
    return RoundContext(context, (*parts, with_features, labelled))


def check_requires(requires: Set[str]) -> None:
    """Raise InputError for a part that no context has."""
    unknown = sorted(requires - OPTIONAL_PARTS)
    if unknown:
        raise InputError(argument="requires", expected=f"among {', '.join(sorted(OPTIONAL_PARTS))}", got=unknown)
