"""Models: a learner fits a posterior, a posterior gives draws, and draws predict."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lindley.contracts.data import Inputs, TrainingData
from lindley.contracts.predictive import Predictive
from lindley.shapes import Features


@runtime_checkable
class Draws(Protocol):
    """K frozen functions: draw k is the same function for every row, chunk, worker and target."""

    id: str
    num_draws: int

    def predict(self, inputs: Inputs) -> Predictive:
        """Predict n inputs under each of the K functions."""
        ...


@runtime_checkable
class Posterior(Protocol):
    """A distribution over functions: the result of a fit."""

    def draw(self, num_draws: int, *, seed: int) -> Draws:
        """Draw K frozen functions."""
        ...

    def point(self) -> Draws | None:
        """Return the usual single prediction (for MC dropout: dropout off) as one draw; None where there is none."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """A posterior or an encoder that has features: one vector per input, dropout off."""

    def features(self, inputs: Inputs) -> Features:
        """Return the features of n inputs.  -> [n, D]"""
        ...


@runtime_checkable
class HasHyperparameters(Protocol):
    """A posterior whose fit chose hyperparameters: `setting` holds them, a mapping where they have names."""

    @property
    def setting(self) -> object: ...


@runtime_checkable
class HasComputePath(Protocol):
    """Draws that can be computed in several ways: `path` names the one that is used, in a word."""

    @property
    def path(self) -> str: ...


@runtime_checkable
class Learner(Protocol):
    """Fits posteriors to training data. It changes nothing of the caller's, and no global state."""

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> Posterior:
        """Fit a posterior.

        Args:
            data: The pool, its labels and the task. A learner refuses by name what it cannot use of it.
            previous: The posterior of an earlier fit, from which a learner may begin. A learner that begins from
                scratch ignores it; its own `fit` says so.
            seed: Seed of all that is random in the fit.
        """
        ...
