"""The parts of a training step: minibatches, the optimiser, the learning rate, and a watch on the loss."""

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

    Args:
        num_labels: The number of labels, L.
        batch_size: The number of positions in a minibatch; L where there are fewer labels.
        generator: Draws the permutations, on the CPU.
    """
    size = min(batch_size, num_labels)
    queue = torch.empty(0, dtype=torch.int64)
    while True:
        while len(queue) < size:
            queue = torch.cat([queue, torch.randperm(num_labels, generator=generator)])
        yield queue[:size]
        queue = queue[size:]


def make_optimizer(parameters: Iterable[Tensor], config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the config's optimiser over these parameters."""
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def make_scheduler(
    optimizer: torch.optim.Optimizer, config: TrainingConfig, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Return the scheduler of the learning rate, to be stepped after the optimiser.

    Args:
        optimizer: The optimiser whose rate it sets.
        config: Its warmup and schedule.
        steps: The number of steps of the fit.
    """
    if config.warmup:
        return torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_rate_factor, config, steps))
    if config.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)


def _rate_factor(config: TrainingConfig, steps: int, step: int) -> float:
    """Return the share of the learning rate at a step: it rises to 1 in the warmup, then follows the schedule."""
    if step < config.warmup:
        return (step + 1) / (config.warmup + 1)
    progress = (step - config.warmup) / (steps - config.warmup)
    return (1 + math.cos(math.pi * progress)) / 2 if config.schedule == "cosine" else 1.0


def class_weights(config: TrainingConfig, num_classes: int, device: str) -> Tensor | None:
    """Return the config's class weights, [C], or None where all classes weigh the same.

    Args:
        config: The config.
        num_classes: The number of classes, C.
        device: The device to put them on.

    Raises:
        InputError: If there is not one weight for each class.
    """
    if not config.class_weights:
        return None
    if len(config.class_weights) != num_classes:
        raise InputError(
            f"training.class_weights must have one number for each of the {num_classes} classes; "
            f"got {len(config.class_weights)}",
            argument="training.class_weights",
            got=len(config.class_weights),
        )
    return torch.tensor(config.class_weights, device=device)


class LossMonitor:
    """Stops a fit whose loss, [] or [E] a step, is not finite.

    On a GPU it looks at the losses of several steps at once, since each look waits for all work that the GPU has
    queued. As a context it checks the rest at its end, also where the network itself raised an error.
    """

    def __init__(self, device: str, message: Callable[..., str]) -> None:
        """Take the message of the error, as a function of (step, loss), or (step, loss, member) for members."""
        self._interval = 1 if torch.device(device).type == "cpu" else 50
        self._message = message
        self._first, self._pending = 0, list[Tensor]()

    def add(self, loss: Tensor) -> None:
        """Add the loss of the next step. Raises FitError, now or later."""
        self._pending.append(loss.detach())
        if len(self._pending) == self._interval:
            self.check()

    def __enter__(self) -> LossMonitor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None or (issubclass(kind, Exception) and not isinstance(error, FitError)):
            self.check()

    def check(self) -> None:
        """Check the pending losses, before the weights are used."""
        if not self._pending:
            return
        losses = torch.stack(self._pending) if len(self._pending) > 1 else self._pending[0][None]  # [S] or [S, E]
        if not bool(losses.isfinite().all()):
            step, *member = (~losses.isfinite()).nonzero()[0].tolist()
            text = self._message(self._first + step, losses[(step, *member)].item(), *member)
            raise FitError(text, step=self._first + step + 1, member=member[0] if member else None)
        self._first += len(self._pending)
        self._pending.clear()


def divergence_message(steps: int, config: TrainingConfig, num_labels: int, step: int, loss: float) -> str:
    """Return the message about a loss that is not finite.

    Args:
        steps: The number of steps of the fit.
        config: How it trains.
        num_labels: The number of labels.
        step: The step of the loss, from 0.
        loss: The loss.
    """
    return f"the loss became {loss} at step {step + 1} of {steps} on {num_labels} labels; {_remedy(config)}"


def nonfinite_weights_message(steps: int, config: TrainingConfig, num_labels: int) -> str:
    """Return the message about weights that are not finite after the last step.

    Args:
        steps: The number of steps of the fit.
        config: How it trains.
        num_labels: The number of labels.
    """
    return f"the weights are not finite after all {steps} steps on {num_labels} labels; {_remedy(config)}"


def _remedy(config: TrainingConfig) -> str:
    return f"lower training.learning_rate (now {config.learning_rate:g}) or look for inputs that are not finite"
