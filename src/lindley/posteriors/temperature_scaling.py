"""Temperature scaling by cross-validation: one temperature for all draws, without labels set aside for it.

Every draw's logits are divided by the temperature. Above 1 its predictions are less sure; it stays frozen.
Source: Guo et al. 2017, arXiv:1706.04599 (there by validation labels, and for one network).
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
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.shapes import Features
from lindley.torch_state import isolated_torch_state
from lindley.training.network_calls import normalise


@dataclass(frozen=True)
class TemperatureScaled:
    """A learner that fits another learner, and scales its draws by the best of several temperatures.

    The best temperature has the highest cross-validated log-likelihood, over `folds` parts of the labels and with the
    probabilities of `num_draws` draws averaged. It takes `folds` more fits. With as many folds as labels, each fit
    leaves one label out.
    """

    learner: Learner
    temperatures: Sequence[float]
    folds: int = 5
    num_draws: int = 20

    def __post_init__(self) -> None:
        if not self.temperatures or not all(0 < each < math.inf for each in self.temperatures):
            raise InputError(argument="temperatures", expected="one positive number or more", got=[*self.temperatures])
        if self.folds < 2:
            raise InputError(argument="folds", expected="at least 2", got=self.folds)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> TemperatureScaledPosterior:
        """See Learner.fit. Fits on all labels and chooses the temperature, the first of equal ones."""
        before = previous.posterior if isinstance(previous, TemperatureScaledPosterior) else previous
        posterior = self.learner.fit(data, previous=before, seed=seed)
        labels = data.labels
        scores = [0.0] * len(self.temperatures)
        if len(self.temperatures) > 1:
            for fold, left_out in enumerate(self._folds(labels, seed)):
                in_training = torch.ones(len(labels), dtype=torch.bool)
                in_training[left_out] = False
                training, held_out = labels.take(in_training.nonzero()[:, 0]), labels.take(left_out)
                fitted = self.learner.fit(replace(data, labels=training), seed=derive_seed(seed, "fold", fold))
                draws = fitted.draw(self.num_draws, seed=derive_seed(seed, "draws of fold", fold))
                predictive = as_categorical(draws.predict(data.pool.read(held_out.rows)))
                log_probs = predictive.log_probs.cpu().double()  # [f, K, C]
                for index, temperature in enumerate(self.temperatures):
                    scores[index] += _log_likelihood(log_probs, held_out, temperature)
        best = max(range(len(scores)), key=scores.__getitem__)
        return scale_temperature(posterior, self.temperatures[best], scores)

    def _folds(self, labels: Labels, seed: int) -> Sequence[Tensor]:
        """Return positions of labels, in parts of nearly the same size."""
        if len(labels) < 2:
            raise InputError(
                "a temperature is chosen by labels left out in turn; there is only one label. Label another row, or "
                "give one temperature",
                argument="labels",
                got=len(labels),
            )
        order = torch.randperm(len(labels), generator=torch_generator(seed, "folds"))
        return order.tensor_split(min(self.folds, len(labels)))


def scale_temperature(
    posterior: Posterior, temperature: float, scores: Sequence[float] = ()
) -> TemperatureScaledPosterior:
    """Return a posterior whose draws' logits are divided by a temperature; it has features where the given one has.

    Args:
        posterior: The posterior whose draws are scaled.
        temperature: The temperature, above 0.
        scores: The cross-validated log-likelihoods of all temperatures, in nats, as far as they are known.
    """
    kind = _WithFeatures if isinstance(posterior, FeatureExtractor) else TemperatureScaledPosterior
    return kind(posterior, temperature, scores)


class TemperatureScaledPosterior:
    """A posterior whose draws are those of `posterior`, their logits divided by `temperature`.

    `scores` are the cross-validated log-likelihoods of all temperatures, in nats.
    """

    def __init__(self, posterior: Posterior, temperature: float, scores: Sequence[float] = ()) -> None:
        self.posterior = posterior
        self.temperature = temperature
        self.scores = list(scores)

    @property
    def setting(self) -> Mapping[str, Any]:
        """Return the chosen hyperparameters of the scaled posterior, and the temperature."""
        chosen = self.posterior.setting if isinstance(self.posterior, HasHyperparameters) else {}
        return {**(chosen if isinstance(chosen, Mapping) else {}), "temperature": self.temperature}

    def draw(self, num_draws: int, *, seed: int) -> Draws:
        return TemperatureScaledDraws(self.posterior.draw(num_draws, seed=seed), self.temperature)

    def point(self) -> Draws | None:
        point = self.posterior.point()
        return None if point is None else TemperatureScaledDraws(point, self.temperature)


class _WithFeatures(TemperatureScaledPosterior):
    def features(self, inputs: Inputs) -> Features:
        """Return the features of the scaled posterior: a temperature changes none.  n inputs -> [n, D]"""
        assert isinstance(self.posterior, FeatureExtractor)
        return self.posterior.features(inputs)


class TemperatureScaledDraws:
    """K frozen functions whose logits are divided by a temperature."""

    def __init__(self, draws: Draws, temperature: float) -> None:
        self.num_draws = draws.num_draws
        self.id = f"{draws.id}-temperature-{temperature!r}"
        self._draws, self._temperature = draws, temperature

    @property
    def path(self) -> str:
        return str(self._draws.path) if isinstance(self._draws, HasComputePath) else ""

    def predict(self, inputs: Inputs) -> Categorical:
        """Return the scaled predictions of n inputs."""
        log_probs = as_categorical(self._draws.predict(inputs)).log_probs
        with isolated_torch_state(log_probs.device.type):
            return Categorical(normalise(log_probs / self._temperature))


def _log_likelihood(log_probs: Tensor, labels: Labels, temperature: float) -> float:
    """Σ_i w_i log mean_k p_k(y_i) of draws at a temperature, in nats, with the labels' weights w.  [f, K, C]"""
    of_draws = (log_probs / temperature).log_softmax(2)[torch.arange(len(labels)), :, labels.values.cpu()]  # [f, K]
    of_labels = of_draws.logsumexp(1) - math.log(of_draws.shape[1])  # [f]
    return float((of_labels if labels.sample_weight is None else labels.sample_weight.cpu() * of_labels).sum())
