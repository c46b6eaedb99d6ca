"""The learner of a panel: of the catalogue or a user's own; with one training configuration, or with several, of which
each fit keeps the one that its labels explain best."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from torch import nn

from lindley.contracts import Learner
from lindley.errors import ConfigurationError
from lindley.networks.dropout_rate import with_dropout_rate
from lindley.posteriors.catalogue import build_learner
from lindley.posteriors.head.tuned import Tuned
from lindley.posteriors.temperature_scaling import TemperatureScaled
from lindley.posteriors.training_config import TrainingConfig
from lindley.session.import_paths import import_object, is_import_path
from lindley.study.schema import Model, Panel


def panel_learner(
    panel: Panel, network: Callable[[], nn.Module] | None, *, device: str, folder: Path | None = None
) -> Learner:
    """What [model], [training] and [training.tune] say; a "module:name" of one's own is looked for in the folder.

    Raises InputError as its parts do, ConfigurationError where one's own cannot be used.
    """
    config = TrainingConfig(**panel.training.model_dump(exclude={"tune"}))

    def build(setting: Mapping[str, float]) -> Learner:
        changes: dict[str, Any] = {key: value for key, value in setting.items() if key != "dropout"}
        built = with_dropout_rate(network, setting["dropout"]) if network and "dropout" in setting else network
        model = panel.model
        if is_import_path(model.posterior):
            return _users_learner(model, built, replace(config, **changes), device=device, folder=folder)
        return build_learner(
            model.posterior,
            built,
            replace(config, **changes),
            precision=model.precision,
            device=device,
            members=model.num_draws,
            options=model.options,
        )

    tune = panel.training.tune
    if tune is None:
        return build({})
    learner: Learner
    if tune.values:
        settings = [dict(zip(tune.values, values, strict=True)) for values in product(*tune.values.values())]
        learner = Tuned(settings, build, tune.measure, config.class_weights or None)
    else:
        learner = build({})
    if not tune.temperature:
        return learner
    return TemperatureScaled(learner, tune.temperature, folds=tune.folds, num_draws=panel.model.num_draws)


def _users_learner(
    model: Model, network: Callable[[], nn.Module] | None, config: TrainingConfig, *, device: str, folder: Path | None
) -> Learner:
    name, factory = model.posterior, import_object(model.posterior, folder=folder)
    given = {
        "network": network,
        "config": config,
        "num_draws": model.num_draws,
        "precision": model.precision,
        "device": device,
    }
    if not callable(factory):
        raise ConfigurationError(f"model.posterior = {name!r} must be callable; got {type(factory).__name__}")
    if taken := sorted(given.keys() & model.options.keys()):
        raise ConfigurationError(
            f"model.options of {name!r} may not be called {', '.join(taken)}: the study says these elsewhere"
        )
    given |= model.options
    try:
        inspect.signature(factory).bind(**given)
    except ValueError:
        pass  # a callable of C, which does not say
    except TypeError as error:
        raise ConfigurationError(
            f"model.posterior = {name!r} is called with {', '.join(given)} as keywords: {error}"
        ) from None
    learner = factory(**given)
    if not isinstance(learner, Learner):
        raise ConfigurationError(
            f"model.posterior = {name!r} must return a learner, with fit(data, *, previous, seed); "
            f"got {type(learner).__name__}"
        )
    return learner
