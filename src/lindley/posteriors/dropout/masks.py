"""Dropout masks keyed by (seed, draw, call site), which make a draw one function.

The numbers of `dropout_masks` are drawn in order, for features of one shape. Those of `positional_mask` belong to a
position each, for features whose shape differs from input to input. So a network has other draws in the two ways.
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
"""The number of axes of an input's features. torch reads others in another way; nn.Dropout2d takes any."""
RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)
_UNFREEZABLE = (nn.AlphaDropout, nn.FeatureAlphaDropout)
_FREEZABLE = (*DROPOUT, *RECURRENT, nn.MultiheadAttention)


def mask_shape(layer: nn.Module, feature_shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return the shape of a mask: one number per feature, or one per channel.

    Args:
        layer: The dropout layer.
        feature_shape: The shape of one input's features, [...].
        name: The layer's name, for messages.

    Raises:
        InputError: If torch would take the rows for channels and drop whole rows.
    """
    axes = next((axes for kind, axes in _CHANNEL_AXES.items() if isinstance(layer, kind)), len(feature_shape))
    if len(feature_shape) != axes and has_dropout(layer):
        raise InputError(
            f"nn.{type(layer).__name__} at {name!r} reads {['n', *feature_shape]}, and drops channels only of inputs "
            f"with {axes + 1} axes: of others torch drops whole rows or none at all. Use nn.Dropout, or the layer of "
            "these axes",
            argument=name,
            got=["n", *feature_shape],
        )
    if isinstance(layer, CHANNELWISE):
        return (feature_shape[0], *(1 for _ in feature_shape[1:]))
    return feature_shape


def dropout_masks(probability: float, shape: tuple[int, ...], *, num_draws: int, site: str, seed: int) -> Tensor:
    """Return masks [K, *shape]: 0 with the given probability, else 1 / (1 - probability), as in training.

    The mask of draw k does not depend on how many draws there are; for another shape it is another mask.

    Args:
        probability: The probability of dropping a feature.
        shape: The shape of one mask.
        num_draws: The number of draws, K.
        site: The name of the call site.
        seed: The seed of the draws.

    Raises:
        InputError: If the probability is 1.
    """
    keep = 1.0 - probability
    if keep <= 0.0:
        raise InputError(
            f"dropout at {site!r} has probability {probability}: it lets nothing through",
            argument=site,
            got=probability,
        )
    kept = torch.stack(
        [torch.from_numpy(numpy_generator(seed, "mask", site, draw).random(shape) < keep) for draw in range(num_draws)]
    )
    return kept.float() / keep


def positional_mask(
    probability: float, shape: tuple[int, ...], *, draw: int, site: str, call: int, seed: int
) -> Tensor:
    """Return a mask [*shape] of bool on the CPU, False with the given probability.

    Each number belongs to its position, whatever the shape: longer sentences, padding and larger images leave the
    masks of the other positions as they are.

    Args:
        probability: The probability of dropping a feature.
        shape: The shape of the mask.
        draw: The number of the draw.
        site: The name of the call site.
        call: The number of the site's call within the forward pass, from 0.
        seed: The seed of the draws.

    Raises:
        InputError: If an axis is too long.
    """
    if not shape:
        positions = torch.zeros((), dtype=torch.int64)
    else:
        bits = 63 // len(shape)
        if max(shape) > 1 << bits:
            raise InputError(
                f"masks over {len(shape)} axes have at most {1 << bits} positions each; got {[*shape]}",
                argument=site,
                got=[*shape],
            )
        positions = torch.zeros(1, dtype=torch.int64)
        for extent in shape:
            positions = (positions.unsqueeze(-1) << bits) | torch.arange(extent)
    uniforms = row_uniforms(positions.flatten(), seed, "mask", site, call, draw)
    return (uniforms <= 1.0 - probability).reshape(shape)


def refuse_unfreezable_layers(module: nn.Module, *, drop_connect: float = 0.0) -> None:
    """Raise InputError for stochastic layers whose masks cannot be frozen, and where no layer is stochastic."""
    for name, layer in module.named_modules():
        if isinstance(layer, _FREEZABLE) and has_dropout(layer):
            has_own_forward = type(layer).forward not in {kind.forward for kind in _FREEZABLE}
            if has_own_forward or "forward" in vars(layer):
                raise InputError(
                    f"{type(layer).__name__} at {name!r} is a dropout, recurrent or attention layer with a forward of "
                    "your own, which frozen masks would replace by that of torch's; use torch's layer itself, or "
                    "posterior = 'ensemble'",
                    argument=name,
                    got=type(layer).__name__,
                )
        if isinstance(layer, _UNFREEZABLE) and has_dropout(layer):
            raise InputError(
                f"{type(layer).__name__} at {name!r} cannot be frozen, so a draw would not be one function; "
                "set its probability to 0, or use nn.Dropout layers, or posterior = 'ensemble'",
                argument=name,
                got=type(layer).__name__,
            )
    if not drop_connect and not any(has_dropout(layer) for layer in module.modules()):
        raise InputError(
            "MC dropout needs a network with nn.Dropout layers or recurrent or attention layers with dropout "
            "(probability > 0); this one has none, so every draw would be the same (torch.nn.functional.dropout in a "
            "forward cannot be frozen). Add dropout layers, or use drop_connect, or posterior = 'ensemble'",
            argument="network",
        )


def is_attention_of_transformers(layer: nn.Module) -> bool:
    """Return whether this is an attention layer of the package transformers, which drops by functions."""
    kind = type(layer)
    return kind.__module__.startswith("transformers.") and "Attention" in kind.__name__


def rate_attribute(layer: nn.Module) -> str | None:
    """Return the name of the attribute that holds a layer's dropout rate, or None for a layer without one."""
    if isinstance(layer, (*DROPOUT, *_UNFREEZABLE)):
        return "p"
    if isinstance(layer, (*RECURRENT, nn.MultiheadAttention)):
        return "dropout"
    of_transformers = is_attention_of_transformers(layer) and isinstance(vars(layer).get("attention_dropout"), float)
    return "attention_dropout" if of_transformers else None


def has_dropout(layer: nn.Module) -> bool:
    """Return whether a layer has dropout of a probability above 0."""
    if isinstance(layer, (*DROPOUT, *_UNFREEZABLE)):
        return float(layer.p) > 0
    if isinstance(layer, RECURRENT):
        return layer.num_layers > 1 and float(layer.dropout) > 0
    if is_attention_of_transformers(layer):
        rate = getattr(layer, "attention_dropout", 0.0)  # a number, or a layer that counts by itself
        return isinstance(rate, float) and rate > 0
    return isinstance(layer, nn.MultiheadAttention) and float(layer.dropout) > 0
