"""Predictions of inputs: classes under each draw, or a number under each draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from lindley.errors import InputError
from lindley.information.entropy import bald, conditional_entropy, predictive_entropy
from lindley.shapes import LogProbs, Positions, Scores


@dataclass(frozen=True)
class Categorical:
    """Predictions of classes: log-probabilities of n inputs under K draws for C classes.  [n, K, C] nats"""

    log_probs: LogProbs

    def __len__(self) -> int:
        return len(self.log_probs)

    @property
    def num_draws(self) -> int:
        """The number of draws, K."""
        return self.log_probs.shape[1]

    def take(self, positions: Positions) -> Categorical:
        """Return the predictions of some of the inputs, in that order."""
        return Categorical(self.log_probs[positions.to(self.log_probs.device)])

    def entropy(self) -> Scores:
        """Entropy of the label under the average of the draws, H[y | x].  [n] nats"""
        return predictive_entropy(self.log_probs)

    def conditional_entropy(self) -> Scores:
        """Mean entropy of the label under a single draw, E_k H[y | x, θ_k].  [n] nats"""
        return conditional_entropy(self.log_probs)

    def bald(self) -> Scores:
        """Mutual information between label and draw, I[y; θ | x].  [n] nats"""
        return bald(self.log_probs)


@dataclass(frozen=True)
class Gaussian:
    """Predictions of a number: its mean and variance for n inputs under K draws.  [n, K] each"""

    mean: Tensor
    variance: Tensor

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def num_draws(self) -> int:
        """The number of draws, K."""
        return self.mean.shape[1]

    def take(self, positions: Positions) -> Gaussian:
        """Return the predictions of some of the inputs, in that order."""
        positions = positions.to(self.mean.device)
        return Gaussian(self.mean[positions], self.variance[positions])

    def conditional_entropy(self) -> Scores:
        """Mean differential entropy of the label under a single draw, E_k ½ log(2πe σ_k²).  [n] nats"""
        return 0.5 * (2 * math.pi * math.e * self.variance).log().mean(1)


Predictive = Categorical | Gaussian
"""Use its methods instead of isinstance: a later task adds another class here."""


def as_categorical(predictive: object) -> Categorical:
    """Return predictions of classes as they are. Raises InputError for anything else."""
    if not isinstance(predictive, Categorical):
        raise InputError(
            argument="the result of draws.predict",
            expected="a lindley.contracts.Categorical(log_probs), with log_probs [n, K, C] in nats",
            got=type(predictive).__name__,
        )
    return predictive
