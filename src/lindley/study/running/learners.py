"""The learner of an experiment, of the catalogue or a user's own.

It has one training configuration, or several, of which each fit keeps the one that its labels explain best.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from itertools import product
from typing import Any

from torch import nn

from lindley.contracts import FEATURE_PARTS, Learner
from lindley.errors import ConfigurationError
from lindley.networks.dropout_rate import set_dropout_rate
from lindley.posteriors.catalogue import build_learner
from lindley.posteriors.features import has_dense_layer
from lindley.posteriors.head.tuned_learner import TunedLearner
from lindley.posteriors.temperature_scaling import TemperatureScaled
from lindley.session.import_paths import UserObject
from lindley.study.config.schema import Experiment, Model
from lindley.study.config.validation import describe_missing_features
from lindley.training.config import TrainingConfig
from lindley.training.random_state import fork_rng


def build_experiment_learner(
    experiment: Experiment,
    network: Callable[[], nn.Module] | None,
    own: UserObject | None = None,
    *,
    device: str,
    requires: Set[str] = frozenset(),
    acquisition: str = "the acquisition",
) -> Learner:
    """Return the learner that [model], [training] and [training.tune] describe.

    Args:
        experiment: The settings.
        network: What builds the network, where the experiment names one.
        own: The user's own posterior, where the experiment names one.
        device: Where the learner computes.
        requires: What the acquisition requires; a posterior or network without features is refused where it does.
        acquisition: Its name, for that error.

    Raises:
        InputError: As the parts do.
        ConfigurationError: If one's own cannot be used, or has no features.
    """
    if own is None:
        _check_features(experiment, acquisition, requires, network)
    config = TrainingConfig(**experiment.training.model_dump(exclude={"tune"}))

    def build(setting: Mapping[str, float]) -> Learner:
        changes: dict[str, Any] = {key: value for key, value in setting.items() if key != "dropout"}
        built = set_dropout_rate(network, setting["dropout"]) if network and "dropout" in setting else network
        model = experiment.model
        if own is not None:
            return _build_own_learner(own.value, model, built, replace(config, **changes), device=device)
        return build_learner(
            model.posterior,
            built,
            replace(config, **changes),
            precision=model.precision,
            device=device,
            members=model.num_draws,
            options=model.options,
        )

    tune = experiment.training.tune
    if tune is None:
        return build({})
    learner: Learner
    if tune.values:
        settings = [dict(zip(tune.values, values, strict=True)) for values in product(*tune.values.values())]
        learner = TunedLearner(settings, build, tune.measure, config.class_weights or None)
    else:
        learner = build({})
    if not tune.temperature:
        return learner
    return TemperatureScaled(learner, tune.temperature, folds=tune.folds, num_draws=experiment.model.num_draws)


def _build_own_learner(
    factory: Any, model: Model, network: Callable[[], nn.Module] | None, config: TrainingConfig, *, device: str
) -> Learner:
    name = model.posterior
    given = {
        "network": network,
        "config": config,
        "num_draws": model.num_draws,
        "precision": model.precision,
        "device": device,
    }
    if not callable(factory):
        raise ConfigurationError(
            argument="model.posterior", expected=f"callable under the name {name!r}", got=type(factory).__name__
        )
    if taken := sorted(given.keys() & model.options.keys()):
        raise ConfigurationError(
            f"model.options of {name!r} may not be called {', '.join(taken)}: the study says these elsewhere. "
            "Rename them.",
            argument="model.options",
            got=model.options,
        )
    given |= model.options
    try:
        inspect.signature(factory).bind(**given)
    except ValueError:
        pass  # a callable of C, which does not say
    except TypeError as error:
        raise ConfigurationError(
            f"model.posterior = {name!r} is called with {', '.join(given)} as keywords: {error}. Accept these.",
            argument="model.posterior",
            got=name,
        ) from None
    learner = factory(**given)
    if not isinstance(learner, Learner):
        raise ConfigurationError(
            argument="model.posterior",
            expected=f"a {name!r} that returns a learner, with fit(data, *, previous, seed)",
            got=type(learner).__name__,
        )
    return learner


def _check_features(
    experiment: Experiment, acquisition: str, requires: Set[str], network: Callable[[], nn.Module] | None
) -> None:
    """Refuse a posterior or a network without features, where they are required, before anything runs."""
    if text := describe_missing_features(experiment.model.posterior, acquisition, requires):
        raise ConfigurationError(f"model.posterior {text}", argument="model.posterior", got=experiment.model.posterior)
    if not requires & FEATURE_PARTS or network is None:
        return
    with fork_rng(0, "cpu"):  # a network is initialised from the global generators
        dense = has_dense_layer(network())
    if not dense:
        raise ConfigurationError(
            f"{acquisition} requires features, which are what the last nn.Linear reads; "
            f"model.network = {experiment.model.network!r} has no nn.Linear. Use another network or acquisition.",
            argument="model.network",
            got=experiment.model.network,
        )
