"""A temperature without validation labels: how sure draws should be, by labels that are left out of the fit in turn.

Every draw's logits are divided by one temperature: above 1 it is less sure of itself, and as frozen as before.
Source: Guo et al. 2017, arXiv:1706.04599 (there by validation labels, and of one network).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lindley.contracts import (
    Categorical,
    Draws,
    FeatureExtractor,
    HasComputePath,
    HasHyperparameters,
    Inputs,
    Labels,
    Learner,
    Posterior,
    TrainingData,
    as_categorical,
)
from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.shapes import Features
from lindley.training.network_calls import normalise


@dataclass(frozen=True)
class TemperatureScaled:
    """A learner: another one's posterior at the best of several temperatures.

    The labels are parted into `folds`; each part's log-probability by a fit on the others, averaged over `num_draws`
    draws, is what a temperature is judged by. So it takes `folds` fits more. Folds as many as labels leave one out.
    """

    learner: Learner
    temperatures: Sequence[float]
    folds: int = 5
    num_draws: int = 20

    def __post_init__(self) -> None:
        if not self.temperatures or not all(0 < each < math.inf for each in self.temperatures):
            raise InputError(f"temperatures must be positive numbers, one at least; got {[*self.temperatures]}")
        if self.folds < 2:
            raise InputError(f"folds must be at least 2; got {self.folds}")

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> TemperatureScaledPosterior:
        """Fit on all labels and choose the temperature, the first where several are equal; `previous` is handed on."""
        before = previous.posterior if isinstance(previous, TemperatureScaledPosterior) else previous
        posterior = self.learner.fit(data, previous=before, seed=seed)
        labels = data.labels
        scores = [0.0] * len(self.temperatures)
        if len(self.temperatures) > 1:
            for fold, left_out in enumerate(self._parts(labels, seed)):
                kept = torch.ones(len(labels), dtype=torch.bool)
                kept[left_out] = False
                others, part = labels.take(kept.nonzero()[:, 0]), labels.take(left_out)
                fitted = self.learner.fit(replace(data, labels=others), seed=derive_seed(seed, "fold", fold))
                draws = fitted.draw(self.num_draws, seed=derive_seed(seed, "draws of fold", fold))
                log_probs = (
                    as_categorical(draws.predict(data.pool.read(part.rows))).log_probs.cpu().double()
                )  # [f, K, C]
                for place, temperature in enumerate(self.temperatures):
                    scores[place] += _log_likelihood(log_probs, part, temperature)
        best = max(range(len(scores)), key=scores.__getitem__)
        return scale_temperature(posterior, self.temperatures[best], scores)

    def _parts(self, labels: Labels, seed: int) -> Sequence[Tensor]:
        """Places among the labels, in parts as equal as can be."""
        if len(labels) < 2:
            raise InputError("a temperature is chosen by labels left out in turn; there is only one label")
        order = torch.randperm(len(labels), generator=torch_generator(seed, "folds"))
        return order.tensor_split(min(self.folds, len(labels)))


def scale_temperature(
    posterior: Posterior, temperature: float, scores: Sequence[float] = ()
) -> TemperatureScaledPosterior:
    """Return a posterior whose draws' logits are divided by a temperature; it has features where the other has."""
    kind = _WithFeatures if isinstance(posterior, FeatureExtractor) else TemperatureScaledPosterior
    return kind(posterior, temperature, scores)


class TemperatureScaledPosterior:
    """`posterior` is the one whose draws are scaled; `scores` are those of all temperatures, in nats."""

    def __init__(self, posterior: Posterior, temperature: float, scores: Sequence[float] = ()) -> None:
        self.posterior = posterior
        self.temperature = temperature
        self.scores = list(scores)

    @property
    def setting(self) -> Mapping[str, Any]:
        """The temperature that was chosen, beside what the other posterior was chosen among."""
        beside = self.posterior.setting if isinstance(self.posterior, HasHyperparameters) else {}
        return {**(beside if isinstance(beside, Mapping) else {}), "temperature": self.temperature}

    def draw(self, num_draws: int, *, seed: int) -> Draws:
        return TemperatureScaledDraws(self.posterior.draw(num_draws, seed=seed), self.temperature)

    def point(self) -> Draws | None:
        point = self.posterior.point()
        return None if point is None else TemperatureScaledDraws(point, self.temperature)


class _WithFeatures(TemperatureScaledPosterior):
    def features(self, inputs: Inputs) -> Features:
        """Return those of the other posterior: a temperature changes none.  n inputs -> [n, D]"""
        assert isinstance(self.posterior, FeatureExtractor)
        return self.posterior.features(inputs)


class TemperatureScaledDraws:
    """K functions whose logits are divided by a temperature."""

    def __init__(self, draws: Draws, temperature: float) -> None:
        self.num_draws = draws.num_draws
        self.id = f"{draws.id}-temperature-{temperature!r}"
        self._draws, self._temperature = draws, temperature

    @property
    def path(self) -> str:
        return str(self._draws.path) if isinstance(self._draws, HasComputePath) else ""

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs at the temperature."""
        log_probs = as_categorical(self._draws.predict(inputs)).log_probs
        with isolated_torch_state(log_probs.device.type):
            return Categorical(normalise(log_probs / self._temperature))


def _log_likelihood(log_probs: Tensor, labels: Labels, temperature: float) -> float:
    """Σ_i w_i log mean_k p_k(y_i) of draws at a temperature, in nats, with the labels' weights w.  [f, K, C]"""
    each = (log_probs / temperature).log_softmax(2)[torch.arange(len(labels)), :, labels.values.cpu()]  # [f, K]
    of_labels = each.logsumexp(1) - math.log(each.shape[1])  # [f]
    return float((of_labels if labels.sample_weight is None else labels.sample_weight.cpu() * of_labels).sum())
