"""How a network is trained: the keys of a study's [training] table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lindley.errors import InputError

OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained: for a number of steps, or until validation labels stop it where `patience` is set."""

    steps: int = 1000
    """At least so many, however few labels there are: twenty labels must not mean one step an epoch."""
    epochs: int = 0
    """At least so many passes over the labels, so that many labels get more than `steps`."""
    batch_size: int = 64
    optimizer: str = "adam"
    """"adam" adds weight decay to the gradient (L2), "adamw" to the step (Loshchilov and Hutter 2019)."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: int = 0
    """Steps in which the rate rises to learning_rate. Adam's first steps are large, and can leave rectified units that
    answer nothing any more."""
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
    class_weights: tuple[float, ...] = ()
    """Of each class's labels in the loss; none: all weigh the same."""
    warm_start: bool = False
    """Begin at the weights of the posterior that is given as `previous`, where there is one, not from scratch."""
    patience: int = 0
    """With validation labels: stop when their NLL has not fallen for so many checks, and keep the best weights."""
    check_every: int = 50
    """Steps between two checks of the validation labels."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate", "check_every"):
            if not getattr(self, name) > 0:
                raise InputError(f"training.{name} must be positive; got {getattr(self, name)}")
        for name in ("epochs", "warmup", "weight_decay", "prior_precision", "shift", "rotate", "scale", "patience"):
            if not getattr(self, name) >= 0:
                raise InputError(f"training.{name} must not be negative; got {getattr(self, name)}")
        if self.warmup >= self.steps:
            raise InputError(f"training.warmup must be less than training.steps, {self.steps}; got {self.warmup}")
        if self.scale >= 1:
            raise InputError(f"training.scale must be less than 1; got {self.scale}")
        for name, allowed in (("schedule", SCHEDULES), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"training.{name} must be {' or '.join(map(repr, allowed))}; got {getattr(self, name)!r}"
                )
        if not all(0 < weight < math.inf for weight in self.class_weights):
            raise InputError(f"training.class_weights must be positive and finite; got {list(self.class_weights)}")

    @property
    def augments(self) -> tuple[str, ...]:
        """The keys under which training images are changed."""
        return tuple(name for name in ("shift", "rotate", "scale", "flip") if getattr(self, name))

    def num_steps(self, num_labels: int) -> int:
        """Return the optimiser steps of a fit on so many labels."""
        return max(self.steps, math.ceil(self.epochs * num_labels / min(self.batch_size, num_labels)))
