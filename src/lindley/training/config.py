"""The configuration of a training: the keys of a study's [training] table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lindley.errors import InputError

OPTIMIZERS = ("adam", "adamw")
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True)
class TrainingConfig:
    """The training of a network: for a number of steps, or until validation labels stop it where `patience` is set."""

    steps: int = 1000
    """The least number of steps, so that twenty labels do not mean one step an epoch."""
    epochs: int = 0
    """The least number of passes over the labels, so that many labels get more than `steps`."""
    batch_size: int = 64
    optimizer: str = "adam"
    """"adam" adds weight decay to the gradient (L2), "adamw" to the step (Loshchilov and Hutter 2019)."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: int = 0
    """Steps in which the rate rises to learning_rate. Adam's first steps are large, and can leave rectified units that
    are zero for every input from then on."""
    prior_precision: float = 0.0
    """The precision of a Gaussian prior on the weights, not biases: adds prior_precision / (2 L) Σ w² to a mean loss of
    L labels.

    A fixed prior, so that it counts for more with few labels. Gal et al. 2017 have 7 on their first dense layer.
    """
    shift: int = 0
    """The largest shift of a training image along each axis, in pixels, drawn anew in every step."""
    rotate: float = 0.0
    """The largest rotation of a training image, in degrees, drawn anew in every step."""
    scale: float = 0.0
    """Training images are scaled by a factor between 1 - scale and 1 + scale, drawn anew in every step."""
    flip: bool = False
    """Training images are mirrored left to right with probability a half, drawn anew in every step."""
    class_weights: tuple[float, ...] = ()
    """The weight of each class's labels in the loss; with none, all labels weigh the same."""
    warm_start: bool = False
    """Start from the weights of the posterior that is given as `previous`, where there is one, not from scratch."""
    patience: int = 0
    """With validation labels: stop after this many checks without a lower NLL, and keep the best weights."""
    check_every: int = 50
    """Steps between two checks of the validation labels."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate", "check_every"):
            self._check(name, getattr(self, name) > 0, "positive")
        for name in ("epochs", "warmup", "weight_decay", "prior_precision", "shift", "rotate", "scale", "patience"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check("warmup", self.warmup < self.steps, f"less than training.steps, {self.steps}")
        self._check("scale", self.scale < 1, "less than 1")
        self._check("schedule", self.schedule in SCHEDULES, " or ".join(map(repr, SCHEDULES)))
        self._check("optimizer", self.optimizer in OPTIMIZERS, " or ".join(map(repr, OPTIMIZERS)))
        self._check("class_weights", all(0 < each < math.inf for each in self.class_weights), "positive and finite")

    def _check(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise InputError(argument=f"training.{name}", expected=expected, got=getattr(self, name))

    @property
    def augmentations(self) -> tuple[str, ...]:
        """Return the names of the fields that change training images."""
        return tuple(name for name in ("shift", "rotate", "scale", "flip") if getattr(self, name))

    def num_steps(self, num_labels: int) -> int:
        """Return the number of optimiser steps of a fit on `num_labels` labels."""
        return max(self.steps, math.ceil(self.epochs * num_labels / min(self.batch_size, num_labels)))
