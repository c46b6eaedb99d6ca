"""Dropout masks keyed by (seed, draw, call site): what makes a draw one function.

Those of `dropout_masks`, for features of one shape, are drawn in order; those of `kept_positions` belong to a position
each, for features whose shape differs from input to input. So one network computed in the two ways has other draws.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.noise import row_uniforms
from lindley.seeds import numpy_generator

ELEMENTWISE = (nn.Dropout,)
CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
DROPOUT = ELEMENTWISE + CHANNELWISE
_CHANNEL_AXES = {nn.Dropout1d: 2, nn.Dropout3d: 4}
"""Of an input's features, where torch reads another number of axes otherwise; nn.Dropout2d takes any."""
RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)
_NOT_FROZEN = (nn.AlphaDropout, nn.FeatureAlphaDropout)
_FROZEN_BY_THEIR_TYPE = (*DROPOUT, *RECURRENT, nn.MultiheadAttention)


def mask_shape(layer: nn.Module, feature_shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return the shape of a mask for features [...]: one number per feature, or one per channel.

    Raises InputError, with the layer's name, where torch would take the rows for channels and drop whole rows.
    """
    axes = next((axes for kind, axes in _CHANNEL_AXES.items() if isinstance(layer, kind)), len(feature_shape))
    if len(feature_shape) != axes and drops(layer):
        raise InputError(
            f"nn.{type(layer).__name__} at {name!r} reads {['n', *feature_shape]}, and drops channels only of inputs "
            f"with {axes + 1} axes: of others torch drops whole rows or none at all. Use nn.Dropout, or the layer of "
            "these axes"
        )
    if isinstance(layer, CHANNELWISE):
        return (feature_shape[0], *(1 for _ in feature_shape[1:]))
    return feature_shape


def dropout_masks(probability: float, shape: tuple[int, ...], *, num_draws: int, site: str, seed: int) -> Tensor:
    """Return masks [K, *shape]: 0 with the given probability, else 1 / (1 - probability), as in training.

    The mask of draw k does not depend on how many draws there are; for another shape it is another mask.
    """
    keep = 1.0 - probability
    if keep <= 0.0:
        raise InputError(f"dropout at {site!r} has probability {probability}: it lets nothing through")
    kept = torch.stack(
        [torch.from_numpy(numpy_generator(seed, "mask", site, draw).random(shape) < keep) for draw in range(num_draws)]
    )
    return kept.float() / keep


def kept_positions(probability: float, shape: tuple[int, ...], *, draw: int, site: str, call: int, seed: int) -> Tensor:
    """Return a mask [*shape] of bool on the CPU, False with the given probability.

    Each number belongs to its position, whatever the shape around it: longer sentences, padding and larger images
    leave the masks of what was there before as they were.
    """
    if not shape:
        positions = torch.zeros((), dtype=torch.int64)
    else:
        bits = 63 // len(shape)
        if max(shape) > 1 << bits:
            raise InputError(f"masks over {len(shape)} axes have at most {1 << bits} positions each; got {[*shape]}")
        positions = torch.zeros(1, dtype=torch.int64)
        for extent in shape:
            positions = (positions.unsqueeze(-1) << bits) | torch.arange(extent)
    uniforms = row_uniforms(positions.flatten(), seed, "mask", site, call, draw)
    return (uniforms <= 1.0 - probability).reshape(shape)


def refuse_what_cannot_be_frozen(module: nn.Module, *, drop_connect: float = 0.0) -> None:
    """Raise InputError for stochastic layers whose masks cannot be frozen, and where no layer is stochastic."""
    for name, layer in module.named_modules():
        if isinstance(layer, _FROZEN_BY_THEIR_TYPE) and drops(layer):
            own = type(layer).forward not in {kind.forward for kind in _FROZEN_BY_THEIR_TYPE}
            if own or "forward" in vars(layer):
                raise InputError(
                    f"{type(layer).__name__} at {name!r} is a dropout, recurrent or attention layer with a forward of "
                    "your own, which frozen masks would replace by that of torch's; use torch's layer itself, or "
                    "posterior = 'ensemble'"
                )
        if isinstance(layer, _NOT_FROZEN) and drops(layer):
            raise InputError(
                f"{type(layer).__name__} at {name!r} cannot be frozen, so a draw would not be one function; "
                "set its probability to 0, or use nn.Dropout layers, or posterior = 'ensemble'"
            )
    if not drop_connect and not any(drops(layer) for layer in module.modules()):
        raise InputError(
            "MC dropout needs a network with nn.Dropout layers or recurrent or attention layers with dropout "
            "(probability > 0); this one has none, so every draw would be the same (torch.nn.functional.dropout in a "
            "forward cannot be frozen). Add dropout layers, or use drop_connect, or posterior = 'ensemble'"
        )


def is_attention_of_transformers(layer: nn.Module) -> bool:
    """Whether this is an attention layer of the package transformers, which drops by functions."""
    kind = type(layer)
    return kind.__module__.startswith("transformers.") and "Attention" in kind.__name__


def rate_of(layer: nn.Module) -> str | None:
    """Return the attribute that holds a layer's dropout rate, or None for a layer without one."""
    if isinstance(layer, (*DROPOUT, *_NOT_FROZEN)):
        return "p"
    if isinstance(layer, (*RECURRENT, nn.MultiheadAttention)):
        return "dropout"
    of_transformers = is_attention_of_transformers(layer) and isinstance(vars(layer).get("attention_dropout"), float)
    return "attention_dropout" if of_transformers else None


def drops(layer: nn.Module) -> bool:
    """Whether a layer has dropout of a probability above 0."""
    if isinstance(layer, (*DROPOUT, *_NOT_FROZEN)):
        return float(layer.p) > 0
    if isinstance(layer, RECURRENT):
        return layer.num_layers > 1 and float(layer.dropout) > 0
    if is_attention_of_transformers(layer):
        own = getattr(layer, "attention_dropout", 0.0)  # a number, or a layer that counts by itself
        return isinstance(own, float) and own > 0
    return isinstance(layer, nn.MultiheadAttention) and float(layer.dropout) > 0
