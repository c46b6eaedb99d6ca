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
from lindley.loop.predict import PoolPredictions
from lindley.loop.shown import check_needs, show
from lindley.loop.subsets import candidate_rows
from lindley.seeds import derive_seed


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

    def __post_init__(self) -> None:
        check_needs(self.needs)
        if self.num_targets < 1:
            raise InputError(f"num_targets must be at least 1; got {self.num_targets}")


@dataclass(frozen=True)
class RoundView:
    """All that an observer may look at."""

    index: int
    seed: int
    task: Classification
    pool: Pool
    labels: Labels
    posterior: Posterior
    draws: Draws
    candidates: PoolPredictions
    selection: Selection | None
    validation: Labels | None = None

    @property
    def num_labels(self) -> int:
        """All that were given, validation labels too."""
        return len(self.labels) + (0 if self.validation is None else len(self.validation))


@dataclass(frozen=True)
class Observation:
    """What an observer saw: JSON values for the journal, arrays to lie beside it."""

    metrics: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


Observer = Callable[[RoundView], Observation]


@dataclass(frozen=True)
class Round:
    """What a round leaves. `selection` is None where nothing was asked for (the last round of a trial)."""

    index: int
    num_labels: int
    """All of them, validation labels too."""
    selection: Selection | None
    observations: Mapping[str, Observation]
    seconds: Mapping[str, float]
    path: str = ""
    """How the draws are computed, where they say it: for MC dropout "folded", "prefix" or "masked"."""
    tuned: Mapping[str, object] = field(default_factory=dict)
    """The settings that the fit chose, where it had a choice."""


def run_round(
    settings: RoundSettings,
    pool: Pool,
    labels: Labels,
    observers: Mapping[str, Observer],
    *,
    index: int,
    batch_size: int,
    validation: Labels | None = None,
    sources: Tensor | None = None,
    on_stage: Callable[[Literal["fit", "select", "observe"]], None] = lambda stage: None,
) -> Round:
    """Fit on `labels`, choose `batch_size` rows (0: none), and let the observers look.

    Validation labels stop the fit, and are no candidates; only the learner sees them.

    Labels that tell NO_CLASS teach nothing: the learner and the acquisition do not see them, nor are their rows
    candidates again. Observers see all that was told.

    The model runs over the candidates only when the acquisition, or an observer, reads their predictions:
    random does not. Every random number comes from (seed, index, purpose).
    """
    clock = _Clock()
    on_stage("fit")
    taught = _taught(labels, index)
    posterior, draws = _fitted(settings, pool, taught, validation, index)
    seconds = {"fit": clock.lap()}
    told = labels.rows if validation is None else torch.cat([labels.rows, validation.rows])
    rows = candidate_rows(
        len(pool),
        told,
        count=settings.candidates,
        seed=derive_seed(settings.seed, index, "candidates"),
        sources=sources,
        at_least=batch_size,
    )
    candidates = PoolPredictions(pool, rows, draws, num_classes=settings.task.num_classes)
    selection, seconds["predict"] = None, 0.0
    if batch_size > 0:
        on_stage("select")
        _check_enough(candidates, batch_size, index)
        shown = show(
            candidates,
            taught,
            told,
            task=settings.task,
            index=index,
            needs=settings.needs,
            num_targets=settings.num_targets,
            targets_seed=derive_seed(settings.seed, index, "targets"),
            pool=pool,
            posterior=posterior,
            draws=draws,
        )
        selection = _selected(settings, shown.context, batch_size)
        seconds["predict"] = candidates.seconds + shown.seconds
    seconds["select"] = max(0.0, clock.lap() - seconds["predict"])
    on_stage("observe")
    view = RoundView(
        index, settings.seed, settings.task, pool, labels, posterior, draws, candidates, selection, validation
    )
    observations = {name: observe(view) for name, observe in observers.items()}
    seconds["observe"] = clock.lap()
    path = str(draws.path) if isinstance(draws, HasComputePath) else ""
    return Round(index, view.num_labels, selection, observations, seconds, path, _setting(posterior))


def _fitted(
    settings: RoundSettings, pool: Pool, taught: Labels, validation: Labels | None, index: int
) -> tuple[Posterior, Draws]:
    held_out = None if validation is None else validation.with_class()
    if held_out is not None and not len(held_out):
        raise InputError(
            f"no validation label can stop a fit: all {len(validation or ())} rows are of none of the classes. Raise "
            "schedule.validation_labels, or lower pool.outside.share."
        )
    posterior = settings.learner.fit(
        TrainingData(pool, taught, settings.task, validation=held_out), seed=derive_seed(settings.seed, index, "fit")
    )
    return posterior, posterior.draw(settings.num_draws, seed=derive_seed(settings.seed, index, "draw"))


def _setting(posterior: Posterior) -> Mapping[str, object]:
    """What the fit chose, where it had a choice among what has names."""
    setting = posterior.setting if isinstance(posterior, HasHyperparameters) else {}
    return setting if isinstance(setting, Mapping) else {}


def _taught(labels: Labels, index: int) -> Labels:
    taught = labels.with_class()
    if len(labels) and not len(taught):
        raise InputError(
            f"round {index} has no label to learn from: all {len(labels)} rows asked for so far are of none of the "
            "classes. Raise schedule.initial_labels, or lower pool.outside.share."
        )
    return taught


def _check_enough(candidates: PoolPredictions, batch_size: int, index: int) -> None:
    if batch_size > candidates.rows.numel():
        raise InputError(
            f"round {index} must choose {batch_size} rows, but there are only {candidates.rows.numel()} candidates. "
            "Lower schedule.batch_size or schedule.max_labels, or raise schedule.candidates."
        )


def _selected(settings: RoundSettings, context: Context, batch_size: int) -> Selection:
    seed = derive_seed(settings.seed, context.round, "acquire")
    try:
        inspect.signature(settings.acquisition).bind(context, batch_size, seed=seed)
    except TypeError as error:
        raise InputError(
            f"an acquisition is called with (context, batch_size, seed=...): {error}. A score of rows, [n, K, C] -> "
            "[n], becomes one by lindley.acquisition.select.top_k(score)"
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
