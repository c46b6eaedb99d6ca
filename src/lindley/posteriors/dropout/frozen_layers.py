"""Dropout layers and recurrent layers whose masks stand still: forwards that take the place of theirs.

Each is put on a copy of the layer as its own `forward`, so that the layer keeps its attributes, weights and hooks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from lindley.posteriors.dropout.masks import mask_shape
from lindley.posteriors.dropout.sites import Site


class FrozenDropout:
    """In place of the forward of nn.Dropout and its kin: multiplies by the mask of the current draw."""

    def __init__(self, layer: nn.Module, site: Site) -> None:
        self._probability = float(layer.p)  # type: ignore[arg-type]
        self._layer = layer
        self._site = site

    def __call__(self, input: Tensor) -> Tensor:
        shape = mask_shape(self._layer, tuple(input.shape[1:]), self._site.name)
        return input * self._site.mask(self._probability, shape, input)


class FrozenRecurrent:
    """In place of the forward of nn.RNN, nn.LSTM and nn.GRU: one layer after the other, a mask in front of each but
    the first.

    As in torch, each time step has numbers of its own: the mask is [T, D], for any number of rows and steps.
    """

    def __init__(self, layer: nn.RNNBase, site: Site) -> None:
        self._layers = [_single_layer(layer, index) for index in range(layer.num_layers)]
        self._probability = float(layer.dropout)
        self._directions = 2 if layer.bidirectional else 1
        self._batch_first = layer.batch_first
        self._site = site

    def __call__(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple[Any, Any]:
        values, ends = input, []
        for index, layer in enumerate(self._layers):
            if index > 0:
                values = self._masked(values)
            values, end = layer(values, self._beginning(hx, index))
            ends.append(end if isinstance(end, tuple) else (end,))
        joined = tuple(torch.cat(parts) for parts in zip(*ends, strict=True))
        return values, joined if len(joined) > 1 else joined[0]

    def _beginning(self, hx: Any, index: int) -> Any:
        if hx is None:
            return None
        rows = slice(index * self._directions, (index + 1) * self._directions)
        return tuple(part[rows] for part in hx) if isinstance(hx, tuple) else hx[rows]

    def _masked(self, values: Any) -> Any:
        if isinstance(values, PackedSequence):
            data, sizes = values.data, values.batch_sizes  # [rows still going at step 0, then at 1, ...], [T]
            mask = self._site.mask(self._probability, (len(sizes), data.shape[-1]), data)  # [T, D]
            return values._replace(data=data * mask.repeat_interleave(sizes.to(data.device), dim=0))
        steps = 1 if values.dim() == 3 and self._batch_first else 0
        mask = self._site.mask(self._probability, (values.shape[steps], values.shape[-1]), values)  # [T, D]
        return values * (mask.unsqueeze(1) if values.dim() == 3 and steps == 0 else mask)


def _single_layer(layer: nn.RNNBase, index: int) -> nn.RNNBase:
    """Layer number `index` alone, with the same parameters."""
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
