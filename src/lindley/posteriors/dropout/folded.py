"""Frozen draws of a plain sequence of layers, fast: what comes before the first dropout is computed once per input."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.dropout.masks import DROPOUT, dropout_masks, mask_shape
from lindley.posteriors.dropout.thinned import (
    POINTWISE,
    FusedDraws,
    Step,
    can_be_thinned,
    live_features,
    num_shared,
    shared_steps,
    thinned,
    together,
)
from lindley.training.memory_layout import image_layout

_WHOLE = (nn.Flatten, nn.MaxPool2d, nn.AvgPool2d, nn.Conv2d, nn.Linear, *POINTWISE)
_AT_ONCE = 20
"""Draws whose first dense layers are one product."""


def layers_of(module: nn.Module) -> list[nn.Module] | None:
    """Return the layers of a (nested) sequence in order, or None where it is none or its masks do not fold."""
    layers = _flat(module)
    return layers if layers is not None and can_be_thinned(layers) else None


def _flat(module: nn.Module) -> list[nn.Module] | None:
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return None
    if type(module) is nn.Sequential:
        nested = [_flat(layer) for layer in module]
        return None if any(part is None for part in nested) else [x for part in nested for x in part or []]
    if type(module) is nn.Flatten and (module.start_dim, module.end_dim) != (1, -1):
        return None
    if type(module) is nn.Conv2d and (module.groups != 1 or module.padding_mode != "zeros"):
        return None
    return [module] if type(module) in (*_WHOLE, *DROPOUT) else None


class FoldedNetwork:
    """K frozen functions of one sequence of layers, as `layers_of` gives it.  [n, ...] -> [n, K, C] logits, float32.

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
    ) -> None:
        """`names` are those of the layers in messages, by their ids."""
        self.num_draws = num_draws
        self._names = [(names or {}).get(id(layer), str(index)) for index, layer in enumerate(layers)]
        self._seed = seed
        self._layers = layers
        # The last dense layer costs little and decides the probabilities: it stays float32.
        last = max((i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)), default=-1)
        self._dtypes = [torch.float32 if index == last else dtype for index in range(len(layers))]
        self._shared: list[Step] | None = None
        self._draws: list[FusedDraws] = []
        self._may_skip = False
        self.masks_differ = False
        """Whether two draws drop other things; False before the first inputs."""

    def logits(self, inputs: Tensor) -> Tensor:
        if self._shared is None:
            self._fold(inputs[:1])
        values = image_layout(inputs.to(self._dtypes[0]))
        for step in self._shared or []:
            values = step(values)
        live = live_features(values) if self._may_skip else None
        if live is not None:
            values = values.index_select(1, live)
        outputs = [output.float() for some in self._draws for output in some(values, live)]
        return torch.stack(outputs, dim=1)  # [n, K, C]

    @property
    def kept_weights(self) -> list[list[Tensor]]:
        """Return each draw's weights, cut to the units that it keeps; nothing before the first inputs."""
        return [weights for some in self._draws for weights in some.kept_weights]

    def _fold(self, row: Tensor) -> None:
        """Make the steps: of what all draws share, and of each draw. One row says the shapes."""
        shapes, values = [], image_layout(row)
        for layer in self._layers:
            shapes.append(tuple(values.shape[1:]))
            if isinstance(layer, nn.Linear) and values.dim() != 2:
                raise InputError(
                    f"a dense layer of this network reads {[*values.shape[1:]]} per input; in a plain sequence it must "
                    "read one vector. Put nn.Flatten before it, or write the sequence as a module with a forward"
                )
            values = layer(values) if not isinstance(layer, DROPOUT) else values
        self._shared = shared_steps(self._layers[: num_shared(self._layers)], self._dtypes)
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
            thinned(self._layers, shapes, {index: mask[draw] for index, mask in masks.items()}, self._dtypes)
            for draw in range(self.num_draws)
        ]
        self._draws = [together(draws[first : first + _AT_ONCE]) for first in range(0, self.num_draws, _AT_ONCE)]
        self._may_skip = all(some.may_skip for some in self._draws)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_shared": None, "_draws": []}  # made again from the seed: cheap, and much smaller
