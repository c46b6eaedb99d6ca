"""Training data: inputs, the pool that holds them, and the labels of some of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from lindley.contracts.labels import Classification, Labels, Regression, Task
from lindley.errors import InputError
from lindley.information.layouts import SUM_TOLERANCE
from lindley.shapes import MeanLogProbs, Rows

Inputs = Tensor | Mapping[str, Tensor] | Sequence[object]
"""A model's inputs: images, tokens with their mask, raw text. The first axis is the row."""


@runtime_checkable
class Pool(Protocol):
    """Holds the inputs. Row i is the same input for ever."""

    def __len__(self) -> int: ...

    def read(self, rows: Rows) -> Inputs:
        """Return the inputs of some rows, in that order.  [n] -> n inputs"""
        ...


@dataclass(frozen=True)
class TrainingData:
    """All that a learner learns from, checked once.

    Raises:
        InputError: If labels do not belong to the task or to the pool, if a row has both a label and a validation
            label, or if the prior is not a distribution over the classes for each row.
    """

    pool: Pool
    labels: Labels
    task: Task
    validation: Labels | None = None
    """Labels that stop a fit early and are not fitted."""
    prior: MeanLogProbs | None = None
    """Log-probabilities, in nats, that a teacher gives each row of the pool, [N, C]."""

    def __post_init__(self) -> None:
        _check_kinds(self)
        for labels in (self.labels, self.validation):
            if labels is not None:
                self.task.check_labels(labels)
                self._check_rows(labels)
        if self.validation is not None:
            both = self.labels.rows.cpu()[torch.isin(self.labels.rows.cpu(), self.validation.rows.cpu())]
            if len(both):
                raise InputError(
                    "Leave these rows out of the labels or out of the validation labels.",
                    argument="validation",
                    expected="labels of other rows than those of labels",
                    rows=both.tolist(),
                )
        if self.prior is not None:
            self._check_prior(self.prior)

    @property
    def num_classes(self) -> int:
        """The number of classes, C. Raises InputError for a regression, which has none."""
        if not isinstance(self.task, Classification):
            raise InputError(
                argument="task", expected="a Classification, since a regression has no classes", got=self.task
            )
        return self.task.num_classes

    def _check_rows(self, labels: Labels) -> None:
        outside = labels.rows[(labels.rows < 0) | (labels.rows >= len(self.pool))]
        if len(outside):
            expected = f"labels of rows of the pool, 0 to {len(self.pool) - 1}"
            raise InputError(argument="labels", expected=expected, rows=outside.tolist())

    def _check_prior(self, prior: Tensor) -> None:
        expected = [len(self.pool), self.num_classes]
        if [*prior.shape] != expected or prior.dtype not in SUM_TOLERANCE:
            raise InputError(
                argument="prior",
                expected=f"[N, C] = {expected}, floating point, a line for each row of the pool",
                got=f"{[*prior.shape]} {prior.dtype}",
            )
        wrong = ~(prior.double().logsumexp(1).abs() <= SUM_TOLERANCE[prior.dtype])  # NaN too
        if bool(wrong.any()):
            raise InputError(
                "Use log_softmax(1) of logits, or log() of probabilities.",
                argument="prior",
                expected="log-probabilities that sum to one (as probabilities) over the classes",
                rows=wrong.nonzero()[:, 0].tolist(),
            )


def _check_kinds(data: TrainingData) -> None:
    wanted: dict[str, tuple[type, ...]] = {
        "pool": (Pool,),
        "labels": (Labels,),
        "task": (Classification, Regression),
        "validation": (Labels, type(None)),
        "prior": (Tensor, type(None)),
    }
    for name, kinds in wanted.items():
        if not isinstance(getattr(data, name), kinds):
            expected = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
            got = type(getattr(data, name)).__name__
            raise InputError(argument=name, expected=f"a {expected}", got=got)
