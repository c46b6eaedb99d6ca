"""Where a network is random: sites, and the masks that they hold still for the draw being computed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.dropout.masks import kept_positions

_REMEMBERED_BYTES = 256 * 2**20
"""Of masks in one network. Beyond it they are made again from the seed: slower by little, in bounded memory."""


class CurrentDraw:
    """The draw that a network is computing, and the masks made so far; all sites of one network share it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.draw = 0
        self.forward_passes = 0
        self._before_the_first_mask: Callable[[], None] | None = None
        self._remembered: dict[tuple[str, int, int, int], Tensor] = {}
        self._num_bytes = 0

    def begin(self, draw: int, *, before_the_first_mask: Callable[[], None] | None = None) -> None:
        """To be called before each forward pass."""
        self.draw = draw
        self.forward_passes += 1
        self._before_the_first_mask = before_the_first_mask

    def kept(self, probability: float, shape: tuple[int, ...], *, site: str, call: int, device: torch.device) -> Tensor:
        """[*shape] bool: what the current draw keeps there."""
        if self._before_the_first_mask is not None:
            self._before_the_first_mask()
            self._before_the_first_mask = None
        key = (site, call, len(shape), self.draw)
        known = self._remembered.get(key)
        if known is None or any(have < need for have, need in zip(known.shape, shape, strict=True)):
            # As large as any seen, so that chunks of sentences with other lengths do not take turns replacing it.
            extents = shape if known is None else tuple(map(max, known.shape, shape))
            made = kept_positions(probability, extents, draw=self.draw, site=site, call=call, seed=self.seed).to(device)
            more = made.numel() - (0 if known is None else known.numel())
            if self._num_bytes + more <= _REMEMBERED_BYTES:
                self._remembered[key] = made
                self._num_bytes += more
            known = made
        return known[tuple(slice(extent) for extent in shape)]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_before_the_first_mask": None, "_remembered": {}, "_num_bytes": 0}


class Site:
    """One place where a network drops: the i-th call within a forward pass has masks of its own."""

    def __init__(self, name: str, current: CurrentDraw) -> None:
        self.name = name
        self._current = current
        self._pass, self._calls = -1, 0
        self._asked: dict[tuple[int, tuple[int, ...]], tuple[float, torch.device]] = {}

    @property
    def num_shapes(self) -> int:
        """How many pairs of call and shape masks were asked for so far."""
        return len(self._asked)

    def mask(self, probability: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """[*shape] of 0 and 1 / (1 - probability), in the dtype and on the device of `like`."""
        if self._pass != self._current.forward_passes:
            self._pass, self._calls = self._current.forward_passes, 0
        call = self._calls
        self._calls += 1
        return self._mask(probability, shape, call, like)

    def mask_of_weights(self, probability: float, weights: Tensor) -> Tensor:
        """The same at every call: weights belong to the function."""
        return self._mask(probability, tuple(weights.shape), 0, weights)

    def kept_where_asked(self) -> list[Tensor]:
        """What the current draw keeps, for every call and shape so far."""
        return [
            self._current.kept(probability, shape, site=self.name, call=call, device=device)
            for (call, shape), (probability, device) in self._asked.items()
        ]

    def _mask(self, probability: float, shape: tuple[int, ...], call: int, like: Tensor) -> Tensor:
        if probability >= 1.0:
            raise InputError(f"dropout at {self.name!r} has probability {probability}: it lets nothing through")
        self._asked[call, shape] = probability, like.device
        kept = self._current.kept(probability, shape, site=self.name, call=call, device=like.device)
        return kept.to(like.dtype) / (1.0 - probability)
