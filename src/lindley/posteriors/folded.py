"""Frozen draws of a plain sequence of layers, fast: the prefix once per input, masks folded into weights.

For x a vector, m a mask and W a dense layer, W(m * x) = (W * m) x: so K masks become K weight matrices, and for an
input all draws share, one large matrix product. ReLU and, for a mask per channel, max-pooling let a mask through,
since masks are not negative: ReLU(m * x) = m * ReLU(x).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lindley.posteriors.masks import DROPOUT, ELEMENTWISE, dropout_masks, mask_shape
from lindley.posteriors.training import image_layout

_POINTWISE = (nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU, nn.Sigmoid, nn.Softplus)
_WHOLE = (nn.Flatten, nn.MaxPool2d, nn.AvgPool2d, nn.Conv2d, nn.Linear, *_POINTWISE)
_LETS_MASKS_THROUGH = (nn.ReLU, nn.LeakyReLU, nn.Identity)
_LETS_CHANNEL_MASKS_THROUGH = (nn.MaxPool2d, nn.AvgPool2d)


def layers_of(module: nn.Module) -> list[nn.Module] | None:
    """The layers of a (nested) sequence in order; None where something else is in it, or a forward of its own."""
    if module._forward_hooks or module._forward_pre_hooks:
        return None
    if type(module) is nn.Sequential:
        nested = [layers_of(layer) for layer in module]
        return None if any(part is None for part in nested) else [x for part in nested for x in part or []]
    if type(module) is nn.Flatten and (module.start_dim, module.end_dim) != (1, -1):
        return None
    if type(module) is nn.Conv2d and (module.groups != 1 or module.padding_mode != "zeros"):
        return None
    return [module] if type(module) in (*_WHOLE, *DROPOUT) else None


@dataclass
class _State:
    """Activations [n, ...] that all draws share, or [K, n, ...] of each; and masks [K, ...] still to be applied."""

    values: Tensor
    shared: bool
    masks: Tensor | None


@dataclass
class _KeptUnits:
    """Two dense layers cut to the hidden units that each draw keeps, draw after draw."""

    weight: Tensor  # [units of all draws, D]
    bias: Tensor | None  # [units of all draws]
    counts: list[int]  # units of each draw
    following: list[Tensor]  # of each draw [out, units]


class FoldedNetwork:
    """K frozen functions of one sequence of layers.  [n, ...] -> [n, K, C] logits, float32.

    Equal to running the network K times with the masks in place, up to rounding (tested).
    """

    def __init__(self, layers: list[nn.Module], *, num_draws: int, seed: int, dtype: torch.dtype) -> None:
        self.num_draws = num_draws
        self._seed = seed
        self._dtype = dtype
        self._layers = layers
        self._folded: dict[int, Tensor] = {}  # weights with their masks, made at the first call
        self._masks: dict[int, Tensor] = {}
        self._pairs: dict[int, _KeptUnits] = {}
        # The last dense layer costs little and decides the probabilities: it stays float32.
        self._last = max((i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)), default=-1)

    def logits(self, inputs: Tensor) -> Tensor:
        state = _State(image_layout(inputs.to(self._dtype)), shared=True, masks=None)
        index = 0
        while index < len(self._layers):
            pair = self._hidden_layer(index, state)
            if pair is None:
                state = self._step(index, self._layers[index], state)
                index += 1
            else:
                state = self._dense_pair(index, pair, state)
                index = pair + 1
        state = _applied(state)
        if state.shared:
            return state.values.float().unsqueeze(1).expand(-1, self.num_draws, -1)  # [n, K, C]
        return state.values.float().transpose(0, 1)  # [n, K, C]

    def _step(self, index: int, layer: nn.Module, state: _State) -> _State:
        if isinstance(layer, DROPOUT):
            masks = self._masks_at(index, layer, tuple(state.values.shape[1 if state.shared else 2 :]), state.values)
            return _State(state.values, state.shared, masks if state.masks is None else state.masks * masks)
        if isinstance(layer, nn.Flatten):
            return _flattened(state)
        if state.masks is not None and not _lets_through(layer, state.masks):
            if isinstance(layer, nn.Linear) and state.masks.dim() == 2:
                return _State(self._dense(index, layer, state, state.masks), shared=False, masks=None)
            if isinstance(layer, nn.Conv2d) and _per_channel(state.masks):
                return _State(self._convolution(index, layer, state, state.masks), shared=False, masks=None)
            state = _applied(state)
        return _State(self._plain(index, layer, state), state.shared, state.masks)

    def _plain(self, index: int, layer: nn.Module, state: _State) -> Tensor:
        values = state.values if state.shared else state.values.flatten(0, 1)
        dtype = self._dtype_of(index)
        if isinstance(layer, nn.Linear | nn.Conv2d):
            weight = self._remembered(index, lambda: layer.weight.detach().to(dtype))
            bias = None if layer.bias is None else layer.bias.detach().to(dtype)
            if isinstance(layer, nn.Linear):
                values = nn.functional.linear(values.to(dtype), weight, bias)
            else:
                values = _convolved(layer, values, weight, bias)
        else:
            values = layer(values)
        return values if state.shared else values.unflatten(0, (self.num_draws, -1))

    def _dense(self, index: int, layer: nn.Linear, state: _State, masks: Tensor) -> Tensor:
        dtype = self._dtype_of(index)
        weight = self._remembered(index, lambda: (layer.weight.detach() * masks.unsqueeze(1)).to(dtype))  # [K, H, D]
        values = state.values.to(dtype)
        if state.shared:
            product = nn.functional.linear(values, weight.flatten(0, 1))  # [n, K * H]
            product = product.unflatten(1, (self.num_draws, -1)).transpose(0, 1)  # [K, n, H]
        else:
            product = torch.bmm(values, weight.transpose(1, 2))  # [K, n, H]
        return product if layer.bias is None else product + layer.bias.detach().to(dtype)

    def _hidden_layer(self, index: int, state: _State) -> int | None:
        """Where the dense layer at `index` has its hidden units dropped before the next one: the index of that one."""
        if not state.shared or not isinstance(self._layers[index], nn.Linear):
            return None
        dropped = False
        for following in range(index + 1, len(self._layers)):
            layer = self._layers[following]
            if isinstance(layer, nn.Linear):
                return following if dropped else None
            if isinstance(layer, ELEMENTWISE):
                dropped = True
            elif not isinstance(layer, _LETS_MASKS_THROUGH):
                return None
        return None

    def _dense_pair(self, first: int, second: int, state: _State) -> _State:
        """Two dense layers with dropout between: a hidden unit is computed for the draws that keep it, only."""
        into, out_of = self._layers[first], self._layers[second]
        assert isinstance(into, nn.Linear)
        assert isinstance(out_of, nn.Linear)
        if first not in self._pairs:
            masks = torch.ones(self.num_draws, into.out_features, device=state.values.device)
            for index in range(first + 1, second):
                if isinstance(self._layers[index], ELEMENTWISE):
                    masks = masks * self._masks_at(index, self._layers[index], (into.out_features,), state.values)
            self._pairs[first] = _kept_units(into, out_of, state.masks, masks, self._dtype, self._dtype_of(second))
        pair = self._pairs[first]
        hidden = nn.functional.linear(
            state.values.to(self._dtype), pair.weight, pair.bias
        )  # [n, kept units of all draws]
        for index in range(first + 1, second):
            if not isinstance(self._layers[index], ELEMENTWISE):
                hidden = self._layers[index](hidden)
        parts = hidden.to(self._dtype_of(second)).split(pair.counts, dim=1)
        bias = None if out_of.bias is None else out_of.bias.detach().to(self._dtype_of(second))
        products = [
            nn.functional.linear(part, weight, bias) for part, weight in zip(parts, pair.following, strict=True)
        ]
        return _State(torch.stack(products), shared=False, masks=None)  # [K, n, out]

    def _dtype_of(self, index: int) -> torch.dtype:
        return torch.float32 if index == self._last else self._dtype

    def _convolution(self, index: int, layer: nn.Conv2d, state: _State, masks: Tensor) -> Tensor:
        weight = self._remembered(
            index, lambda: (layer.weight.detach() * masks.unsqueeze(1)).to(self._dtype)
        )  # [K, out, in, height, width]
        bias = None if layer.bias is None else layer.bias.detach().to(self._dtype)
        if state.shared:
            joined = _convolved(layer, state.values, weight.flatten(0, 1), None)  # [n, K * out, height, width]
            product: Tensor = joined.unflatten(1, (self.num_draws, -1)).transpose(0, 1)  # [K, n, out, height, width]
            return product if bias is None else product + bias[:, None, None]
        each = [_convolved(layer, values, kernel, bias) for values, kernel in zip(state.values, weight, strict=True)]
        return torch.stack(each)

    def _masks_at(self, index: int, layer: nn.Module, features: tuple[int, ...], like: Tensor) -> Tensor:
        if index not in self._masks:
            probability = float(layer.p)  # type: ignore[arg-type]
            shape = mask_shape(layer, features)
            masks = dropout_masks(probability, shape, num_draws=self.num_draws, site=str(index), seed=self._seed)
            self._masks[index] = masks.to(like.device)
        return self._masks[index]

    def _remembered(self, index: int, make: Callable[[], Tensor]) -> Tensor:
        if index not in self._folded:
            self._folded[index] = make()
        return self._folded[index]

    def __getstate__(self) -> dict[str, object]:
        return {
            **self.__dict__,
            "_folded": {},
            "_masks": {},
            "_pairs": {},
        }  # made again from the seed: cheap, and much smaller


def _kept_units(
    into: nn.Linear, out_of: nn.Linear, before: Tensor | None, between: Tensor, dtype: torch.dtype, last: torch.dtype
) -> _KeptUnits:
    """`before` [K, D] masks what the first layer reads, `between` [K, H] its hidden units."""
    kept = [mask.nonzero()[:, 0] for mask in between]
    weight, bias = into.weight.detach(), into.bias
    rows = [weight[units] if before is None else weight[units] * before[k] for k, units in enumerate(kept)]
    return _KeptUnits(
        weight=torch.cat(rows).to(dtype),
        bias=None if bias is None else bias.detach()[torch.cat(kept)].to(dtype),
        counts=[units.numel() for units in kept],
        following=[(out_of.weight.detach()[:, units] * between[k, units]).to(last) for k, units in enumerate(kept)],
    )


def _convolved(layer: nn.Conv2d, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    conv2d: Callable[..., Tensor] = nn.functional.conv2d
    return conv2d(values, image_layout(weight), bias, layer.stride, layer.padding, layer.dilation)


def _flattened(state: _State) -> _State:
    masks = state.masks
    features = state.values.shape[1 if state.shared else 2 :]
    if masks is not None:
        masks = masks.expand(-1, *features).flatten(1)
    return _State(state.values.flatten(1 if state.shared else 2), state.shared, masks)


def _applied(state: _State) -> _State:
    if state.masks is None:
        return state
    values = state.values.unsqueeze(0) if state.shared else state.values
    return _State(values * state.masks.unsqueeze(1).to(values.dtype), shared=False, masks=None)


def _lets_through(layer: nn.Module, masks: Tensor) -> bool:
    if isinstance(layer, _LETS_MASKS_THROUGH):
        return True
    return isinstance(layer, _LETS_CHANNEL_MASKS_THROUGH) and _per_channel(masks)


def _per_channel(masks: Tensor) -> bool:
    return masks.dim() == 4 and masks.shape[-2:] == (1, 1)
