"""One draw of a sequence of layers as the smaller network that it is: what its masks drop is never computed.

Units whose mask is 0 are cut out of the layer that makes them and of the layer that reads them; what a mask multiplies
by goes into the weights of the reader, W(m * x) = (W * m) x. Exact, up to rounding: ReLU and, for a mask per
channel, pooling let a mask through, since masks are not negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lindley.posteriors.dropout.masks import DROPOUT

POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Sigmoid, nn.Softplus)
PASSED_BY_ANY_MASK = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Flatten)
PASSED_BY_CHANNEL_MASKS = (nn.MaxPool2d, nn.AvgPool2d)
Step = Callable[[Tensor], Tensor]
_LIVE_SHARE = 0.8
"""Of the features; with more of them, taking some costs what it saves."""


@dataclass
class _Units:
    """The units that are there, of all those of the whole network, and the mask that is still to be applied to them."""

    present: Tensor | None
    """Indices of channels or features; None: all."""
    mask: Tensor | None
    """[C, 1, 1], [C, H, W] or [D], of all units; None: nothing is pending."""

    def masked_by(self, more: Tensor) -> _Units:
        return _Units(self.present, more if self.mask is None else self.mask * more)


def can_be_thinned(layers: Sequence[nn.Module]) -> bool:
    """Whether every mask can go into the weights that read it.

    Dense layers are taken to read [n, D] and convolutions [n, C, H, W].
    """
    pending, per_channel = False, True
    for layer in layers:
        if isinstance(layer, DROPOUT):
            pending, per_channel = True, per_channel and isinstance(layer, nn.Dropout2d)
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            if isinstance(layer, nn.Conv2d) and pending and not per_channel:
                return False
            pending, per_channel = False, True
        elif isinstance(layer, PASSED_BY_CHANNEL_MASKS):
            if pending and not per_channel:
                return False
        elif pending and not isinstance(layer, PASSED_BY_ANY_MASK):
            return False
    return not pending


def num_shared(layers: Sequence[nn.Module]) -> int:
    """How many of the first layers are the same for all draws: those before the first weights that read a mask."""
    masked = False
    for index, layer in enumerate(layers):
        if masked and isinstance(layer, nn.Linear | nn.Conv2d):
            return index
        masked = masked or isinstance(layer, DROPOUT)
    return len(layers)


def shared_steps(layers: Sequence[nn.Module], dtypes: Sequence[torch.dtype]) -> list[Step]:
    """The layers that all draws share, as they are; their masks are applied later.  dtypes: of each layer."""
    steps: list[Step] = [
        _slim(layer, _Units(None, None), None, dtype) if isinstance(layer, nn.Linear | nn.Conv2d) else layer
        for layer, dtype in zip(layers, dtypes, strict=False)
        if not isinstance(layer, DROPOUT)
    ]
    # Each draw takes some of the channels: ten times faster where a channel lies together than channels-last.
    return [*steps, torch.Tensor.contiguous]


def thinned(
    layers: Sequence[nn.Module],
    shapes: Sequence[tuple[int, ...]],
    masks: Mapping[int, Tensor],
    dtypes: Sequence[torch.dtype],
) -> list[Step]:
    """One draw's network: the steps from what the shared layers return to what the last layer does.

    shapes: of the features [...] that each layer is given. masks: of this draw, by the index of the dropout layer.
    dtypes: in which each layer computes.
    """
    steps: list[Step] = []
    units, shared = _Units(None, None), num_shared(layers)
    for index, layer in enumerate(layers):
        if index in masks:
            units = units.masked_by(masks[index])
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            if index >= shared:
                if index == shared and isinstance(layer, nn.Conv2d):
                    units = _Units(_kept(units.mask), units.mask)
                    steps.append(_Taken(units.present))
                kept = _kept_outputs(layers, masks, index)
                steps.append(_slim(layer, units, kept, dtypes[index]))
                units = _Units(kept, None)
        else:
            units = _flattened(units, shapes[index]) if isinstance(layer, nn.Flatten) else units
            steps += [layer] if index >= shared else []
    return steps


@dataclass
class _Taken:
    """Only the channels that a draw keeps.  [n, C, H, W] -> [n, kept, H, W]"""

    channels: Tensor | None

    def __call__(self, values: Tensor) -> Tensor:
        if self.channels is None:
            return values
        return values.index_select(1, self.channels)


@dataclass
class _Dense:
    weight: Tensor
    bias: Tensor | None

    def __call__(self, values: Tensor) -> Tensor:
        return nn.functional.linear(values.to(self.weight.dtype), self.weight, self.bias)


@dataclass
class _Convolution:
    weight: Tensor
    bias: Tensor | None
    layer: nn.Conv2d

    def __call__(self, values: Tensor) -> Tensor:
        layer, values = self.layer, values.to(self.weight.dtype)
        return torch.conv2d(values, self.weight, self.bias, layer.stride, layer.padding, layer.dilation)


@dataclass
class _SideBySide:
    """The first dense layers of some draws as one product.  [n, D] -> [n, units of all]"""

    by_feature: Tensor
    """[D, units of all]: the weights of one feature lie together, so that some of them are taken quickly."""
    bias: Tensor | None

    def __call__(self, values: Tensor, live: Tensor | None) -> Tensor:
        weight = self.by_feature if live is None else self.by_feature.index_select(0, live)
        values = values.to(weight.dtype)
        return values @ weight if self.bias is None else torch.addmm(self.bias, values, weight)


@dataclass
class FusedDraws:
    """Some draws at once: their first dense layers as one product where they begin with one.  [n, ...] -> K × [n, C]"""

    first: _SideBySide | None
    pointwise: list[Step]
    """What comes after the first layer, up to the next that tells units apart."""
    counts: list[int]
    draws: list[list[Step]]

    @property
    def kept_weights(self) -> list[list[Tensor]]:
        """Of each draw, the weights of its layers."""
        first: list[list[Tensor]] = [[] for _ in self.draws]
        if self.first is not None:
            first = [[part.t()] for part in self.first.by_feature.split(self.counts, dim=1)]
        later = [[step.weight for step in steps if isinstance(step, _Dense | _Convolution)] for steps in self.draws]
        return [mine + following for mine, following in zip(first, later, strict=True)]

    @property
    def may_skip(self) -> bool:
        """Whether features that are 0 need not be multiplied: weights that are not finite would make NaN of them."""
        return self.first is not None and bool(self.first.by_feature.isfinite().all())

    def __call__(self, values: Tensor, live: Tensor | None = None) -> list[Tensor]:
        """live: which features the values are of, where they are not of all."""
        if self.first is None:
            parts = [values] * len(self.draws)
        else:
            values = self.first(values, live)
            for step in self.pointwise:
                values = step(values)
            parts = list(values.split(self.counts, dim=1))
        return [_through(steps, part) for steps, part in zip(self.draws, parts, strict=True)]


def together(draws: Sequence[list[Step]]) -> FusedDraws:
    """Draws of one network, as `thinned` gives them: small products by themselves do not fill two cores."""
    dense = [steps[0] for steps in draws if isinstance(steps[0], _Dense)]
    if len(dense) < len(draws):
        return FusedDraws(None, [], [], list(draws))
    biases = [layer.bias for layer in dense if layer.bias is not None]
    by_feature = torch.cat([layer.weight for layer in dense]).t().contiguous()
    first = _SideBySide(by_feature, torch.cat(biases) if biases else None)
    length = 1
    while length < len(draws[0]) and type(draws[0][length]) in POINTWISE:
        length += 1
    counts = [len(layer.weight) for layer in dense]
    return FusedDraws(first, draws[0][1:length], counts, [steps[length:] for steps in draws])


def live_features(values: Tensor) -> Tensor | None:
    """Indices of the features that are not 0 in all rows; None where too few are 0 to be worth leaving out.  [n, D]

    Channels that no image excites and the blank border of images are often half of what a network makes of them. It
    depends on these rows alone, so that a chunk has the same bits whenever it is computed.
    """
    if not len(values):
        return None
    live = values.any(0).nonzero()[:, 0]
    return live if len(live) <= _LIVE_SHARE * values.shape[1] else None


def _through(steps: Sequence[Step], values: Tensor) -> Tensor:
    for step in steps:
        values = step(values)
    return values


def _slim(layer: nn.Linear | nn.Conv2d, units: _Units, kept: Tensor | None, dtype: torch.dtype) -> Step:
    weight, bias = layer.weight.detach(), layer.bias
    if kept is not None:
        weight, bias = weight[kept], None if bias is None else bias[kept]
    if units.mask is not None:
        weight = weight * units.mask
    if units.present is not None:
        weight = weight[:, units.present]
    bias = None if bias is None else bias.detach().to(dtype)
    if isinstance(layer, nn.Linear):
        return _Dense(weight.to(dtype).contiguous(), bias)
    return _Convolution(weight.to(dtype).contiguous(memory_format=torch.channels_last), bias, layer)


def _kept_outputs(layers: Sequence[nn.Module], masks: Mapping[int, Tensor], index: int) -> Tensor | None:
    """Output units of layer `index` that some mask on the way to the next weights does not drop; None: all."""
    mask: Tensor | None = None
    for following in range(index + 1, len(layers)):
        if isinstance(layers[following], nn.Linear | nn.Conv2d | nn.Flatten):
            break
        if following in masks:
            mask = masks[following] if mask is None else mask * masks[following]
    return _kept(mask)


def _kept(mask: Tensor | None) -> Tensor | None:
    """Indices of the channels or features that a mask does not drop; None where it masks neither, or there is none.

    Where it drops all of them the first is kept, and the mask makes it 0 for its reader: no layer of torch has no
    channel.
    """
    if mask is None or not (mask.dim() == 1 or mask.shape[1:] == (1, 1)):
        return None
    kept = mask.flatten().nonzero()[:, 0]
    return kept if len(kept) else kept.new_zeros(1)


def _flattened(units: _Units, shape: tuple[int, ...]) -> _Units:
    mask = None if units.mask is None else units.mask.expand(shape).flatten()
    if units.present is None or len(shape) == 1:
        return _Units(units.present, mask)
    places = torch.arange(math.prod(shape), device=units.present.device).unflatten(0, shape)
    return _Units(places[units.present].flatten(), mask)
