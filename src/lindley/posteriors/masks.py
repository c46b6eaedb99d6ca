"""Dropout masks keyed by (seed, draw, call site, feature position): what makes a draw one function."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.seeds import numpy_generator

ELEMENTWISE = (nn.Dropout,)
CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
DROPOUT = ELEMENTWISE + CHANNELWISE
_NOT_FROZEN = (nn.AlphaDropout, nn.FeatureAlphaDropout)


def mask_shape(layer: nn.Module, feature_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a mask for features [...]: one number per feature, or one per channel."""
    if isinstance(layer, CHANNELWISE):
        return (feature_shape[0], *(1 for _ in feature_shape[1:]))
    return feature_shape


def dropout_masks(probability: float, shape: tuple[int, ...], *, num_draws: int, site: str, seed: int) -> Tensor:
    """[K, *shape]: 0 with the given probability, else 1 / (1 - probability), as in training.

    The mask of draw k does not depend on how many draws there are.
    """
    keep = 1.0 - probability
    if keep <= 0.0:
        raise InputError(f"dropout at {site!r} has probability {probability}: it lets nothing through")
    kept = torch.stack(
        [torch.from_numpy(numpy_generator(seed, "mask", site, draw).random(shape) < keep) for draw in range(num_draws)]
    )
    return kept.float() / keep


def refuse_what_cannot_be_frozen(module: nn.Module) -> None:
    """InputError for stochastic layers whose masks cannot be held still here, and where there is none at all."""
    for name, layer in module.named_modules():
        if isinstance(layer, DROPOUT) and type(layer) not in DROPOUT:
            raise InputError(
                f"{type(layer).__name__} at {name!r} is a dropout layer of your own, whose forward frozen masks would "
                "replace by that of torch's; use nn.Dropout itself, or posterior = 'ensemble'"
            )
        hidden = isinstance(layer, nn.RNNBase | nn.MultiheadAttention) and float(layer.dropout) > 0
        if hidden or isinstance(layer, _NOT_FROZEN):
            raise InputError(
                f"the dropout of {type(layer).__name__} at {name!r} cannot be frozen, so a draw would not be one "
                "function; set it to 0, or use nn.Dropout layers, or posterior = 'ensemble'"
            )
    if not any(isinstance(layer, DROPOUT) and layer.p > 0 for layer in module.modules()):
        raise InputError(
            "MC dropout needs a network with nn.Dropout layers (probability > 0); this one has none, "
            "so every draw would be the same. Add dropout, or use posterior = 'ensemble'"
        )
