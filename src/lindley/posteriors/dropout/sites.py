"""The call sites at which a network drops units, and the frozen masks of the draw that it computes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.dropout.masks import positional_mask

MASK_CACHE_BYTES = 256 * 2**20
"""The size of the mask cache of one network. Masks beyond it are made again from the seed, which takes little time."""


class CurrentDraw:
    """The draw that a network computes, and a cache of masks; all sites of one network share it."""

    def __init__(self, seed: int, *, cache_bytes: int = MASK_CACHE_BYTES) -> None:
        self.seed = seed
        self.draw = 0
        self.forward_passes = 0
        self._on_first_mask: Callable[[], None] | None = None
        self._cache: dict[tuple[str, int, int, int], Tensor] = {}
        self._cache_bytes, self._num_bytes = cache_bytes, 0

    def start_pass(self, draw: int, *, on_first_mask: Callable[[], None] | None = None) -> None:
        """Start a forward pass of this draw; `on_first_mask` is called before its first mask."""
        self.draw = draw
        self.forward_passes += 1
        self._on_first_mask = on_first_mask

    def keep_mask(
        self, probability: float, shape: tuple[int, ...], *, site: str, call: int, device: torch.device
    ) -> Tensor:
        """Return which features the current draw keeps at a site, [*shape] of bool.

        Args:
            probability: The probability of dropping a feature.
            shape: The shape of the mask.
            site: The name of the site.
            call: The number of the site's call within the forward pass, from 0.
            device: The device of the mask.
        """
        if self._on_first_mask is not None:
            self._on_first_mask()
            self._on_first_mask = None
        key = (site, call, len(shape), self.draw)
        mask = self._cache.get(key)
        if mask is None or any(have < need for have, need in zip(mask.shape, shape, strict=True)):
            # As large as any so far, so that chunks of sentences with other lengths do not take turns replacing it.
            extents = shape if mask is None else tuple(map(max, mask.shape, shape))
            new = positional_mask(probability, extents, draw=self.draw, site=site, call=call, seed=self.seed).to(device)
            more = new.numel() - (0 if mask is None else mask.numel())
            if self._num_bytes + more <= self._cache_bytes:
                self._cache[key] = new
                self._num_bytes += more
            mask = new
        return mask[tuple(slice(extent) for extent in shape)]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_on_first_mask": None, "_cache": {}, "_num_bytes": 0}


class Site:
    """One place where a network drops: the i-th call within a forward pass has masks of its own."""

    def __init__(self, name: str, current: CurrentDraw) -> None:
        self.name = name
        self._current = current
        self._pass, self._calls = -1, 0
        self._requests: dict[tuple[int, tuple[int, ...]], tuple[float, torch.device]] = {}

    @property
    def num_requests(self) -> int:
        """Return the number of pairs of call and shape for which masks were requested so far."""
        return len(self._requests)

    def mask(self, probability: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Return the mask of the site's next call: 0 and 1 / (1 - probability), [*shape].

        Args:
            probability: The probability of dropping a feature.
            shape: The shape of the mask.
            like: A tensor with the mask's dtype and device.

        Raises:
            InputError: If the probability is 1.
        """
        if self._pass != self._current.forward_passes:
            self._pass, self._calls = self._current.forward_passes, 0
        call = self._calls
        self._calls += 1
        return self._mask(probability, shape, call, like)

    def weight_mask(self, probability: float, weights: Tensor) -> Tensor:
        """Return a mask of weights, the same at every call: weights belong to the function."""
        return self._mask(probability, tuple(weights.shape), 0, weights)

    def keep_masks(self) -> list[Tensor]:
        """Return what the current draw keeps, for every call and shape so far."""
        return [
            self._current.keep_mask(probability, shape, site=self.name, call=call, device=device)
            for (call, shape), (probability, device) in self._requests.items()
        ]

    def _mask(self, probability: float, shape: tuple[int, ...], call: int, like: Tensor) -> Tensor:
        if probability >= 1.0:
            raise InputError(
                f"dropout at {self.name!r} has probability {probability}: it lets nothing through",
                argument=self.name,
                got=probability,
            )
        self._requests[call, shape] = probability, like.device
        kept = self._current.keep_mask(probability, shape, site=self.name, call=call, device=like.device)
        return kept.to(like.dtype) / (1.0 - probability)
