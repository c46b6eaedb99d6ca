"""Frozen draws of any module: one forward pass per draw with masks in place of its dropout, its beginning only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lindley.errors import InputError
from lindley.posteriors.dropout.drop_connect import CONNECTED, FrozenWeights
from lindley.posteriors.dropout.frozen_attention import FrozenAttention, FrozenFunctions
from lindley.posteriors.dropout.frozen_layers import FrozenDropout, FrozenRecurrent
from lindley.posteriors.dropout.hidden_randomness import refuse_hidden_randomness
from lindley.posteriors.dropout.masks import DROPOUT, RECURRENT, drops, is_attention_of_transformers
from lindley.posteriors.dropout.prefix import Prefix
from lindley.posteriors.dropout.sites import CurrentDraw, Site
from lindley.training.network_calls import (
    NetworkInputs,
    device_type,
    forward,
    logits_of,
    num_rows,
    repeat_first_row,
)
from lindley.training.network_copies import copy_network
from lindley.training.precision import computing_in
from lindley.training.random_state import fork_rng


class MaskedNetwork:
    """K frozen functions of any module.  n inputs -> [n, K, C] logits, float32.

    The general case: right for nested and shared dropout layers, recurrent and attention layers. What comes before the
    first mask is computed once for all draws, and the rest K times.
    """

    def __init__(
        self, module: nn.Module, *, num_draws: int, seed: int, dtype: torch.dtype, drop_connect: float = 0.0
    ) -> None:
        self.num_draws = num_draws
        self.path = "masked"
        """"prefix" once something before the first mask was computed only once."""
        self._dtype = dtype
        self._module = copy_network(module)
        self._current = CurrentDraw(seed)
        self._sites = _frozen(self._module, self._current, drop_connect)
        self._checked = self._writes_into_inputs = False

    def logits(self, inputs: NetworkInputs) -> Tensor:
        if not self._checked and num_rows(inputs) > 0:
            with fork_rng(0, device_type(inputs)):  # it may be random still
                self._refuse_masks_that_differ_between_rows(inputs)
            refuse_hidden_randomness(self._module, self._current, self._forward, inputs)
            self._checked = True
        prefix = Prefix()
        logits = torch.stack([self._one(inputs, draw, prefix) for draw in range(self.num_draws)], dim=1)  # [n, K, C]
        self.path = "prefix" if prefix.usable and prefix.num_tensors > 0 else "masked"
        return logits

    @property
    def masks_differ(self) -> bool:
        """Whether two draws differ in what they drop, of all masks made so far."""
        for site in self._sites:
            first = None
            for draw in range(self.num_draws):
                self._current.begin(draw)
                kept = site.kept_where_asked()
                if first is not None and not all(map(torch.equal, kept, first)):
                    return True
                first = kept
        return False

    def _one(self, inputs: NetworkInputs, draw: int, prefix: Prefix) -> Tensor:
        if self._writes_into_inputs:
            inputs = _copied(inputs)

        def forward() -> Tensor:
            self._current.begin(draw, before_the_first_mask=prefix.ends)
            return logits_of(self._forward(self._module, inputs))

        return prefix.run(forward)

    def _forward(self, module: nn.Module, inputs: NetworkInputs) -> Any:
        with _no_fast_path(), computing_in(self._dtype, device_type(inputs)):
            return forward(module, inputs)

    def _refuse_masks_that_differ_between_rows(self, inputs: NetworkInputs) -> None:
        num_masks = []
        for count in (2, 3):  # one alone might be squeezed away
            rows = repeat_first_row(inputs, count)
            before = _versions(rows)
            self._current.begin(0)
            logits = logits_of(self._forward(self._module, rows))
            if len(logits) != count:
                raise InputError(f"a network must give one row of logits per input; got {len(logits)} for {count}")
            self._writes_into_inputs |= _versions(rows) != before
            num_masks.append(sum(site.num_shapes for site in self._sites))
        if num_masks[0] == 0:
            raise InputError(
                "the forward of this network calls none of its dropout layers, so that every draw would be the same. "
                "Call them in its forward, or use posterior = 'ensemble'"
            )
        if num_masks[1] > num_masks[0]:
            raise InputError(
                "a dropout layer of this network is given values whose first axis is not that of the rows, so its "
                "masks would differ between rows and a draw would not be one function. Put the rows first before it "
                "(batch_first=True for torch's transformer layers)"
            )


def _frozen(module: nn.Module, current: CurrentDraw, drop_connect: float) -> list[Site]:
    """Puts frozen forwards on the layers of this module that drop; their sites."""
    sites = []
    weights: dict[int, Site] = {}  # weights that two layers share are dropped as one

    def site(name: str) -> Site:
        sites.append(Site(name, current))
        return sites[-1]

    for name, layer in list(module.named_modules()):  # a layer that is used under two names comes once
        forward: Callable[..., Any] | None = None
        if isinstance(layer, DROPOUT) and drops(layer):
            forward = FrozenDropout(layer, site(name))
        elif isinstance(layer, RECURRENT) and drops(layer):
            forward = FrozenRecurrent(layer, site(name))
        elif isinstance(layer, nn.MultiheadAttention) and drops(layer):
            forward = FrozenAttention(layer, site(name))
        elif is_attention_of_transformers(layer):
            forward = FrozenFunctions(layer, site(name))
        elif drop_connect and type(layer) in CONNECTED:
            key = id(layer.weight)
            if key not in weights:
                weights[key] = site(f"{name}.weight")
            forward = FrozenWeights(layer, weights[key], drop_connect)
        if forward is not None:
            layer.forward = forward
    return sites


def _versions(inputs: NetworkInputs) -> list[int]:
    return [value._version for value in ([inputs] if isinstance(inputs, Tensor) else inputs.values())]


def _copied(inputs: NetworkInputs) -> NetworkInputs:
    return inputs.clone() if isinstance(inputs, Tensor) else {name: value.clone() for name, value in inputs.items()}


@contextmanager
def _no_fast_path() -> Iterator[None]:
    # In eval mode nn.TransformerEncoderLayer runs in one kernel that goes around the layers within: around our masks.
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
