"""The learner of a panel: one recipe, or several of which each fit keeps what its labels explain best."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from torch import nn

from lindley.contracts import Learner
from lindley.networks.dropout_rate import with_dropout_rate
from lindley.posteriors.catalogue import build_learner
from lindley.posteriors.head.tuned import Tuned
from lindley.posteriors.recipe import Recipe
from lindley.posteriors.tempered import Tempered
from lindley.study.schema import Panel


def panel_learner(panel: Panel, network: Callable[[], nn.Module] | None, *, device: str) -> Learner:
    """What [model], [training] and [training.tune] say. Raises InputError as its parts do."""
    recipe = Recipe(**panel.training.model_dump(exclude={"tune"}))

    def build(setting: Mapping[str, float]) -> Learner:
        changes: dict[str, Any] = {key: value for key, value in setting.items() if key != "dropout"}
        built = with_dropout_rate(network, setting["dropout"]) if network and "dropout" in setting else network
        return build_learner(
            panel.model.posterior,
            built,
            replace(recipe, **changes),
            precision=panel.model.precision,
            device=device,
            members=panel.model.num_draws,
            options=panel.model.options,
        )

    tune = panel.training.tune
    if tune is None:
        return build({})
    learner: Learner
    if tune.values:
        settings = [dict(zip(tune.values, values, strict=True)) for values in product(*tune.values.values())]
        learner = Tuned(settings, build, tune.measure, recipe.class_weights or None)
    else:
        learner = build({})
    if not tune.temperature:
        return learner
    return Tempered(learner, tune.temperature, folds=tune.folds, num_draws=panel.model.num_draws)
