"""Every protocol and record. READ FIRST: this is what the parts of lindley say to each other.

pool -> learner.fit(data) -> posterior -> draws -> predictions [N, K, C] -> acquisition -> selection
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, final, runtime_checkable

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.errors import InputError
from lindley.information.entropy import bald, conditional_entropy, predictive_entropy
from lindley.information.layouts import SUM_TOLERANCE
from lindley.shapes import (
    Features,
    LabelledFeatures,
    LabelledRows,
    LabelValues,
    LogProbs,
    MeanLogProbs,
    Positions,
    Rows,
    SampleWeights,
    Scores,
)

T = TypeVar("T")

Inputs = Tensor | Mapping[str, Tensor] | Sequence[object]
"""What a model reads: images, tokens with their mask, raw text. The first axis is the row."""
Diagnostics = Mapping[str, float | int | str | bool | list[float]]
"""What a method says about its choice; JSON values only."""
Score = Callable[[LogProbs], Scores]
"""[n, K, C] -> [n]; a pointwise acquisition is just this."""


FEATURES = frozenset({"features", "labelled_features"})
"""What of a Context comes from features, a model's or those of a file: of the candidates, and of the labelled rows."""
NEEDS = FEATURES | {"targets"}
"""The optional parts of a Context: what an acquisition may say that it cannot do without."""


@runtime_checkable
class Pool(Protocol):
    """Where inputs live. Row i is the same input for ever."""

    def __len__(self) -> int: ...

    def read(self, rows: Rows) -> Inputs:
        """[n] rows -> n inputs, in that order."""
        ...


