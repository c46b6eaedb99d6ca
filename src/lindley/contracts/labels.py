"""Labels, and the task that says which values they may have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers, name_rows
from lindley.errors import InputError
from lindley.shapes import LabelValues, Positions, Rows, SampleWeights


@dataclass(frozen=True, init=False)
class Labels:
    """Labelled rows, each once, in their order, with a value and a weight for each.

    >>> Labels([4, 2], [0, 1]).values
    tensor([0, 1])
    """

    rows: Rows
    values: LabelValues
    """Classes (int64), or the targets of a regression (floating point)."""
    sample_weight: SampleWeights | None = None
    """How many labels each row counts for; None: one each."""

    def __init__(self, rows: ArrayLike, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Store labels that are given as tensors, NumPy arrays, lists or columns.

        Args:
            rows: [L] whole numbers of any width, all different.
            values: [L] whole numbers or booleans, the classes; or finite floating point numbers, the targets.
            sample_weight: [L] positive, finite floating point numbers, or None.

        Raises:
            InputError: If they are other numbers, of other shapes, or if a row comes more than once.
        """
        object.__setattr__(self, "rows", as_whole_numbers(rows, "rows"))
        with name_rows(self.rows):
            object.__setattr__(self, "values", _label_values(values))
        if self.rows.shape != self.values.shape or self.rows.dim() != 1:
            shapes = [[*self.rows.shape], [*self.values.shape]]
            raise InputError(argument="rows and values", expected="two [L]", got=shapes)
        if self.rows.unique().numel() != self.rows.numel():
            known, counts = self.rows.unique(return_counts=True)
            raise InputError(argument="rows", expected="labelled once each", rows=known[counts > 1].tolist())
        self._refuse_where(~self.values.isfinite(), "values", "finite")
        weights = None if sample_weight is None else self._read_weights(sample_weight)
        object.__setattr__(self, "sample_weight", weights)

    def __len__(self) -> int:
        return self.rows.numel()

    def take(self, positions: Positions) -> Labels:
        """Return the labels at some positions, in that order."""
        weights = None if self.sample_weight is None else self.sample_weight[positions]
        return Labels(self.rows[positions], self.values[positions], weights)

    def concatenate(self, rows: ArrayLike, values: ArrayLike, sample_weight: ArrayLike | None = None) -> Labels:
        """Return these labels and others after them; where only some have weights, the others weigh 1.

        Args:
            rows: [M] other rows than these.
            values: [M] of the same kind as these, classes or targets.
            sample_weight: [M], or None.

        Raises:
            InputError: If the others are no labels, repeat a row of these, or would mix classes and targets.
        """
        more = Labels(rows, values, sample_weight)
        if len(self) and len(more) and self.values.is_floating_point() != more.values.is_floating_point():
            raise InputError(
                argument="values",
                expected=f"of the same kind, all classes or all targets ({self.values.dtype})",
                got=more.values.dtype,
            )
        parts = [each for each in (self, more) if len(each)] or [self]  # an empty list has no kind of values
        given = [each.sample_weight for each in parts if each.sample_weight is not None]
        weights = [
            given[0].new_ones(len(each)) if each.sample_weight is None else each.sample_weight
            for each in parts
            if given
        ]
        return Labels(
            torch.cat([each.rows for each in parts]),
            torch.cat([each.values for each in parts]),
            torch.cat(weights) if given else None,
        )

    def _read_weights(self, sample_weight: ArrayLike) -> Tensor:
        with name_rows(self.rows):
            weights = as_tensor(sample_weight, "sample_weight", floats=True)
        if weights.shape != self.rows.shape:
            raise InputError(
                "Leave it out where all labels count the same.",
                argument="sample_weight",
                expected=f"[{len(self)}], one for each label",
                got=[*weights.shape],
            )
        self._refuse_where(~((weights > 0) & weights.isfinite()), "sample_weight", "positive and finite")
        return weights

    def _refuse_where(self, bad: Tensor, name: str, expected: str) -> None:
        if bool(bad.any()):
            rows = self.rows[bad.to(self.rows.device)].tolist()
            raise InputError("Leave these labels out, or correct them.", argument=name, expected=expected, rows=rows)


def _label_values(values: ArrayLike) -> Tensor:
    """Return floating point numbers as they are, and all others as int64."""
    numbers = as_tensor(values, "values")
    targets = numbers.is_floating_point() and numbers.numel() > 0  # an empty list is one of floats
    return numbers if targets else as_whole_numbers(numbers, "values", booleans=True)


@dataclass(frozen=True)
class Classification:
    """The classes that a label may name; some of them may not have been seen yet."""

    class_names: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    """Explains each class to the person who labels; empty, or one for each class."""

    def __post_init__(self) -> None:
        if len(self.class_names) < 2:
            raise InputError(argument="class_names", expected="at least 2 names", got=self.class_names)
        if blank := [name for name in self.class_names if not str(name).strip()]:
            raise InputError(argument="class_names", expected="names that are not blank", got=blank[0])
        if len(set(self.class_names)) != len(self.class_names):
            raise InputError(argument="class_names", expected="different from each other", got=self.class_names)
        if self.descriptions and len(self.descriptions) != len(self.class_names):
            raise InputError(
                argument="descriptions",
                expected=f"empty, or one for each of the {len(self.class_names)} classes",
                got=self.descriptions,
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def check_labels(self, labels: Labels) -> None:
        """Raise InputError, naming the first such row, unless every value is one of the classes."""
        values = labels.values
        if values.is_floating_point():
            raise InputError(
                "Convert them, if they are whole, or give the task Regression(target_name).",
                argument="values",
                expected="whole numbers, the classes",
                got=values.dtype,
            )
        unknown = (values < 0) | (values >= self.num_classes)
        if bool(unknown.any()):
            raise InputError(
                argument="values",
                expected=f"classes from 0 to {self.num_classes - 1}",
                got=values[unknown].unique().tolist(),
                rows=labels.rows[unknown.to(labels.rows.device)].tolist(),
            )


@dataclass(frozen=True)
class Regression:
    """A label is a number. The specs of learners and acquisitions say which tasks they serve."""

    target_name: str

    def check_labels(self, labels: Labels) -> None:
        """Raise InputError unless the values are floating point numbers."""
        if len(labels) and not labels.values.is_floating_point():
            raise InputError(
                "Convert them, or give the task Classification(class_names).",
                argument="values",
                expected="floating point numbers, the targets",
                got=labels.values.dtype,
            )


Task = Classification | Regression
