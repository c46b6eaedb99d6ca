"""One round: fit -> draw -> predict (lazily) -> select -> observe. Nothing here reads or writes a file."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
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
from lindley.session.predict import PoolPredictions
from lindley.session.shown import check_needs, show
from lindley.session.subsets import candidate_rows
from lindley.shapes import Rows


@dataclass(frozen=True)
class RoundSettings:
    """What stays the same in every round of a trial."""

    learner: Learner
    acquisition: Acquisition
    task: Classification
    seed: int
    num_draws: int
    candidates: int = 0
    """0: every unlabelled row may be asked for; else a random subset of this many, another one each round."""
    needs: frozenset[str] = frozenset()
    """What the acquisition cannot do without: "targets", "features", "labelled_features"."""
    num_targets: int = 100
    """Where it needs targets: how many unlabelled rows, drawn at random in every round."""
    features: FeatureExtractor | None = None
    """What features come from, where the acquisition needs them; None: from the posterior."""

    def __post_init__(self) -> None:
        check_needs(self.needs)
        if self.num_targets < 1:
            raise InputError(f"num_targets must be at least 1; got {self.num_targets}")


@dataclass(frozen=True)
class Known:
    """What is known before a round: labels to learn from, labels that stop a fit, and rows that are no candidates."""

    labels: Labels
    validation: Labels | None
    labelled_rows: Tensor
    """[R] Every row that was labelled to learn from it, those of none of the classes too, in that order."""
    unavailable: Tensor
    """[U] Every row that is no candidate: labelled, skipped, set apart or excluded."""
    num_labels: int
    """All labels that were given, validation labels and those of none of the classes too."""

    @classmethod
    def of(cls, labels: Labels) -> Known:
        """These labels, and nothing else."""
        return cls(labels, None, labels.rows, labels.rows, len(labels))


@dataclass(frozen=True)
class RoundView:
    """All that an observer may look at."""

    index: int
    seed: int
    task: Classification
    pool: Pool
    known: Known
    posterior: Posterior
    draws: Draws
    candidates: PoolPredictions
    selection: Selection | None

    @property
    def labels(self) -> Labels:
        """The labels that the model learned from."""
        return self.known.labels

    @property
    def num_labels(self) -> int:
        """All labels that were given, validation labels too."""
        return self.known.num_labels


@dataclass(frozen=True)
class Observation:
    """What an observer saw: JSON values for the journal, arrays to lie beside it."""

    metrics: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


Observer = Callable[[RoundView], Observation]


@dataclass(frozen=True)
class RoundResult:
    """What a round leaves."""

    index: int
    selection: Selection | None
    """What to label next; None where nothing was queried, as in the last round of a trial."""
    posterior: Posterior | None
    """What was fitted; None where a first batch needed no fit."""
    num_labels: int
    """All labels that were known, validation labels too."""
    observations: Mapping[str, Observation] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    compute_path: str = ""
    """How the draws are computed, where they say it: for MC dropout "folded", "prefix" or "masked"."""
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    """The settings that the fit chose, where it had a choice."""


def run_round(
    settings: RoundSettings,
    pool: Pool,
    known: Known,
    observers: Mapping[str, Observer],
    *,
    index: int,
    batch_size: int,
    sources: Tensor | None = None,
    on_stage: Callable[[Literal["fit", "select", "observe"]], None] = lambda stage: None,
) -> RoundResult:
    """Fit on the labels, choose `batch_size` rows (0: none), and let the observers look.

    The model runs over the candidates only when the acquisition, or an observer, reads their predictions:
    random does not. Every random number comes from (seed, index, purpose).
    """
    clock = _Clock()
    on_stage("fit")
    posterior, draws = _fitted(settings, pool, known, index)
    seconds = {"fit": clock.lap()}
    candidates = PoolPredictions(
        pool,
        _candidate_rows(settings, pool, known, index, batch_size, sources),
        draws,
        num_classes=settings.task.num_classes,
    )
    selection, seconds["predict"] = None, 0.0
    if batch_size > 0:
        on_stage("select")
        shown = show(
            candidates,
            known.labels,
            known.unavailable,
            task=settings.task,
            index=index,
            needs=settings.needs,
            num_targets=settings.num_targets,
            targets_seed=derive_seed(settings.seed, index, "targets"),
            pool=pool,
            features=settings.features or posterior,
            draws=draws,
        )
        selection = _selected(settings, shown.context, batch_size)
        seconds["predict"] = candidates.seconds + shown.seconds
    seconds["select"] = max(0.0, clock.lap() - seconds["predict"])
    on_stage("observe")
    view = RoundView(index, settings.seed, settings.task, pool, known, posterior, draws, candidates, selection)
    observations = {name: observe(view) for name, observe in observers.items()}
    seconds["observe"] = clock.lap()
    path = str(draws.path) if isinstance(draws, HasComputePath) else ""
    return RoundResult(index, selection, posterior, known.num_labels, observations, seconds, path, _setting(posterior))


def select_without_fit(
    settings: RoundSettings, pool: Pool, known: Known, *, batch_size: int, sources: Tensor | None = None
) -> Selection:
    """Choose a first batch by an acquisition that reads no predictions: there is no model yet."""
    rows = _candidate_rows(settings, pool, known, 0, batch_size, sources)
    shown = show(
        PoolPredictions(pool, rows, None, num_classes=settings.task.num_classes),
        known.labels,
        known.unavailable,
        task=settings.task,
        index=0,
        needs=settings.needs,
        num_targets=settings.num_targets,
        targets_seed=derive_seed(settings.seed, 0, "targets"),
        pool=pool,
        features=settings.features,
        draws=None,
    )
    return _selected(settings, shown.context, batch_size)


def _candidate_rows(
    settings: RoundSettings, pool: Pool, known: Known, index: int, batch_size: int, sources: Tensor | None
) -> Rows:
    rows = candidate_rows(
        len(pool),
        known.unavailable,
        count=settings.candidates,
        seed=derive_seed(settings.seed, index, "candidates"),
        sources=sources,
        at_least=batch_size,
    )
    if batch_size > rows.numel():
        raise InputError(
            f"round {index} must choose {batch_size} rows, but there are only {rows.numel()} candidates. "
            "Lower batch_size or max_labels, or raise candidates."
        )
    return rows


def _fitted(settings: RoundSettings, pool: Pool, known: Known, index: int) -> tuple[Posterior, Draws]:
    if not len(known.labels):
        raise InputError(
            f"round {index} has no label to learn from: all {len(known.labelled_rows)} rows that were labelled are of "
            "none of the classes. Raise initial_labels."
        )
    if known.validation is not None and not len(known.validation):
        raise InputError(
            "no validation label can stop a fit: all validation rows are of none of the classes. Raise "
            "validation_labels."
        )
    posterior = settings.learner.fit(
        TrainingData(pool, known.labels, settings.task, validation=known.validation),
        seed=derive_seed(settings.seed, index, "fit"),
    )
    return posterior, posterior.draw(settings.num_draws, seed=derive_seed(settings.seed, index, "draw"))


def _setting(posterior: Posterior) -> Mapping[str, object]:
    """What the fit chose, where it had a choice among what has names."""
    setting = posterior.setting if isinstance(posterior, HasHyperparameters) else {}
    return setting if isinstance(setting, Mapping) else {}


def _selected(settings: RoundSettings, context: Context, batch_size: int) -> Selection:
    seed = derive_seed(settings.seed, context.round, "acquire")
    try:
        inspect.signature(settings.acquisition).bind(context, batch_size, seed=seed)
    except TypeError as error:
        raise InputError(
            f"an acquisition is called with (context, batch_size, seed=...): {error}. A score of rows, [n, K, C] -> "
            "[n], becomes one by lindley.acquisition.top_k.top_k(score)"
        ) from None
    selection = settings.acquisition(context, batch_size, seed=seed)
    _check_selection(selection, context, batch_size)
    return selection


def _check_selection(selection: object, context: Context, batch_size: int) -> None:
    """Refuse what is no batch of the candidates, and scores that no journal could keep."""
    if not isinstance(selection, Selection):
        raise InputError(f"an acquisition must return a Selection; got {type(selection).__name__}")
    rows = selection.rows
    if not isinstance(rows, Tensor) or not isinstance(selection.scores, Tensor):
        came = f"{type(rows).__name__} and {type(selection.scores).__name__}"
        raise InputError(f"the rows and scores of a Selection must be two tensors; got {came}")
    foreign = rows[~torch.isin(rows, context.candidates.rows)]
    if rows.numel() != batch_size or rows.unique().numel() != batch_size or foreign.numel():
        raise InputError(
            f"an acquisition must return {batch_size} different rows of the candidates; got {rows.numel()}, "
            f"{rows.unique().numel()} of them different, {foreign.numel()} not candidates {foreign.tolist()[:10]}"
        )
    shape, finite = [*selection.scores.shape], selection.scores.isfinite().cpu()
    if shape != [batch_size]:
        raise InputError(f"an acquisition must return one score for each of its {batch_size} rows; got {shape}")
    if not finite.all():
        unscored = rows[~finite].tolist()[:10]
        raise InputError(f"an acquisition's scores must be finite; they are not in rows {unscored}")
    for name, value in selection.diagnostics.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"what an acquisition says of its choice must be JSON values and finite numbers; diagnostics[{name!r}] "
                f"is {value!r} ({error})"
            ) from None


class _Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def lap(self) -> float:
        last, self._last = self._last, time.perf_counter()
        return self._last - last
