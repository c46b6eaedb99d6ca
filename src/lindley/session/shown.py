"""What an acquisition is shown in a round: candidates and labels, and what it needs besides, targets or features.

Only what is needed is computed. Targets and features are of rows of the pool, never of test rows.
"""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import dataclass, replace

import torch

from lindley.contracts import (
    FEATURES,
    NEEDS,
    Classification,
    Context,
    Draws,
    FeatureExtractor,
    Labels,
    Pool,
    Predictions,
)
from lindley.errors import InputError
from lindley.session.predict import CHUNK_ROWS, PoolPredictions
from lindley.session.subsets import candidate_rows
from lindley.shapes import Features, Rows


@dataclass(frozen=True)
class Shown:
    """A context, and what its parts cost: the targets are predicted when they are first read."""

    context: Context
    targets: PoolPredictions | None
    features_seconds: float

    @property
    def seconds(self) -> float:
        """Seconds spent in the model for targets and features so far."""
        return self.features_seconds + (self.targets.seconds if self.targets else 0.0)


def show(
    candidates: Predictions,
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
    """The context of a round. Targets: the same draws on num_targets rows of the pool, at random, of which nothing was
    told.

    taught: the labels that the model learns from, which the acquisition sees. told: all rows that are no candidates.
    features: what they come from, a posterior or an encoder, for the candidates and the rows taught. Raises InputError
    where it has none, and where targets are needed and there are no draws.
    """
    targets = None
    if "targets" in needs:
        if draws is None:
            raise InputError("this acquisition reads predictions of targets, and there is no model yet")
        rows = candidate_rows(len(pool), told, count=num_targets, seed=targets_seed, sources=None)
        targets = PoolPredictions(pool, rows, draws, num_classes=task.num_classes)
    context = Context(candidates, taught, task, index, targets)
    if not needs & FEATURES:
        return Shown(context, targets, 0.0)
    began = time.perf_counter()
    mine, labelled = (_features(features, pool, rows) for rows in (candidates.rows, taught.rows))
    context = replace(context, features=mine, labelled_features=labelled)
    return Shown(context, targets, time.perf_counter() - began)


def check_needs(needs: Set[str]) -> None:
    """Refuse what no context has."""
    unknown = sorted(needs - NEEDS)
    if unknown:
        raise InputError(f"an acquisition may need {', '.join(sorted(NEEDS))}; got {', '.join(unknown)}")


def _features(source: object, pool: Pool, rows: Rows) -> Features:
    if not isinstance(source, FeatureExtractor):
        raise InputError(
            f"this acquisition needs features, and {type(source).__name__} has none: it has no method features()"
        )
    return torch.cat([source.features(pool.read(part)).cpu() for part in rows.split(CHUNK_ROWS)])
