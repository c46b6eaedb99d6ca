"""One draw of a sequence of layers as a smaller network: units that its masks drop are never computed.

Units whose mask is 0 are cut out of the layer that computes them and of the layer that reads them. The factor of a mask
goes into the weights of the layer that reads it, W(m * x) = (W * m) x. Exact, up to rounding: ReLU and, for a mask per
channel, pooling commute with a mask, since masks are not negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lindley.posteriors.dropout.masks import DROPOUT

POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Sigmoid, nn.Softplus)
COMMUTE_WITH_ANY_MASK = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Flatten)
COMMUTE_WITH_CHANNEL_MASKS = (nn.MaxPool2d, nn.AvgPool2d)
Step = Callable[[Tensor], Tensor]
_MAX_NONZERO_SHARE = 0.8
"""With a larger share of nonzero features, selecting them costs what it saves."""


@dataclass
class _KeptUnits:
    """The units that a draw keeps among all units of a layer, and the mask that the next weights have to absorb."""

    kept: Tensor | None
    """Indices of channels or features; None: all."""
    mask: Tensor | None
    """[C, 1, 1], [C, H, W] or [D], of all units; None: no mask."""

    def multiply_mask(self, mask: Tensor) -> _KeptUnits:
        return _KeptUnits(self.kept, mask if self.mask is None else self.mask * mask)


def can_prune(layers: Sequence[nn.Module]) -> bool:
    """Return whether the weights after every mask can absorb it.

    It assumes that dense layers read [n, D] and convolutions [n, C, H, W].
    """
    pending, per_channel = False, True
    for layer in layers:
        if isinstance(layer, DROPOUT):
            pending, per_channel = True, per_channel and isinstance(layer, nn.Dropout2d)
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            if isinstance(layer, nn.Conv2d) and pending and not per_channel:
                return False
            pending, per_channel = False, True
        elif isinstance(layer, COMMUTE_WITH_CHANNEL_MASKS):
            if pending and not per_channel:
                return False
        elif pending and not isinstance(layer, COMMUTE_WITH_ANY_MASK):
            return False
    return not pending


def num_shared_layers(layers: Sequence[nn.Module]) -> int:
    """Return how many layers, from the first, are the same for all draws: those before the first masked weights."""
    masked = False
    for index, layer in enumerate(layers):
        if masked and isinstance(layer, nn.Linear | nn.Conv2d):
            return index
        masked = masked or isinstance(layer, DROPOUT)
    return len(layers)


def make_shared_steps(layers: Sequence[nn.Module], dtypes: Sequence[torch.dtype]) -> list[Step]:
    """Return the layers that all draws share as steps in the layers' dtypes, without their masks."""
    steps: list[Step] = [
        _prune_layer(layer, _KeptUnits(None, None), None, dtype) if isinstance(layer, nn.Linear | nn.Conv2d) else layer
        for layer, dtype in zip(layers, dtypes, strict=False)
        if not isinstance(layer, DROPOUT)
    ]
    # Each draw selects channels: ten times faster where the values of a channel are contiguous than channels-last.
    return [*steps, torch.Tensor.contiguous]


def prune_network(
    layers: Sequence[nn.Module],
    shapes: Sequence[tuple[int, ...]],
    masks: Mapping[int, Tensor],
    dtypes: Sequence[torch.dtype],
) -> list[Step]:
    """Return one draw's network as steps, from the output of the shared layers to that of the last layer.

    Args:
        layers: All layers of the network.
        shapes: The shape of the features, [...], that each layer reads.
        masks: The draw's masks, by the index of the dropout layer.
        dtypes: The dtype in which each layer computes.
    """
    steps: list[Step] = []
    units, num_shared = _KeptUnits(None, None), num_shared_layers(layers)
    for index, layer in enumerate(layers):
        if index in masks:
            units = units.multiply_mask(masks[index])
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            if index >= num_shared:
                if index == num_shared and isinstance(layer, nn.Conv2d):
                    units = _KeptUnits(_nonzero_units(units.mask), units.mask)
                    steps.append(_SelectChannels(units.kept))
                outputs = _output_units(layers, masks, index)
                steps.append(_prune_layer(layer, units, outputs, dtypes[index]))
                units = _KeptUnits(outputs, None)
        else:
            units = _flatten_units(units, shapes[index]) if isinstance(layer, nn.Flatten) else units
            steps += [layer] if index >= num_shared else []
    return steps


@dataclass
class _SelectChannels:
    """Selects the channels that a draw keeps.  [n, C, H, W] -> [n, kept, H, W]"""

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
class _FusedDense:
    """The first dense layers of several draws as one product.  [n, D] -> [n, units of all draws]"""

    weight_by_feature: Tensor
    """[D, units of all draws]: the weights of a feature are contiguous, so that some features are selected quickly."""
    bias: Tensor | None

    def __call__(self, values: Tensor, nonzero: Tensor | None) -> Tensor:
        weight = self.weight_by_feature if nonzero is None else self.weight_by_feature.index_select(0, nonzero)
        values = values.to(weight.dtype)
        return values @ weight if self.bias is None else torch.addmm(self.bias, values, weight)


