"""The steps of a fit: which labels each sees, how the weights move, what is said when that diverges."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from torch import Tensor

from lindley.errors import FitError, InputError
from lindley.training.config import TrainingConfig


def minibatches(num_labels: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield positions of labels, through one permutation after another, equally many at every step.

    A short last minibatch of each epoch would make a fit on 70 labels see half of what one on 60 sees: its
    calibration error was three times as large.
    """
    size = min(batch_size, num_labels)
    waiting = torch.empty(0, dtype=torch.int64)
    while True:
        while len(waiting) < size:
            waiting = torch.cat([waiting, torch.randperm(num_labels, generator=generator)])
        yield waiting[:size]
        waiting = waiting[size:]


def optimizer_of(parameters: Iterable[Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimiser of a config over these parameters."""
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def learning_rates(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the scheduler of the learning rate, which is stepped after the optimiser."""
    if config.warmup:
        return torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_share_of_rate, config, steps))
    if config.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def _share_of_rate(config: TrainingConfig, steps: int, step: int) -> float:
    """Of the learning rate, in a fit that warms up: rising to it, then as the schedule of the steps left."""
    if step < config.warmup:
        return (step + 1) / (config.warmup + 1)
    done = (step - config.warmup) / (steps - config.warmup)
    return (1 + math.cos(math.pi * done)) / 2 if config.schedule == "cosine" else 1.0


def class_weights(config: TrainingConfig, num_classes: int, device: str) -> Tensor | None:
    """Return the config's weights of classes, [C], or None where all weigh the same."""
    if not config.class_weights:
        return None
    if len(config.class_weights) != num_classes:
        raise InputError(
            f"training.class_weights must have one number for each of the {num_classes} classes; "
            f"got {len(config.class_weights)}"
        )
    return torch.tensor(config.class_weights, device=device)


class Losses:
    """The losses of a fit, [] or [E] a step: refuses the fit where one is not finite.

    On a GPU several steps later: each look waits for all that the GPU has still to do. As a context it looks at those
    left at its end, also where the network itself gave up on weights that are not finite.
    """

    def __init__(self, device: str, told: Callable[..., str]) -> None:
        """told: (step, loss), for members (step, loss, member) -> the message."""
        self._looks_every = 1 if torch.device(device).type == "cpu" else 50
        self._told = told
        self._first, self._unseen = 0, list[Tensor]()

    def add(self, loss: Tensor) -> None:
        """Add the loss of the next step. Raises FitError, now or later."""
        self._unseen.append(loss.detach())
        if len(self._unseen) == self._looks_every:
            self.check()

    def __enter__(self) -> Losses:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None or (issubclass(kind, Exception) and not isinstance(error, FitError)):
            self.check()

    def check(self) -> None:
        """Check the losses not seen yet, before the weights are used."""
        if not self._unseen:
            return
        losses = torch.stack(self._unseen) if len(self._unseen) > 1 else self._unseen[0][None]  # [S] or [S, E]
        if not bool(losses.isfinite().all()):
            step, *member = (~losses.isfinite()).nonzero()[0].tolist()
            raise FitError(self._told(self._first + step, losses[(step, *member)].item(), *member))
        self._first += len(self._unseen)
        self._unseen.clear()


def divergence_message(steps: int, config: TrainingConfig, num_labels: int, step: int, loss: float) -> str:
    """Return the message about a loss that is not finite."""
    return f"the loss became {loss} at step {step + 1} of {steps} on {num_labels} labels; {_remedy(config)}"


def weights_message(steps: int, config: TrainingConfig, num_labels: int) -> str:
    """Return the message about weights that are not finite after the last step."""
    return f"the weights are not finite after all {steps} steps on {num_labels} labels; {_remedy(config)}"


def _remedy(config: TrainingConfig) -> str:
    return f"lower training.learning_rate (now {config.learning_rate:g}) or look for inputs that are not finite"
