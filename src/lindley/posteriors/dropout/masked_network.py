"""Frozen draws of any module: one forward pass per draw with frozen masks, the part before the first mask only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.dropout.drop_connect import DROP_CONNECT_LAYERS, FrozenWeights
from lindley.posteriors.dropout.frozen_attention import FrozenAttention, FrozenTransformersAttention
from lindley.posteriors.dropout.frozen_layers import FrozenDropout, FrozenRecurrent
from lindley.posteriors.dropout.hidden_randomness import refuse_hidden_randomness
from lindley.posteriors.dropout.masks import DROPOUT, RECURRENT, has_dropout, is_attention_of_transformers
from lindley.posteriors.dropout.prefix import Prefix
from lindley.posteriors.dropout.sites import MASK_CACHE_BYTES, CurrentDraw, Site
from lindley.training.network_calls import (
    NetworkInputs,
    device_type,
    extract_logits,
    forward,
    num_rows,
    repeat_first_row,
)
from lindley.training.network_copies import copy_network
from lindley.training.precision import autocast_to
from lindley.training.random_state import fork_rng


class MaskedNetwork:
    """K frozen functions of any module.  n inputs -> [n, K, C] logits, float32.

    The general case: right for nested and shared dropout layers, recurrent and attention layers. The part before the
    first mask is computed once for all draws, and the rest K times.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        num_draws: int,
        seed: int,
        dtype: torch.dtype,
        drop_connect: float = 0.0,
        share_prefix: bool = True,
        mask_cache_bytes: int = MASK_CACHE_BYTES,
    ) -> None:
        """Copy the module and freeze its layers.

        Args:
            module: The module.
            num_draws: The number of draws, K.
            seed: The seed of the masks.
            dtype: The dtype of its matrix products and convolutions.
            drop_connect: The probability of dropping a weight.
            share_prefix: Whether the part before the first mask is computed once for all draws.
            mask_cache_bytes: The size of the cache of masks.
        """
        self.num_draws = num_draws
        self.path = "masked"
        """"prefix" once a part before the first mask was computed only once."""
        self._dtype, self._share_prefix = dtype, share_prefix
        self._module = copy_network(module)
        self._current = CurrentDraw(seed, cache_bytes=mask_cache_bytes)
        self._sites = _freeze_layers(self._module, self._current, drop_connect)
        self._is_checked = self._writes_into_inputs = False

    def logits(self, inputs: NetworkInputs) -> Tensor:
        """Return the logits of n inputs, [n, K, C].

        Raises:
            InputError: If the network, its dropout frozen, is still no function of a row, or drops nothing.
        """
        if not self._is_checked and num_rows(inputs) > 0:
            with fork_rng(0, device_type(inputs)):  # the network may still be random
                self._refuse_masks_that_differ_between_rows(inputs)
            refuse_hidden_randomness(self._module, self._current, self._forward, inputs)
            self._is_checked = True
        prefix = Prefix(is_usable=self._share_prefix)
        logits = [self._draw_logits(inputs, draw, prefix) for draw in range(self.num_draws)]
        self.path = "prefix" if prefix.is_usable and prefix.num_tensors > 0 else "masked"
        return torch.stack(logits, dim=1)  # [n, K, C]

    @property
    def masks_differ(self) -> bool:
        """Return whether the masks made so far differ between two draws."""
        for site in self._sites:
            first = None
            for draw in range(self.num_draws):
                self._current.start_pass(draw)
                masks = site.keep_masks()
                if first is not None and not all(map(torch.equal, masks, first)):
                    return True
                first = masks
        return False

    def _draw_logits(self, inputs: NetworkInputs, draw: int, prefix: Prefix) -> Tensor:
        if self._writes_into_inputs:
            inputs = _clone(inputs)

        def forward() -> Tensor:
            self._current.start_pass(draw, on_first_mask=prefix.end)
            return extract_logits(self._forward(self._module, inputs))

        return prefix.run(forward)

    def _forward(self, module: nn.Module, inputs: NetworkInputs) -> Any:
        with _no_fast_path(), autocast_to(self._dtype, device_type(inputs)):
            return forward(module, inputs)

    def _refuse_masks_that_differ_between_rows(self, inputs: NetworkInputs) -> None:
        num_masks = []
        for count in (2, 3):  # an axis of one row might be squeezed away
            rows = repeat_first_row(inputs, count)
            before = _versions(rows)
            self._current.start_pass(0)
            logits = extract_logits(self._forward(self._module, rows))
            if len(logits) != count:
                raise InputError(
                    f"a network must give one row of logits per input; got {len(logits)} for {count}",
                    argument="network",
                    got=len(logits),
                )
            self._writes_into_inputs |= _versions(rows) != before
            num_masks.append(sum(site.num_requests for site in self._sites))
        if num_masks[0] == 0:
            raise InputError(
                "the forward of this network calls none of its dropout layers, so that every draw would be the same. "
                "Call them in its forward, or use posterior = 'ensemble'",
                argument="network",
                got="no call of a dropout layer",
            )
        if num_masks[1] > num_masks[0]:
            raise InputError(
                "a dropout layer of this network is given values whose first axis is not that of the rows, so its "
                "masks would differ between rows and a draw would not be one function. Put the rows first before it "
                "(batch_first=True for torch's transformer layers)",
                argument="network",
                got="masks that differ between rows",
            )


def _freeze_layers(module: nn.Module, current: CurrentDraw, drop_connect: float) -> list[Site]:
    """Set frozen forwards on the layers of this module that drop, in place, and return their sites."""
    sites = []
    weight_sites: dict[int, Site] = {}  # weights that two layers share are dropped as one

    def site(name: str) -> Site:
        sites.append(Site(name, current))
        return sites[-1]

    for name, layer in list(module.named_modules()):  # a layer that is used under two names comes once
        forward: Callable[..., Any] | None = None
        if isinstance(layer, DROPOUT) and has_dropout(layer):
            forward = FrozenDropout(layer, site(name))
        elif isinstance(layer, RECURRENT) and has_dropout(layer):
            forward = FrozenRecurrent(layer, site(name))
        elif isinstance(layer, nn.MultiheadAttention) and has_dropout(layer):
            forward = FrozenAttention(layer, site(name))
        elif is_attention_of_transformers(layer):
            forward = FrozenTransformersAttention(layer, site(name))
        elif drop_connect and type(layer) in DROP_CONNECT_LAYERS:
            key = id(layer.weight)
            if key not in weight_sites:
                weight_sites[key] = site(f"{name}.weight")
            forward = FrozenWeights(layer, weight_sites[key], drop_connect)
        if forward is not None:
            layer.forward = forward
    return sites


def _versions(inputs: NetworkInputs) -> list[int]:
    return [value._version for value in ([inputs] if isinstance(inputs, Tensor) else inputs.values())]


def _clone(inputs: NetworkInputs) -> NetworkInputs:
    return inputs.clone() if isinstance(inputs, Tensor) else {name: value.clone() for name, value in inputs.items()}


@contextmanager
def _no_fast_path() -> Iterator[None]:
    # In eval mode nn.TransformerEncoderLayer runs in one kernel that bypasses the layers within, and their masks.
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
