"""One round: fit -> draw -> predict (lazily) -> select -> observe. Nothing here reads or writes a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from torch import Tensor

from lindley.contracts import (
    Acquisition,
    Classification,
    Context,
    Draws,
    FeatureExtractor,
    HasComputePath,
    HasHyperparameters,
    Labels,
    Learner,
    Pool,
    Posterior,
    Selection,
    TrainingData,
)
from lindley.errors import InputError
from lindley.seeds import derive_seed
from lindley.session.pool_predictions import PoolPredictions
from lindley.session.round_checks import check_selection, check_signature, draw_and_check
from lindley.session.round_context import RoundContext, build_context, check_requires
from lindley.session.subsets import candidate_rows
from lindley.shapes import Rows


@dataclass(frozen=True)
class RoundSettings:
    """The settings that are the same in every round."""

    learner: Learner
    acquisition: Acquisition
    task: Classification
    seed: int
    num_draws: int
    candidates: int = 0
    """The number of unlabelled rows that are candidates, another random subset each round; 0: all of them."""
    requires: frozenset[str] = frozenset()
    """The optional parts of the context that the acquisition requires: "targets", "features", "labelled_features"."""
    num_targets: int = 100
    """The number of targets where they are required: unlabelled rows, drawn at random in every round."""
    features: FeatureExtractor | None = None
    """Computes features where the acquisition requires them; None: the posterior does."""

    def __post_init__(self) -> None:
        check_requires(self.requires)
        if self.num_targets < 1:
            raise InputError(argument="num_targets", expected="at least 1", got=self.num_targets)


@dataclass(frozen=True)
class RoundLabels:
    """The labels before a round: those to learn from, those that stop a fit, and the rows that are no candidates."""

    labels: Labels
    validation: Labels | None
    labelled_rows: Tensor
    """Every row that was labelled for training, those of none of the classes too, in that order.  [R]"""
    unavailable: Tensor
    """Every row that is no candidate: labelled, skipped, set apart or excluded.  [U]"""
    num_labels: int
    """The number of all labels, validation labels and those of none of the classes too."""

    @classmethod
    def from_labels(cls, labels: Labels) -> RoundLabels:
        """Return labels to learn from, with neither validation labels nor other rows that are no candidates."""
        return cls(labels, None, labels.rows, labels.rows, len(labels))


@dataclass(frozen=True)
class RoundView:
    """All that an observer may look at."""

    index: int
    seed: int
    task: Classification
    pool: Pool
    round_labels: RoundLabels
    posterior: Posterior
    draws: Draws
    candidates: PoolPredictions
    selection: Selection | None

    @property
    def labels(self) -> Labels:
        """The labels from which the model learned."""
        return self.round_labels.labels

    @property
    def num_labels(self) -> int:
        """The number of all labels, validation labels too."""
        return self.round_labels.num_labels


@dataclass(frozen=True)
class Observation:
    """The measurements of an observer: JSON values for the journal, and arrays that are stored beside it."""

    metrics: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in (("metrics", self.metrics), ("arrays", self.arrays)):
            if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
                raise InputError(argument=name, expected="a mapping from names to values", got=values)
        for key, array in self.arrays.items():
            if np.asarray(array).dtype.hasobject:
                raise InputError(argument=f"arrays[{key!r}]", expected="an array of numbers or text", got=array)


Observer = Callable[[RoundView], Observation]


@dataclass(frozen=True)
class RoundResult:
    """The outcome of a round."""

    index: int
    selection: Selection | None
    """The rows to label next; None where nothing was queried, as in the last round of a trial."""
    posterior: Posterior | None
    """The fitted model; None where a first batch needed no fit."""
    num_labels: int
    """The number of all labels, validation labels too."""
    observations: Mapping[str, Observation] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    compute_path: str = ""
    """How the draws are computed, where they say so: for MC dropout "folded", "prefix" or "masked"."""
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    """The hyperparameters that the fit chose, where it had a choice."""


def run_round(
    settings: RoundSettings,
    pool: Pool,
    labels: RoundLabels,
    observers: Mapping[str, Observer],
    *,
    index: int,
    batch_size: int,
    sources: Tensor | None = None,
    on_stage: Callable[[Literal["fit", "select", "observe"]], None] = lambda stage: None,
) -> RoundResult:
    """Fit on the labels, select `batch_size` rows, and let the observers measure.

    The model predicts the candidates only when the acquisition, or an observer, reads their predictions; random
    selection does not. Every random number comes from (seed, index, purpose).

    Args:
        settings: The settings that are the same in every round.
        pool: Holds the inputs.
        labels: The labels known before the round.
        observers: By name, what is measured after the fit.
        index: The number of the round.
        batch_size: The number of rows to select; 0: none.
        sources: The input of which each row is a copy, [N], where rows are copies.
        on_stage: Called with the name of each stage when it begins.

    Raises:
        InputError: If there is no label to learn from, if there are fewer candidates than `batch_size`, or if the
            acquisition or an observer returns something else than it must.
    """
    stopwatch = _Stopwatch()
    on_stage("fit")
    posterior, draws = _fit(settings, pool, labels, index)
    seconds = {"fit": stopwatch.lap()}
    rows = _choose_candidates(settings, pool, labels, index, batch_size, sources)
    candidates = PoolPredictions(pool, rows, draws, num_classes=settings.task.num_classes)
    selection, seconds["predict"] = None, 0.0
    if batch_size > 0:
        on_stage("select")
        built = _build_context(settings, pool, labels, candidates, index, settings.features or posterior, draws)
        selection = _select(settings, built.context, batch_size)
        seconds["predict"] = candidates.seconds + built.seconds
    seconds["select"] = max(0.0, stopwatch.lap() - seconds["predict"])
    on_stage("observe")
    view = RoundView(index, settings.seed, settings.task, pool, labels, posterior, draws, candidates, selection)
    observations = {name: _observe(name, observer, view) for name, observer in observers.items()}
    seconds["observe"] = stopwatch.lap()
    path = str(draws.path) if isinstance(draws, HasComputePath) else ""
    chosen = _hyperparameters(posterior)
    return RoundResult(index, selection, posterior, labels.num_labels, observations, seconds, path, chosen)


def select_without_fit(
    settings: RoundSettings, pool: Pool, labels: RoundLabels, *, batch_size: int, sources: Tensor | None = None
) -> Selection:
    """Select a first batch by an acquisition that reads no predictions: there is no model yet.

    Args:
        settings: The settings that are the same in every round.
        pool: Holds the inputs.
        labels: The labels known before the round.
        batch_size: The number of rows to select.
        sources: The input of which each row is a copy, [N], where rows are copies.
    """
    rows = _choose_candidates(settings, pool, labels, 0, batch_size, sources)
    candidates = PoolPredictions(pool, rows, None, num_classes=settings.task.num_classes)
    built = _build_context(settings, pool, labels, candidates, 0, settings.features, None)
    return _select(settings, built.context, batch_size)


def _build_context(
    settings: RoundSettings,
    pool: Pool,
    labels: RoundLabels,
    candidates: PoolPredictions,
    index: int,
    features: object,
    draws: Draws | None,
) -> RoundContext:
    return build_context(
        candidates,
        labels.labels,
        labels.unavailable,
        task=settings.task,
        index=index,
        requires=settings.requires,
        num_targets=settings.num_targets,
        targets_seed=derive_seed(settings.seed, index, "targets"),
        pool=pool,
        features=features,
        draws=draws,
    )


def _choose_candidates(
    settings: RoundSettings, pool: Pool, labels: RoundLabels, index: int, batch_size: int, sources: Tensor | None
) -> Rows:
    rows = candidate_rows(
        len(pool),
        labels.unavailable,
        count=settings.candidates,
        seed=derive_seed(settings.seed, index, "candidates"),
        sources=sources,
        min_rows=batch_size,
    )
    if batch_size > rows.numel():
        raise InputError(
            "Lower it, or let more rows be candidates.",
            argument="batch_size",
            expected=f"at most {rows.numel()}, the number of candidates in round {index}",
            got=batch_size,
        )
    return rows


def _fit(settings: RoundSettings, pool: Pool, labels: RoundLabels, index: int) -> tuple[Posterior, Draws]:
    if not len(labels.labels):
        rows = labels.labelled_rows.tolist()
        raise InputError(
            f"Round {index} has no label to learn from: all {len(rows)} labelled rows are of none of the classes. "
            "Label more rows, as with a larger initial_labels.",
            argument="labels",
            rows=rows,
        )
    if labels.validation is not None and not len(labels.validation):
        raise InputError(
            "No validation label can stop a fit: all validation rows are of none of the classes. Label more of them, "
            "as with a larger validation_labels.",
            argument="validation",
        )
    posterior = settings.learner.fit(
        TrainingData(pool, labels.labels, settings.task, validation=labels.validation),
        seed=derive_seed(settings.seed, index, "fit"),
    )
    draws = draw_and_check(posterior, settings.num_draws, seed=derive_seed(settings.seed, index, "draw"))
    return posterior, draws


def _hyperparameters(posterior: Posterior) -> Mapping[str, object]:
    """Return what the fit chose, where that has names."""
    setting = posterior.setting if isinstance(posterior, HasHyperparameters) else {}
    return setting if isinstance(setting, Mapping) else {}


def _select(settings: RoundSettings, context: Context, batch_size: int) -> Selection:
    seed = derive_seed(settings.seed, context.round, "acquire")
    check_signature(settings.acquisition, context, batch_size, seed)
    selection = settings.acquisition(context, batch_size, seed=seed)
    check_selection(selection, context, batch_size)
    return selection


def _observe(name: str, observer: Observer, view: RoundView) -> Observation:
    observation = observer(view)
    if not isinstance(observation, Observation):
        raise InputError(argument=f"the result of observer {name!r}", expected="an Observation", got=observation)
    return observation


class _Stopwatch:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        last, self._last = self._last, time.perf_counter()
        return self._last - last