@dataclass(frozen=True)
class Classification:
    """The classes that a label may name; some of them may not have been seen yet."""

    class_names: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    """What a person reads of each class while labelling; empty, or one for each class."""

    def __post_init__(self) -> None:
        if len(self.class_names) < 2:
            raise InputError(f"a classification task needs at least 2 classes; got {list(self.class_names)}")
        if len(set(self.class_names)) != len(self.class_names):
            raise InputError(f"the names of classes must differ; got {list(self.class_names)}")
        if self.descriptions and len(self.descriptions) != len(self.class_names):
            raise InputError(
                f"descriptions must be empty or one for each of the {len(self.class_names)} classes; got "
                f"{len(self.descriptions)}"
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def check_labels(self, labels: Labels) -> None:
        """Raise InputError, naming the first such row, unless every value is one of the classes."""
        values = labels.values
        if values.is_floating_point():
            raise InputError(
                f"the values of a classification's labels must be whole numbers, the classes; got {values.dtype}. "
                "Convert them, if they are whole, or give the task Regression(target_name)."
            )
        unknown = (values < 0) | (values >= self.num_classes)
        if bool(unknown.any()):
            row, value = labels.rows[unknown][0].item(), values[unknown][0].item()
            raise InputError(f"row {row} has class {value}; the classes are 0 to {self.num_classes - 1}")


@dataclass(frozen=True)
class Regression:
    """A label is a number. Learners and acquisitions say in their specs which tasks they serve."""

    target_name: str

    def check_labels(self, labels: Labels) -> None:
        """Raise InputError unless the values are floating point numbers."""
        if len(labels) and not labels.values.is_floating_point():
            raise InputError(
                f"the values of a regression's labels must be floating point numbers, the targets; got "
                f"{labels.values.dtype}. Convert them, or give the task Classification(class_names)."
            )


Task = Classification | Regression


@dataclass(frozen=True, init=False)
class Labels:
    """Labelled rows, each once, with a value and a weight for each, in the order in which they were labelled.

    >>> Labels([4, 2], [0, 1]).values
    tensor([0, 1])
    """

    rows: Rows
    values: LabelValues
    """Classes (int64), or the targets of a regression (floating point)."""
    sample_weight: SampleWeights | None = None
    """How many labels each counts for; None: one each."""

    def __init__(self, rows: ArrayLike, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take numbers in tensors, NumPy arrays, lists or columns.

        Args:
            rows: [L] whole numbers of any width, all different.
            values: [L] whole numbers or booleans, the classes; or finite floating point numbers, the targets.
            sample_weight: [L] positive, finite floating point numbers, or None.

        Raises:
            InputError: If they are other numbers, of other shapes, or if a row comes more than once.
        """
        object.__setattr__(self, "rows", as_whole_numbers(rows, "rows"))
        object.__setattr__(self, "values", _label_values(values))
        if self.rows.shape != self.values.shape or self.rows.dim() != 1:
            raise InputError(f"rows and values must be two [L]; got {[*self.rows.shape]} and {[*self.values.shape]}")
        if self.rows.unique().numel() != self.rows.numel():
            known, counts = self.rows.unique(return_counts=True)
            raise InputError(f"rows labelled more than once: {known[counts > 1].tolist()[:10]}")
        self._refuse_where(~self.values.isfinite(), "values must be finite")
        object.__setattr__(self, "sample_weight", None if sample_weight is None else self._checked(sample_weight))

    def __len__(self) -> int:
        return self.rows.numel()

    def take(self, positions: Positions) -> Labels:
        """Return some of these labels, by their places, in that order."""
        weights = None if self.sample_weight is None else self.sample_weight[positions]
        return Labels(self.rows[positions], self.values[positions], weights)

    def extended(self, rows: ArrayLike, values: ArrayLike, sample_weight: ArrayLike | None = None) -> Labels:
        """Return these labels and more, told after them; where only some have weights, the others weigh 1.

        Args:
            rows: [M] other rows than these.
            values: [M] of the same kind as these, classes or targets.
            sample_weight: [M], or None.

        Raises:
            InputError: As for new labels, and where classes and targets would be mixed.
        """
        more = Labels(rows, values, sample_weight)
        if len(self) and len(more) and self.values.is_floating_point() != more.values.is_floating_point():
            raise InputError(
                f"values must all be classes or all be targets; got {more.values.dtype} after {self.values.dtype}"
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

    def _checked(self, sample_weight: ArrayLike) -> Tensor:
        weights = as_tensor(sample_weight, "sample_weight", floats=True)
        if weights.shape != self.rows.shape:
            raise InputError(
                f"sample_weight must be [{len(self)}], one for each label; got {[*weights.shape]}. Leave it out where "
                "all labels count the same."
            )
        bad = ~((weights > 0) & weights.isfinite())
        self._refuse_where(bad, "sample_weight must be positive and finite")
        return weights

    def _refuse_where(self, bad: Tensor, sentence: str) -> None:
        if bool(bad.any()):
            rows = self.rows[bad.to(self.rows.device)][:10].tolist()
            raise InputError(f"{sentence}; those of the rows {rows} are not. Leave these labels out, or correct them.")


def _label_values(values: ArrayLike) -> Tensor:
    """Floating point numbers as they are, and all others as int64."""
    numbers = as_tensor(values, "values")
    targets = numbers.is_floating_point() and numbers.numel() > 0  # an empty list is one of floats
    return numbers if targets else as_whole_numbers(numbers, "values", booleans=True)


@dataclass(frozen=True)
class TrainingData:
    """All that a learner learns from, checked once.

    Raises InputError for labels that do not belong to the task or to the pool, for validation labels of rows that are
    labelled too, and for a prior that is no distribution over the classes for each row.
    """

    pool: Pool
    labels: Labels
    task: Task
    validation: Labels | None = None
    """Labels that stop a fit early and are not fitted."""
    prior: MeanLogProbs | None = None
    """[N, C] log-probabilities, in nats, that a teacher gives each row of the pool."""

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
                    f"validation labels must be of other rows than the labels; both have {both[:10].tolist()}. Leave "
                    "these rows out of one of them."
                )
        if self.prior is not None:
            self._check_prior(self.prior)

    @property
    def num_classes(self) -> int:
        """C. Raises InputError for a regression, which has none."""
        if not isinstance(self.task, Classification):
            raise InputError(f"a regression has no classes; its task is {self.task}")
        return self.task.num_classes

    def _check_rows(self, labels: Labels) -> None:
        outside = labels.rows[(labels.rows < 0) | (labels.rows >= len(self.pool))]
        if len(outside):
            raise InputError(
                f"labels must be of rows of the pool, 0 to {len(self.pool) - 1}; got {outside[:10].tolist()}"
            )

    def _check_prior(self, prior: Tensor) -> None:
        expected = [len(self.pool), self.num_classes]
        if [*prior.shape] != expected or prior.dtype not in SUM_TOLERANCE:
            raise InputError(
                f"prior must be [N, C] = {expected}, floating point, a line for each row of the pool; got "
                f"{[*prior.shape]} {prior.dtype}"
            )
        wrong = ~(prior.double().logsumexp(1).abs() <= SUM_TOLERANCE[prior.dtype])  # NaN too
        if bool(wrong.any()):
            rows = wrong.nonzero()[:10, 0].tolist()
            raise InputError(
                f"prior must be log-probabilities whose sum over the classes is one; in the rows {rows} they are not. "
                "Use log_softmax(1) of logits, or log() of probabilities."
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
            raise InputError(f"{name} must be a {expected}; got {type(getattr(data, name)).__name__}")


@dataclass(frozen=True)
class Categorical:
    """Predictions of classes: log-probabilities of n inputs under K draws for C classes.  [n, K, C] nats"""

    log_probs: LogProbs

    def __len__(self) -> int:
        return len(self.log_probs)

    @property
    def num_draws(self) -> int:
        """K."""
        return self.log_probs.shape[1]

    def take(self, positions: Positions) -> Categorical:
        """Return the predictions of some of the inputs, in that order."""
        return Categorical(self.log_probs[positions.to(self.log_probs.device)])

    def entropy(self) -> Scores:
        """Entropy of the label under the average of the draws, H[y | x].  [n] nats"""
        return predictive_entropy(self.log_probs)

    def conditional_entropy(self) -> Scores:
        """Mean entropy of the label under a single draw, E_k H[y | x, θ_k].  [n] nats"""
        return conditional_entropy(self.log_probs)

    def bald(self) -> Scores:
        """Mutual information between label and draw, I[y; θ | x].  [n] nats"""
        return bald(self.log_probs)


@dataclass(frozen=True)
class Gaussian:
    """Predictions of a number: its mean and variance for n inputs under K draws.  [n, K] each"""

    mean: Tensor
    variance: Tensor

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def num_draws(self) -> int:
        """K."""
        return self.mean.shape[1]

    def take(self, positions: Positions) -> Gaussian:
        """Return the predictions of some of the inputs, in that order."""
        positions = positions.to(self.mean.device)
        return Gaussian(self.mean[positions], self.variance[positions])

    def conditional_entropy(self) -> Scores:
        """Mean differential entropy of the label under a single draw, E_k ½ log(2πe σ_k²).  [n] nats"""
        return 0.5 * (2 * math.pi * math.e * self.variance).log().mean(1)


Predictive = Categorical | Gaussian
"""Used by its methods, never told apart by isinstance: a later task is one more of these."""


def as_categorical(predictive: object) -> Categorical:
    """Return what draws predicted, where only predictions of classes will do. Raises InputError for anything else."""
    if not isinstance(predictive, Categorical):
        raise InputError(
            "draws.predict must return a lindley.contracts.Categorical(log_probs), with log_probs [n, K, C] in nats; "
            f"got {type(predictive).__name__}"
        )
    return predictive


@runtime_checkable
class Draws(Protocol):
    """K frozen functions: draw k is the same function for every row, chunk, worker and target."""

    id: str
    num_draws: int

    def predict(self, inputs: Inputs) -> Predictive:
        """Predict n inputs under each of the K functions."""
        ...


@runtime_checkable
class Posterior(Protocol):
    """What a fit leaves: a distribution over functions."""

    def draw(self, num_draws: int, *, seed: int) -> Draws: ...

    def point(self) -> Draws | None:
        """The usual single prediction (for MC dropout: dropout off) as one draw; None where there is none."""
        ...


@runtime_checkable
class FeatureExtractor(Protocol):
    """What a posterior is too where its model has features: one vector per input, dropout off."""

    def features(self, inputs: Inputs) -> Features:
        """n inputs -> [n, D]."""
        ...


@runtime_checkable
class HasHyperparameters(Protocol):
    """What a posterior is too whose fit had a choice: `setting` is what was chosen, a mapping where it has names."""

    @property
    def setting(self) -> object: ...


@runtime_checkable
class HasComputePath(Protocol):
    """What draws are too that can be computed in more ways than one: `path` says in which, in a word."""

    @property
    def path(self) -> str: ...


@runtime_checkable
class Learner(Protocol):
    """Training data in, posterior out. Nothing of the caller's, and no global state, is changed."""

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> Posterior:
        """Fit a posterior.

        Args:
            data: The pool, its labels and the task. What a learner cannot use of it, it refuses by name.
            previous: The posterior of an earlier fit, from which a learner may begin. One that begins from scratch
                takes no notice of it; its own `fit` says so.
            seed: Seed of all that is random in the fit.
        """
        ...


@final
class Chunk:
    """Some rows of the candidates, with what is known of them.

    >>> Chunk(torch.arange(2), Categorical(torch.full((2, 3, 2), 0.5).log())).predictive.num_draws
    3
    """

    def __init__(
        self,
        rows: Rows,
        predictive: Predictive | Callable[[], Predictive] | None = None,
        features: Features | Callable[[], Features] | None = None,
    ) -> None:
        """Take what is known, or functions that compute it when it is first read.

        Args:
            rows: [n].
            predictive: The predictions of these rows; None where there are none.
            features: [n, D]; None where there are none.
        """
        self.rows = rows
        self._predictive = predictive
        self._features = features

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def predictive(self) -> Predictive | None:
        """The predictions of these rows, [n, K, ...]; None where there are none."""
        if callable(self._predictive):
            self._predictive = self._predictive()
        return self._predictive

    @property
    def features(self) -> Features | None:
        """The features of these rows, [n, D]; None where there are none."""
        if callable(self._features):
            self._features = self._features()
        return self._features


@runtime_checkable
class Candidates(Protocol):
    """Lazy predictions and features of some rows under some draws, re-readable: what acquisitions read."""

    @property
    def rows(self) -> Rows:
        """The rows, each once, in any order.  [N]"""
        ...

    @property
    def draws_id(self) -> str:
        """The id of the draws that the predictions are of."""
        ...

    @property
    def num_draws(self) -> int:
        """K; 0 where nothing is predicted."""
        ...

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, where the chunk is, and yield the results in any order.

        The function pickles. Its results carry the rows that they are of, and are small: a few numbers for each row, a
        sum, or a shortlist of rows with what is known of them.
        """
        ...

    def take(self, rows: Rows) -> Chunk:
        """Return what is known of a few rows, in that order."""
        ...


@runtime_checkable
class SelfChecking(Protocol):
    """What candidates are too that know whether their values are checked as they are read."""

    values_checked: bool


@dataclass(frozen=True)
class Context:
    """All that an acquisition may look at."""

    candidates: Candidates
    labelled: LabelledRows
    """The rows that are labelled already, in the order of labelled_features."""
    task: Classification
    round: int = 0
    targets: Candidates | None = None
    """Predictions, under the same draws, of inputs like those that the model will be used on."""
    labelled_features: LabelledFeatures | None = None


@dataclass(frozen=True)
class Selection:
    """What to ask: [B] rows in the order chosen, with the method's own score (larger = asked first)."""

    rows: Rows
    scores: Scores
    diagnostics: Diagnostics = field(default_factory=dict)


@runtime_checkable
class Acquisition(Protocol):
    """Candidates -> selection."""

    def __call__(self, context: Context, batch_size: int, *, seed: int) -> Selection: ...
