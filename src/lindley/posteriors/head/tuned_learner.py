"""Hyperparameters without validation labels: several settings are fitted, and the one with the best evidence wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lindley.contracts import Draws, FeatureExtractor, Inputs, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.head.head_fit import HeadFit, fit_head
from lindley.posteriors.head.input_features import pool_scale, read_features
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.option_checks import check_choice, check_finite
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

    `build` makes a learner of each setting: a config with another weight decay, another dropout rate, and so on. Their
    posteriors must have features. The measures do not see what leaves the features alone, such as a temperature. Nor do
    they penalise a network for having fitted its features to the same labels: compare settings that are trained alike.
    """

    settings: Sequence[Setting]
    build: Callable[[Setting], Learner]
    measure: str = "evidence"
    class_weights: Sequence[float] | None = None
    """The weights of the classes when settings are judged, as in their configs."""

    def __post_init__(self) -> None:
        if not self.settings:
            raise InputError(argument="settings", expected="a list of at least one setting to fit", got=self.settings)
        check_choice("measure", self.measure, MEASURES)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> TunedPosterior[Setting]:
        """See Learner.fit. All settings are fitted with the same seed and `previous`; the first of equals is kept.

        By "leave-one-out" each label counts once, whatever its weight.
        """
        before = previous.posterior if isinstance(previous, TunedPosterior) else previous
        posteriors = [self.build(setting).fit(data, previous=before, seed=seed) for setting in self.settings]
        scores = [self._score(posterior, data) for posterior in posteriors]
        best = max(range(len(scores)), key=scores.__getitem__)
        return TunedPosterior(posteriors[best], self.settings[best], scores)

    def _score(self, posterior: Posterior, data: TrainingData) -> float:
        if not isinstance(posterior, FeatureExtractor):
            raise InputError(
                argument="settings", expected="settings of posteriors with features", got=type(posterior).__name__
            )
        features = read_features(data.pool.read(data.labels.rows), posterior.features, "cpu")
        check_finite("features", features, data.labels.rows)
        scale = pool_scale(data.pool, posterior.features, "cpu")
        sample_weight = label_weights(data, self.class_weights)
        classes = data.labels.values.cpu()
        fit = fit_head(features, classes, num_classes=data.num_classes, scale=scale, sample_weight=sample_weight)
        return MEASURES[self.measure](fit)


class TunedPosterior(Generic[Setting]):
    """The posterior of the best setting. `setting` is that setting; `scores` holds the scores of all, in nats."""

    def __init__(self, posterior: Posterior, setting: Setting, scores: Sequence[float]) -> None:
        if not isinstance(posterior, FeatureExtractor):
            raise InputError(argument="posterior", expected="one with features", got=type(posterior).__name__)
        self.posterior = posterior
        self.setting = setting
        self.scores = list(scores)
        self._features = posterior.features

    def draw(self, num_draws: int, *, seed: int) -> Draws:
        return self.posterior.draw(num_draws, seed=seed)

    def point(self) -> Draws | None:
        return self.posterior.point()

    def features(self, inputs: Inputs) -> Features:
        """Return the features of the posterior that was kept.  n inputs -> [n, D]"""
        return self._features(inputs)
