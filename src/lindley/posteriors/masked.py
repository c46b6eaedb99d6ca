"""Frozen draws of any module with dropout layers: one full forward pass per draw, masks in place of the layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from lindley.errors import InputError
from lindley.posteriors.masks import DROPOUT, dropout_masks, mask_shape


class MaskedNetwork:
    """K frozen functions of any module.  [n, ...] -> [n, K, C] logits, float32.

    The general case: right for nested and shared dropout layers, and K times the cost of one forward pass.
    """

    def __init__(self, module: nn.Module, *, num_draws: int, seed: int, dtype: torch.dtype) -> None:
        self.num_draws = num_draws
        self._dtype = dtype
        self._module = copy.deepcopy(module).eval()
        self._sites: list[_FrozenDropout] = []
        frozen: dict[int, _FrozenDropout] = {}  # a layer that is used under two names is one layer
        for name, layer in list(self._module.named_modules(remove_duplicate=False)):
            if isinstance(layer, DROPOUT):
                if id(layer) not in frozen:
                    frozen[id(layer)] = _FrozenDropout(layer, num_draws, name, seed)
                _replace(self._module, name, frozen[id(layer)])
        self._sites = list(frozen.values())
        self._checked = False

    def logits(self, inputs: Tensor) -> Tensor:
        if not self._checked:
            with _generators_kept(inputs.device):
                self._refuse_masks_that_differ_between_rows(inputs[:1])
                self._refuse_hidden_randomness(inputs[:1])
            self._checked = True
        return torch.stack([self._one(inputs, draw) for draw in range(self.num_draws)], dim=1)  # [n, K, C]

    def _one(self, inputs: Tensor, draw: int) -> Tensor:
        for site in self._sites:
            site.begin(draw)
        logits: Tensor = self._forward(self._module, inputs)
        return logits.float()

    def _forward(self, module: nn.Module, inputs: Tensor) -> Any:
        bfloat16 = self._dtype == torch.bfloat16
        with _no_fast_path(), torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=bfloat16):
            return module(inputs)

    def _refuse_masks_that_differ_between_rows(self, row: Tensor) -> None:
        num_masks = []
        for count in (2, 3):  # one alone might be squeezed away
            self._one(row.expand(count, *row.shape[1:]).clone(), 0)
            num_masks.append(sum(site.num_masks for site in self._sites))
        if num_masks[1] > num_masks[0]:
            raise InputError(
                "a dropout layer of this network is given values whose first axis is not that of the rows, so its "
                "masks would differ between rows and a draw would not be one function. Put the rows first before it"
            )

    def _refuse_hidden_randomness(self, row: Tensor) -> None:
        # In training mode too: what is silent in eval mode would count as absent. Whether a generator moved is asked,
        # not whether two seeds give other outputs: a layer that is seldom dropped would mostly give the same.
        inputs = row.expand(2, *row.shape[1:]).clone()
        for mode in ("eval", "training"):
            network = _in_training(self._module) if mode == "training" else self._module
            for layer in network.modules():
                if isinstance(layer, _FrozenDropout):
                    layer.begin(0)
            with _generators_kept(inputs.device) as moved:
                self._forward(network, inputs)
                if moved():
                    raise InputError(
                        f"in {mode} mode this network draws random numbers although its dropout layers are frozen: "
                        "something like torch.nn.functional.dropout, stochastic depth or noise stands in its forward, "
                        "so its draws would not be those it was trained with. Use nn.Dropout layers for all of its "
                        "randomness, or posterior = 'ensemble'"
                    )


class _FrozenDropout(nn.Module):
    """Multiplies by the mask of the current draw; the i-th call within a forward pass has masks of its own."""

    def __init__(self, layer: nn.Module, num_draws: int, site: str, seed: int) -> None:
        super().__init__()
        self._layer = layer
        self._num_draws, self._site, self._seed = num_draws, site, seed
        self._draw, self._call = 0, 0
        self._masks: dict[tuple[int, tuple[int, ...]], Tensor] = {}

    @property
    def num_masks(self) -> int:
        """Calls and shapes of features that it has made masks for."""
        return len(self._masks)

    def begin(self, draw: int) -> None:
        self._draw, self._call = draw, 0

    def forward(self, values: Tensor) -> Tensor:
        key = (self._call, tuple(values.shape[1:]))
        self._call += 1
        if key not in self._masks:
            self._masks[key] = dropout_masks(
                float(self._layer.p),  # type: ignore[arg-type]
                mask_shape(self._layer, key[1]),
                num_draws=self._num_draws,
                site=f"{self._site}#{key[0]}",
                seed=self._seed,
            ).to(values.device)
        return values * self._masks[key][self._draw].to(values.dtype)


def _in_training(module: nn.Module) -> nn.Module:
    """A copy in training mode, with its frozen masks; layers that then count on a batch stay in eval mode."""
    copied = copy.deepcopy(module).train()
    for layer in copied.modules():
        if isinstance(layer, _NormBase):
            layer.eval()
    return copied


@contextmanager
def _generators_kept(device: torch.device) -> Iterator[Callable[[], bool]]:
    """Puts torch's and NumPy's global generators back at the end; gives a function that says whether one has moved.

    Not Python's: type checkers such as beartype draw from it.
    """
    numpy = np.random.get_state()  # noqa: NPY002  a network may well use the old one

    def states() -> list[object]:
        on_gpu = torch.cuda.get_rng_state(device).tolist() if device.type == "cuda" else []
        _, numbers, *place = np.random.get_state()  # noqa: NPY002
        return [torch.get_rng_state().tolist(), on_gpu, np.asarray(numbers).tolist(), place]

    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        before = states()
        try:
            yield lambda: states() != before
        finally:
            np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _no_fast_path() -> Iterator[None]:
    # In eval mode nn.TransformerEncoderLayer runs in one kernel that goes around the layers within: around our masks.
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _replace(module: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(module.get_submodule(parent), child, layer)
