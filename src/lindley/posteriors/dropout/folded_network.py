"""Frozen draws of a plain sequence of layers, fast: the layers before the first dropout are computed once per input."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.dropout.masks import DROPOUT, dropout_masks, mask_shape
from lindley.posteriors.dropout.pruning import (
    POINTWISE,
    FusedDraws,
    Step,
    can_prune,
    find_nonzero_features,
    fuse_draws,
    make_shared_steps,
    num_shared_layers,
    prune_network,
)
from lindley.training.memory_layout import to_channels_last

_SUPPORTED_LAYERS = (nn.Flatten, nn.MaxPool2d, nn.AvgPool2d, nn.Conv2d, nn.Linear, *POINTWISE)


def foldable_layers(module: nn.Module) -> list[nn.Module] | None:
    """Return the layers of a (nested) sequence in order, or None where it is no sequence or its masks do not fold."""
    layers = _flatten_layers(module)
    return layers if layers is not None and can_prune(layers) else None


def _flatten_layers(module: nn.Module) -> list[nn.Module] | None:
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return None
    if type(module) is nn.Sequential:
        nested = [_flatten_layers(layer) for layer in module]
        return None if any(part is None for part in nested) else [layer for part in nested for layer in part or []]
    if type(module) is nn.Flatten and (module.start_dim, module.end_dim) != (1, -1):
        return None
    if type(module) is nn.Conv2d and (module.groups != 1 or module.padding_mode != "zeros"):
        return None
    return [module] if type(module) in (*_SUPPORTED_LAYERS, *DROPOUT) else None


class FoldedNetwork:
    """K frozen functions of one sequence of layers.  [n, ...] -> [n, K, C] logits, float32.

    Equal to running the network K times with the masks in place, up to rounding (tested).
    """

    def __init__(
        self,
        layers: list[nn.Module],
        *,
        num_draws: int,
        seed: int,
        dtype: torch.dtype,
        names: Mapping[int, str] | None = None,
        draws_per_product: int = 20,
    ) -> None:
        """Take the layers.

        Args:
            layers: The layers, as `foldable_layers` gives them.
            num_draws: The number of draws, K.
            seed: The seed of the masks.
            dtype: The dtype in which all layers but the last dense one compute.
            names: The names of the layers in messages, by their ids.
            draws_per_product: The number of draws whose first dense layers are one product.
        """
        self.num_draws = num_draws
        self._names = [(names or {}).get(id(layer), str(index)) for index, layer in enumerate(layers)]
        self._seed = seed
        self._layers = layers
        # The last dense layer costs little and decides the probabilities: it stays float32.
        last = max((i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)), default=-1)
        self._dtypes = [torch.float32 if index == last else dtype for index in range(len(layers))]
        self._draws_per_product = draws_per_product
        self._shared: list[Step] | None = None
        self._draws: list[FusedDraws] = []
        self._can_skip_zeros = False
        self.masks_differ = False
        """Whether two draws drop different units; False before the first inputs."""

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the logits of n inputs, [n, K, C]."""
        if self._shared is None:
            self._fold(inputs[:1])
        values = to_channels_last(inputs.to(self._dtypes[0]))
        for step in self._shared or []:
            values = step(values)
        nonzero = find_nonzero_features(values) if self._can_skip_zeros else None
        if nonzero is not None:
            values = values.index_select(1, nonzero)
        outputs = [output.float() for fused in self._draws for output in fused(values, nonzero)]
        return torch.stack(outputs, dim=1)  # [n, K, C]

    @property
    def draw_weights(self) -> list[list[Tensor]]:
        """Return each draw's weights, cut to the units that it keeps; none before the first inputs."""
        return [weights for fused in self._draws for weights in fused.draw_weights]

    def _fold(self, row: Tensor) -> None:
        """Make the steps that all draws share and those of each draw, with shapes read from one row."""
        shapes, values = [], to_channels_last(row)
        for layer in self._layers:
            shapes.append(tuple(values.shape[1:]))
            if isinstance(layer, nn.Linear) and values.dim() != 2:
                raise InputError(
                    f"a dense layer of this network reads {[*values.shape[1:]]} per input; in a plain sequence it must "
                    "read one vector. Put nn.Flatten before it, or write the sequence as a module with a forward",
                    argument="network",
                    got=[*values.shape[1:]],
                )
            values = layer(values) if not isinstance(layer, DROPOUT) else values
        self._shared = make_shared_steps(self._layers[: num_shared_layers(self._layers)], self._dtypes)
        masks = {
            index: dropout_masks(
                float(layer.p),
                mask_shape(layer, shapes[index], self._names[index]),
                num_draws=self.num_draws,
                site=str(index),
                seed=self._seed,
            ).to(row.device)
            for index, layer in enumerate(self._layers)
            if isinstance(layer, DROPOUT)
        }
        self.masks_differ = any(bool((mask != mask[:1]).any()) for mask in masks.values())
        draws = [
            prune_network(self._layers, shapes, {index: mask[draw] for index, mask in masks.items()}, self._dtypes)
            for draw in range(self.num_draws)
        ]
        size = self._draws_per_product
        self._draws = [fuse_draws(draws[first : first + size]) for first in range(0, self.num_draws, size)]
        self._can_skip_zeros = all(fused.can_skip_zeros for fused in self._draws)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_shared": None, "_draws": []}  # made again from the seed: cheap, and much smaller
