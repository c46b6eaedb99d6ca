"""Forwards with frozen masks for dropout layers and recurrent layers.

Each is set on a copy of the layer as its own `forward`, so that the layer keeps its attributes, weights and hooks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lindley.posteriors.dropout.masks import mask_shape
from lindley.posteriors.dropout.sites import Site


class FrozenDropout:
    """Replaces the forward of nn.Dropout and its kin: it multiplies by the mask of the current draw."""

    def __init__(self, layer: nn.Module, site: Site) -> None:
        self._probability = float(layer.p)  # type: ignore[arg-type]
        self._layer = layer
        self._site = site

    def __call__(self, input: Tensor) -> Tensor:
        shape = mask_shape(self._layer, tuple(input.shape[1:]), self._site.name)
        return input * self._site.mask(self._probability, shape, input)


class FrozenRecurrent:
    """Replaces the forward of nn.RNN, nn.LSTM and nn.GRU: one layer after the other, with a mask before each but the
    first.

    As in torch, each time step has a mask of its own: masks are [T, D], for any number of rows and steps.
    """

    def __init__(self, layer: nn.RNNBase, site: Site) -> None:
        self._layers = [_single_layer(layer, index) for index in range(layer.num_layers)]
        self._probability = float(layer.dropout)
        self._directions = 2 if layer.bidirectional else 1
        self._batch_first = layer.batch_first
        self._site = site

    def __call__(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:
        values, states = input, []
        for index, layer in enumerate(self._layers):
            if index > 0:
                values = self._apply_mask(values)
            values, state = layer(values, self._initial_state(hx, index))
            states.append(state if isinstance(state, tuple) else (state,))
        final = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
        return values, final if len(final) > 1 else final[0]

    def _initial_state(self, hx: Any, index: int) -> Any:
        if hx is None:
            return None
        rows = slice(index * self._directions, (index + 1) * self._directions)
        return tuple(part[rows] for part in hx) if isinstance(hx, tuple) else hx[rows]

    def _apply_mask(self, values: Any) -> Any:
        if isinstance(values, PackedSequence):
            data, sizes = values.data, values.batch_sizes  # [rows still going at step 0, then at 1, ...], [T]
            mask = self._site.mask(self._probability, (len(sizes), data.shape[-1]), data)  # [T, D]
            return values._replace(data=data * mask.repeat_interleave(sizes.to(data.device), dim=0))
        steps = 1 if values.dim() == 3 and self._batch_first else 0
        mask = self._site.mask(self._probability, (values.shape[steps], values.shape[-1]), values)  # [T, D]
        return values * (mask.unsqueeze(1) if values.dim() == 3 and steps == 0 else mask)


def _single_layer(layer: nn.RNNBase, index: int) -> nn.RNNBase:
    """Return layer number `index` as a layer of its own, with the same parameters."""
    width = (layer.proj_size or layer.hidden_size) * (2 if layer.bidirectional else 1)
    options: dict[str, Any] = {"bias": layer.bias, "batch_first": layer.batch_first}
    if isinstance(layer, nn.LSTM):
        options["proj_size"] = layer.proj_size
    if isinstance(layer, nn.RNN):
        options["nonlinearity"] = layer.nonlinearity
    single = next(kind for kind in (nn.LSTM, nn.GRU, nn.RNN) if isinstance(layer, kind))(
        layer.input_size if index == 0 else width,
        layer.hidden_size,
        bidirectional=layer.bidirectional,
        device="meta",  # nothing is initialised: no generator moves
        **options,
    )
    for name, _ in list(single.named_parameters()):
        setattr(single, name, getattr(layer, name.replace("_l0", f"_l{index}")))
    return single.eval()
