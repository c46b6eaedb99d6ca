"""Learners and posteriors. Each is imported when it is first used, so that a forest does not cost a network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.posteriors.checkpoints import ensemble_from_checkpoints
    from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
    from lindley.posteriors.ensemble import DeepEnsemble, EnsemblePosterior
    from lindley.posteriors.gaussian_process.classifier import GaussianProcess
    from lindley.posteriors.given import GivenFunction, GivenPredictions
    from lindley.posteriors.head.head import BayesianHead
    from lindley.posteriors.head.last_layer import LastLayerLaplace
    from lindley.posteriors.head.tuned_learner import TunedLearner
    from lindley.posteriors.laplace.full_laplace import FullLaplace
    from lindley.posteriors.scikit_learn.bagging import Bagging
    from lindley.posteriors.scikit_learn.forest import Forest
    from lindley.posteriors.storage import load_posterior, save_posterior
    from lindley.posteriors.temperature_scaling import TemperatureScaled
    from lindley.training.config import TrainingConfig

_HOMES = {
    "Bagging": "posteriors.scikit_learn.bagging",
    "BayesianHead": "posteriors.head.head",
    "DeepEnsemble": "posteriors.ensemble",
    "EnsemblePosterior": "posteriors.ensemble",
    "Forest": "posteriors.scikit_learn.forest",
    "FullLaplace": "posteriors.laplace.full_laplace",
    "GaussianProcess": "posteriors.gaussian_process.classifier",
    "GivenFunction": "posteriors.given",
    "GivenPredictions": "posteriors.given",
    "LastLayerLaplace": "posteriors.head.last_layer",
    "MCDropout": "posteriors.dropout.mc_dropout",
    "MCDropoutPosterior": "posteriors.dropout.mc_dropout",
    "TrainingConfig": "training.config",
    "TemperatureScaled": "posteriors.temperature_scaling",
    "TunedLearner": "posteriors.head.tuned_learner",
    "ensemble_from_checkpoints": "posteriors.checkpoints",
    "load_posterior": "posteriors.storage",
    "save_posterior": "posteriors.storage",
}

__all__ = [
    "Bagging",
    "BayesianHead",
    "DeepEnsemble",
    "EnsemblePosterior",
    "Forest",
    "FullLaplace",
    "GaussianProcess",
    "GivenFunction",
    "GivenPredictions",
    "LastLayerLaplace",
    "MCDropout",
    "MCDropoutPosterior",
    "TemperatureScaled",
    "TrainingConfig",
    "TunedLearner",
    "ensemble_from_checkpoints",
    "load_posterior",
    "save_posterior",
]


if not TYPE_CHECKING:  # a type checker would take it for any name, also a misspelt one

    def __getattr__(name: str) -> object:
        """A public name, imported from its home on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'lindley.posteriors' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
