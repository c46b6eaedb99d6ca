"""The posteriors by name. Adding one is a file with fit -> draw -> log_probs, and a line here."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from lindley.contracts import Learner
from lindley.errors import InputError
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.last_layer import LastLayerLaplace
from lindley.posteriors.mc_dropout import MCDropout
from lindley.posteriors.recipe import Recipe

POSTERIORS = ("mc-dropout", "ensemble", "last-layer", "last-layer-laplace")
WITH_FEATURES = ("mc-dropout", "ensemble", "last-layer", "last-layer-laplace")
"""Those whose fits are FeatureExtractors."""


def build_learner(
    posterior: str,
    network: Callable[[], nn.Module],
    recipe: Recipe,
    *,
    precision: str = "float32",
    device: str = "cpu",
    members: int = 5,
) -> Learner:
    """The learner that a study names. `members` is the size of an ensemble."""
    if posterior == "mc-dropout":
        return MCDropout(network, recipe, precision=precision, device=device)
    if posterior == "ensemble":
        return DeepEnsemble(network, members, recipe, precision=precision, device=device)
    if posterior in ("last-layer", "last-layer-laplace"):
        approximation = "variational" if posterior == "last-layer" else "laplace"
        return LastLayerLaplace(network, recipe, approximation=approximation, precision=precision, device=device)
    raise InputError(f"no posterior is called {posterior!r}; there are {', '.join(POSTERIORS)}")
