"""Every protocol and record. READ FIRST: this is what the parts of lindley say to each other.

pool -> learner.fit(labels) -> posterior -> draws -> predictions [N, K, C] -> acquisition -> selection
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, final, runtime_checkable

import torch
from torch import Tensor

from lindley import information
from lindley.arrays import ArrayLike, as_whole_numbers
from lindley.errors import InputError
from lindley.shapes import ClassIndices, Features, LabelledFeatures, LabelledRows, LogProbs, Positions, Rows, Scores

T = TypeVar("T")

Inputs = Tensor | Mapping[str, Tensor] | Sequence[object]
"""What a model reads: images, tokens with their mask, raw text. The first axis is the row."""
Diagnostics = Mapping[str, float | int | str | bool | list[float]]
"""What a method says about its choice; JSON values only."""
Score = Callable[[LogProbs], Scores]
"""[n, K, C] -> [n]; a pointwise acquisition is just this."""


NO_CLASS = -1
"""What an oracle answers of a row that is of none of the task's classes: it is counted, and teaches nothing."""
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
        if self.descriptions and len(self.descriptions) != len(self.class_names):
            raise InputError(
                f"descriptions must be empty or one for each of the {len(self.class_names)} classes; got "
                f"{len(self.descriptions)}"
            )

    @property
    def num_classes(self) -> int:
        return len(self.class_names)


@dataclass(frozen=True)
class Regression:
    """A label is a number. Learners and acquisitions say in their specs which tasks they serve."""

    target_name: str


Task = Classification | Regression


@dataclass(frozen=True, init=False)
class Labels:
    """What has been told: unique rows and their classes (or NO_CLASS), in the order told.  [L], [L]

    >>> Labels([4, 2], [0, 1]).classes
    tensor([0, 1])
    """

    rows: Rows
    classes: ClassIndices

    def __init__(self, rows: ArrayLike, classes: ArrayLike) -> None:
        """Take whole numbers of any width, in tensors, NumPy arrays, lists or columns; classes may be booleans too.

        Raises InputError for floating point numbers, other shapes, and rows that come more than once.
        """
        object.__setattr__(self, "rows", as_whole_numbers(rows, "rows"))
        object.__setattr__(self, "classes", as_whole_numbers(classes, "classes", booleans=True))
        if self.rows.shape != self.classes.shape or self.rows.dim() != 1:
            raise InputError(f"rows and classes must be two [L]; got {[*self.rows.shape]} and {[*self.classes.shape]}")
        if self.rows.unique().numel() != self.rows.numel():
            values, counts = self.rows.unique(return_counts=True)
            raise InputError(f"rows labelled more than once: {values[counts > 1].tolist()[:10]}")

    def __len__(self) -> int:
        return self.rows.numel()

    def extended(self, rows: ArrayLike, classes: ArrayLike) -> Labels:
        """These labels and more, told after them."""
        more = Labels(rows, classes)
        return Labels(torch.cat([self.rows, more.rows]), torch.cat([self.classes, more.classes]))

    def with_class(self) -> Labels:
        """Those that teach: without the rows of which NO_CLASS was told."""
        known = self.classes != NO_CLASS
        return self if bool(known.all()) else Labels(self.rows[known], self.classes[known])


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
        return information.predictive_entropy(self.log_probs)

    def conditional_entropy(self) -> Scores:
        """Mean entropy of the label under a single draw, E_k H[y | x, θ_k].  [n] nats"""
        return information.conditional_entropy(self.log_probs)

    def bald(self) -> Scores:
        """Mutual information between label and draw, I[y; θ | x].  [n] nats"""
        return information.bald(self.log_probs)


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


@runtime_checkable
class Draws(Protocol):
    """K frozen functions: draw k is the same function for every row, chunk, worker and target."""

    id: str
    num_draws: int

    def log_probs(self, inputs: Inputs) -> LogProbs:
        """n inputs -> [n, K, C] nats."""
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
class Choosing(Protocol):
    """What a posterior is too whose fit had a choice: `setting` is what was chosen, a mapping where it has names."""

    @property
    def setting(self) -> object: ...


@runtime_checkable
class Telling(Protocol):
    """What draws are too that can be computed in more ways than one: `path` says in which, in a word."""

    @property
    def path(self) -> str: ...


@runtime_checkable
class Learner(Protocol):
    """Labels in, posterior out. Nothing of the caller's, and no global state, is changed."""

    def fit(
        self,
        pool: Pool,
        labels: Labels,
        *,
        task: Classification,
        validation: Labels | None = None,
        previous: Posterior | None = None,
        seed: int,
    ) -> Posterior: ...


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
