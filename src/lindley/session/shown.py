"""What an acquisition is shown in a round: candidates and labels, and what it needs besides, targets or features.

Only what is needed is computed. Targets and features are of rows of the pool, never of test rows.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace

from lindley.contracts import (
    FEATURES,
    NEEDS,
    Classification,
    Context,
    Draws,
    FeatureExtractor,
    Labels,
    Pool,
)
from lindley.errors import InputError
from lindley.session.predict import PoolPredictions
from lindley.session.subsets import candidate_rows
from lindley.shapes import Rows


@dataclass(frozen=True)
class Shown:
    """A context, and what its parts cost beside the candidates' predictions; all is computed when it is first read."""

    context: Context
    parts: tuple[PoolPredictions, ...]

    @property
    def seconds(self) -> float:
        """Seconds spent in the model so far, beside those of the candidates that were passed."""
        return sum((part.seconds for part in self.parts), 0.0)


def show(
    candidates: PoolPredictions,
    taught: Labels,
    told: Rows,
    *,
    task: Classification,
    index: int,
    needs: Set[str],
    num_targets: int,
    targets_seed: int,
    pool: Pool,
    features: object,
    draws: Draws | None,
) -> Shown:
    """Build the context of a round; targets are the same draws on rows of the pool of which nothing is known.

    Args:
        candidates: The rows that may be queried.
        taught: The labels that the model learns from.
        told: All rows that are no candidates.
        task: The classes.
        index: The number of the round.
        needs: The optional parts of the context that are needed.
        num_targets: How many rows are targets, at random.
        targets_seed: Seed of these.
        pool: Where the inputs are.
        features: What features come from: a posterior, or an encoder.
        draws: The functions that predict; None where there is no model yet.

    Returns:
        The context; features are those of the candidates and of the rows taught.

    Raises:
        InputError: If features are needed and there are none, or targets and there is no model.
    """
    targets = None
    if "targets" in needs:
        if draws is None:
            raise InputError("this acquisition reads predictions of targets, and there is no model yet")
        rows = candidate_rows(len(pool), told, count=num_targets, seed=targets_seed, sources=None)
        targets = PoolPredictions(pool, rows, draws, num_classes=task.num_classes)
    parts = () if targets is None else (targets,)
    context = Context(candidates, taught.rows, task, index, targets)
    if not needs & FEATURES:
        return Shown(context, parts)
    if not isinstance(features, FeatureExtractor):
        raise InputError(
            f"this acquisition needs features, and {type(features).__name__} has none: it has no method features()"
        )
    featured = candidates.with_features(features)
    labelled = PoolPredictions(pool, taught.rows, draws, num_classes=task.num_classes).with_features(features)
    labelled_features = labelled.take(taught.rows).features
    context = replace(context, candidates=featured, labelled_features=labelled_features)
    return Shown(context, (*parts, featured, labelled))


def check_needs(needs: Set[str]) -> None:
    """Refuse what no context has."""
    unknown = sorted(needs - NEEDS)
    if unknown:
        raise InputError(f"an acquisition may need {', '.join(sorted(NEEDS))}; got {', '.join(unknown)}")