@dataclass
class FusedDraws:
    """Several draws at once, their first dense layers as one product.  [n, ...] -> K × [n, C]"""

    first: _FusedDense | None
    """None where the draws do not begin with a dense layer."""
    pointwise: list[Step]
    """The pointwise steps after the first layer, which do not tell units apart."""
    counts: list[int]
    """The number of units of each draw's first layer."""
    draws: list[list[Step]]
    """The other steps of each draw."""

    @property
    def draw_weights(self) -> list[list[Tensor]]:
        """Return the weights of each draw's layers."""
        first: list[list[Tensor]] = [[] for _ in self.draws]
        if self.first is not None:
            first = [[part.t()] for part in self.first.weight_by_feature.split(self.counts, dim=1)]
        later = [[step.weight for step in steps if isinstance(step, _Dense | _Convolution)] for steps in self.draws]
        return [weights + others for weights, others in zip(first, later, strict=True)]

    @property
    def can_skip_zeros(self) -> bool:
        """Return whether features of 0 may be left out: weights that are not finite would make NaN of them."""
        return self.first is not None and bool(self.first.weight_by_feature.isfinite().all())

    def __call__(self, values: Tensor, nonzero: Tensor | None = None) -> list[Tensor]:
        """Return each draw's output; `nonzero` are the features that the values hold, where they do not hold all."""
        if self.first is None:
            parts = [values] * len(self.draws)
        else:
            values = self.first(values, nonzero)
            for step in self.pointwise:
                values = step(values)
            parts = list(values.split(self.counts, dim=1))
        return [_apply_steps(steps, part) for steps, part in zip(self.draws, parts, strict=True)]


def fuse_draws(draws: Sequence[list[Step]]) -> FusedDraws:
    """Fuse draws of one network, as `prune_network` gives them: small products alone do not occupy two cores."""
    dense = [steps[0] for steps in draws if isinstance(steps[0], _Dense)]
    if len(dense) < len(draws):
        return FusedDraws(None, [], [], list(draws))
    biases = [layer.bias for layer in dense if layer.bias is not None]
    weight_by_feature = torch.cat([layer.weight for layer in dense]).t().contiguous()
    first = _FusedDense(weight_by_feature, torch.cat(biases) if biases else None)
    length = 1
    while length < len(draws[0]) and type(draws[0][length]) in POINTWISE:
        length += 1
    counts = [len(layer.weight) for layer in dense]
    return FusedDraws(first, draws[0][1:length], counts, [steps[length:] for steps in draws])


def find_nonzero_features(values: Tensor) -> Tensor | None:
    """Return the indices of the features that are not 0 in all rows, or None where too few are 0.  [n, D] -> [nonzero]

    Channels that no image excites and the blank border of images are often half of a network's features. The result
    depends on these rows alone, so that a chunk has the same bits whenever it is computed.
    """
    if not len(values):
        return None
    nonzero = values.any(0).nonzero()[:, 0]
    return nonzero if len(nonzero) <= _MAX_NONZERO_SHARE * values.shape[1] else None


def _apply_steps(steps: Sequence[Step], values: Tensor) -> Tensor:
    for step in steps:
        values = step(values)
    return values


def _prune_layer(layer: nn.Linear | nn.Conv2d, inputs: _KeptUnits, outputs: Tensor | None, dtype: torch.dtype) -> Step:
    """Return a layer that reads and computes only the units that a draw keeps."""
    weight, bias = layer.weight.detach(), layer.bias
    if outputs is not None:
        weight, bias = weight[outputs], None if bias is None else bias[outputs]
    if inputs.mask is not None:
        weight = weight * inputs.mask
    if inputs.kept is not None:
        weight = weight[:, inputs.kept]
    bias = None if bias is None else bias.detach().to(dtype)
    if isinstance(layer, nn.Linear):
        return _Dense(weight.to(dtype).contiguous(), bias)
    return _Convolution(weight.to(dtype).contiguous(memory_format=torch.channels_last), bias, layer)


def _output_units(layers: Sequence[nn.Module], masks: Mapping[int, Tensor], index: int) -> Tensor | None:
    """Return the output units of layer `index` that the masks before the next weights keep; None: all."""
    mask: Tensor | None = None
    for following in range(index + 1, len(layers)):
        if isinstance(layers[following], nn.Linear | nn.Conv2d | nn.Flatten):
            break
        if following in masks:
            mask = masks[following] if mask is None else mask * masks[following]
    return _nonzero_units(mask)


def _nonzero_units(mask: Tensor | None) -> Tensor | None:
    """Return the indices of the channels or features that a mask keeps; None where it has neither, or there is none.

    Where it drops all of them the first is returned, and the mask makes it 0 for the layer that reads it: a layer of
    torch needs one channel at least.
    """
    if mask is None or not (mask.dim() == 1 or mask.shape[1:] == (1, 1)):
        return None
    kept = mask.flatten().nonzero()[:, 0]
    return kept if len(kept) else kept.new_zeros(1)


def _flatten_units(units: _KeptUnits, shape: tuple[int, ...]) -> _KeptUnits:
    """Return the units after nn.Flatten, which turns channels [C, H, W] into features [D]."""
    mask = None if units.mask is None else units.mask.expand(shape).flatten()
    if units.kept is None or len(shape) == 1:
        return _KeptUnits(units.kept, mask)
    features = torch.arange(math.prod(shape), device=units.kept.device).unflatten(0, shape)
    return _KeptUnits(features[units.kept].flatten(), mask)
