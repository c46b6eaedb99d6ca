"""Hyperparameters without validation labels: several settings are fitted, the one with the best evidence is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lindley.contracts import Draws, FeatureExtractor, Inputs, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.head.head import label_weights, pool_scale, read_features
from lindley.posteriors.head.head_evidence import fit_features_head
from lindley.posteriors.head.head_fit import HeadFit
from lindley.shapes import Features

Setting = TypeVar("Setting")

MEASURES: Mapping[str, Callable[[HeadFit], float]] = {
    "evidence": lambda fit: fit.log_evidence,
    "leave-one-out": lambda fit: float(fit.leave_one_out().sum()),
}
"""Larger is better, in nats of all labels: log marginal likelihood, or summed leave-one-out log-probability."""


@dataclass(frozen=True)
class TunedLearner(Generic[Setting]):
    """A learner: fits every setting on all labels and keeps the one whose features a Bayesian head explains best.

    Settings are what `build` makes learners of: configs with other weight decays, dropout rates, and so on. Their
    posteriors must have features. What changes no features, such as a temperature, the measures cannot see.
    """

    settings: Sequence[Setting]
    build: Callable[[Setting], Learner]
    measure: str = "evidence"
    class_weights: Sequence[float] | None = None
    """Of each class's labels when settings are judged, as their configs have them."""

    def __post_init__(self) -> None:
        if not self.settings:
            raise InputError("settings must name at least one setting to fit")
        if self.measure not in MEASURES:
            raise InputError(f"measure must be one of {', '.join(MEASURES)}; got {self.measure!r}")

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> TunedPosterior[Setting]:
        """Fit all settings with the same seed and keep the best, the first where several are equal.

        `previous` is handed to every fit. By "leave-one-out" each label counts once, whatever its weight."""
        before = previous.posterior if isinstance(previous, TunedPosterior) else previous
        posteriors = [self.build(setting).fit(data, previous=before, seed=seed) for setting in self.settings]
        scores = [self._score(posterior, data) for posterior in posteriors]
        best = max(range(len(scores)), key=scores.__getitem__)
        return TunedPosterior(posteriors[best], self.settings[best], scores)

    def _score(self, posterior: Posterior, data: TrainingData) -> float:
        if not isinstance(posterior, FeatureExtractor):
            raise InputError(f"settings are judged by their features; {type(posterior).__name__} has none")
        features = read_features(data.pool.read(data.labels.rows), posterior.features, "cpu")
        scale = pool_scale(data.pool, posterior.features, "cpu")
        sample_weight = label_weights(data, self.class_weights)
        fit = fit_features_head(
            features, data.labels.values, num_classes=data.num_classes, scale=scale, sample_weight=sample_weight
        )
        return MEASURES[self.measure](fit)


class TunedPosterior(Generic[Setting]):
    """The posterior of the best setting. `setting` says which it was, `scores` those of all, in nats."""

    def __init__(self, posterior: Posterior, setting: Setting, scores: Sequence[float]) -> None:
        if not isinstance(posterior, FeatureExtractor):
            raise InputError(f"a tuned posterior has features; {type(posterior).__name__} has none")
        self.posterior = posterior
        self.setting = setting
        self.scores = list(scores)
        self._features = posterior.features

    def draw(self, num_draws: int, *, seed: int) -> Draws:
        return self.posterior.draw(num_draws, seed=seed)

    def point(self) -> Draws | None:
        return self.posterior.point()

    def features(self, inputs: Inputs) -> Features:
        """Return those of the posterior that was kept.  n inputs -> [n, D]"""
        return self._features(inputs)
