"""Learners and their posteriors. Each name is imported when it is first used, so that a forest loads no network.

catalogue              every posterior by name
dropout/               MC dropout
ensemble               deep ensembles
checkpoints            ensembles from files of weights
head/                  Bayesian softmax regression on features or on a network's last layer; tuning
laplace/               Laplace's approximation over all weights of a network
scikit_learn/          forests, and bags of any classifier
gaussian_process/      Gaussian process classifiers
external_predictions   an array or a function of one's own program
temperature_scaling    another posterior, its logits divided by a temperature
storage                saving and loading
network_draws          whole networks as draws
network_weights        the weights of a network, stored and loaded
features               what a network's last dense layer reads
members                the choice of draws among members
randomness             the check that a network is a function
state_checks           checks of stored tensors and settings
label_weights          the weight of each label in a fit
supported_data         refusal of training data that a learner cannot use
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.posteriors.checkpoints import ensemble_from_checkpoints
    from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
    from lindley.posteriors.ensemble import DeepEnsemble, EnsemblePosterior
    from lindley.posteriors.external_predictions import ArrayPosterior, FunctionPosterior
    from lindley.posteriors.gaussian_process.classifier import GaussianProcess
    from lindley.posteriors.head.head import BayesianHead
    from lindley.posteriors.head.last_layer import LastLayerLaplace
    from lindley.posteriors.head.tuned_learner import TunedLearner
    from lindley.posteriors.laplace.full_laplace import FullLaplace
    from lindley.posteriors.scikit_learn.bagging import Bagging
    from lindley.posteriors.scikit_learn.forest import Forest
    from lindley.posteriors.storage import load_posterior, save_posterior
    from lindley.posteriors.temperature_scaling import TemperatureScaled
    from lindley.training.config import TrainingConfig

_MODULES = {
    "Bagging": "posteriors.scikit_learn.bagging",
    "BayesianHead": "posteriors.head.head",
    "DeepEnsemble": "posteriors.ensemble",
    "EnsemblePosterior": "posteriors.ensemble",
    "Forest": "posteriors.scikit_learn.forest",
    "FullLaplace": "posteriors.laplace.full_laplace",
    "GaussianProcess": "posteriors.gaussian_process.classifier",
    "FunctionPosterior": "posteriors.external_predictions",
    "ArrayPosterior": "posteriors.external_predictions",
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
    "ArrayPosterior",
    "Bagging",
    "BayesianHead",
    "DeepEnsemble",
    "EnsemblePosterior",
    "Forest",
    "FullLaplace",
    "FunctionPosterior",
    "GaussianProcess",
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
        """Return a public name, imported from its module on first use (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module 'lindley.posteriors' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
