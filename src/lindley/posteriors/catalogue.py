"""The posteriors by name. Adding one is a file with fit -> draw -> predict, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from lindley.contracts import Learner
from lindley.errors import InputError
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.posteriors.laplace.full_laplace import FullLaplace
from lindley.posteriors.recipe import Recipe
from lindley.posteriors.scikit_learn.forest import Forest


@dataclass(frozen=True)
class Kind:
    """A posterior: its learner, and what a study has to know about it."""

    learner: Callable[..., Learner]
    options: tuple[str, ...] = ()
    """Keys of a study's [model.options]: arguments of the learner."""
    network: bool = True
    """Whether it trains a network by a recipe."""
    features: bool = True
    """Whether its fits are FeatureExtractors."""
    members: str = ""
    """The argument that says how many members there are, where draws are members."""


_HEAD = ("prior_precision", "bias_precision", "covariance")
POSTERIORS: Mapping[str, Kind] = {
    "mc-dropout": Kind(MCDropout, ("drop_connect",)),
    "ensemble": Kind(DeepEnsemble, members="members"),
    "last-layer": Kind(partial(LastLayerLaplace, approximation="variational"), _HEAD),
    "last-layer-laplace": Kind(LastLayerLaplace, _HEAD),
    "laplace": Kind(FullLaplace, ("hessian", "prior_precision", "linearised")),
    "head": Kind(BayesianHead, (*_HEAD, "approximation"), network=False),
    "forest": Kind(
        Forest, ("kind", "prior", "max_features", "min_samples_leaf"), network=False, features=False, members="trees"
    ),
    "gaussian-process": Kind(
        GaussianProcess, ("kernel", "ard", "lengthscale", "amplitude", "frequencies", "approximation"), network=False
    ),
}
WITH_FEATURES = tuple(name for name, kind in POSTERIORS.items() if kind.features)
WITH_NETWORK = tuple(name for name, kind in POSTERIORS.items() if kind.network)
WITHOUT_NETWORK = tuple(name for name, kind in POSTERIORS.items() if not kind.network)


def build_learner(
    posterior: str,
    network: Callable[[], nn.Module] | None,
    recipe: Recipe,
    *,
    precision: str = "float32",
    device: str = "cpu",
    members: int = 5,
    options: Mapping[str, Any] | None = None,
) -> Learner:
    """The learner that a study names. `members` is the size of an ensemble or a forest.

    Posteriors without a network read nothing of the recipe but its class weights. Raises InputError for an unknown
    name, option or value, and for a network too many or too few.
    """
    kind = _kind(posterior)
    check_options(posterior, options or {})
    if kind.network != (network is not None):
        raise InputError(f"posterior = {posterior!r} {'needs a' if kind.network else 'takes no'} network")
    given: dict[str, Any] = {**(options or {}), "device": device}
    if kind.network:
        given |= {"network": network, "recipe": recipe, "precision": precision}
    else:
        given |= {"class_weights": recipe.class_weights or None}
    return kind.learner(**given, **({kind.members: members} if kind.members else {}))


def check_options(posterior: str, options: Mapping[str, Any]) -> None:
    """InputError where a posterior does not take one of these options, or not with this value."""
    kind = _kind(posterior)
    for name in options:
        if name not in kind.options:
            takes = f"it takes {', '.join(kind.options)}" if kind.options else "it takes none"
            raise InputError(f"posterior = {posterior!r} has no option {name!r}; {takes}")
    try:
        needed: dict[str, Any] = {"network": nn.Identity} if kind.network else {}
        kind.learner(**options, **needed, **({kind.members: 1} if kind.members else {}))
    except TypeError as error:
        said = ", ".join(f"{name} = {value!r}" for name, value in options.items())
        raise InputError(f"posterior = {posterior!r} cannot take {said}: {error}") from None


def _kind(posterior: str) -> Kind:
    if posterior not in POSTERIORS:
        raise InputError(f"no posterior is called {posterior!r}; there are {', '.join(POSTERIORS)}")
    return POSTERIORS[posterior]
