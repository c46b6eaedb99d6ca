"""How a network is trained: the keys of a study's [training] table."""

from __future__ import annotations

from dataclasses import dataclass

from lindley.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """A fixed number of optimiser steps, from scratch, with no validation labels.

    A number of steps rather than of epochs: twenty labels must not mean one step an epoch.
    """

    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    prior_precision: float = 0.0
    """Of a Gaussian prior on the weights, not biases: adds prior_precision / (2 L) Σ w² to a mean loss of L labels.

    A fixed prior, so that it counts for more with few labels. Gal et al. 2017 have 7 on their first dense layer.
    """
    shift: int = 0
    """Training images are moved by up to this many pixels along each axis, anew in every step."""
    rotate: float = 0.0
    """Training images are turned by up to this many degrees, anew in every step."""
    scale: float = 0.0
    """Training images are scaled by a factor of 1 - scale to 1 + scale, anew in every step."""
    flip: bool = False
    """Training images are mirrored left to right with probability a half, anew in every step."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"training.{name} must be positive; got {getattr(self, name)}")
        for name in ("weight_decay", "prior_precision", "shift", "rotate", "scale"):
            if not getattr(self, name) >= 0:
                raise InputError(f"training.{name} must not be negative; got {getattr(self, name)}")
        if self.scale >= 1:
            raise InputError(f"training.scale must be less than 1; got {self.scale}")
        if self.schedule not in ("constant", "cosine"):
            raise InputError(f"training.schedule must be 'constant' or 'cosine'; got {self.schedule!r}")

    @property
    def augments(self) -> tuple[str, ...]:
        """The keys under which training images are changed."""
        return tuple(name for name in ("shift", "rotate", "scale", "flip") if getattr(self, name))
