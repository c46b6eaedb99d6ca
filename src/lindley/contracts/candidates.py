"""Candidates in their context, which an acquisition reads, and the selection that it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, final, runtime_checkable

from lindley.contracts.labels import Classification
from lindley.contracts.predictive import Predictive
from lindley.shapes import Features, LabelledFeatures, LabelledRows, LogProbs, Rows, Scores

T = TypeVar("T")

Diagnostics = Mapping[str, float | int | str | bool | list[float]]
"""A method's report about its selection; JSON values only."""
Score = Callable[[LogProbs], Scores]
"""A pointwise acquisition: the score of each row.  [n, K, C] -> [n]"""


FEATURE_PARTS = frozenset({"features", "labelled_features"})
"""The parts of a Context that are made of features: those of the candidates, and those of the labelled rows."""
OPTIONAL_PARTS = FEATURE_PARTS | {"targets"}
"""The optional parts of a Context; an acquisition says which of them it requires."""


@final
class Chunk:
    """Some rows of the candidates, with their predictions and features.

    >>> Chunk(torch.arange(2), Categorical(torch.full((2, 3, 2), 0.5).log())).predictive.num_draws
    3
    """

    def __init__(
        self,
        rows: Rows,
        predictive: Predictive | Callable[[], Predictive] | None = None,
        features: Features | Callable[[], Features] | None = None,
    ) -> None:
        """Store predictions and features, or functions that compute them when they are first read.

        Args:
            rows: The rows, [n].
            predictive: The predictions of these rows; None where there are none.
            features: The features of these rows, [n, D]; None where there are none.
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

    def with_features(self, features: Features) -> Chunk:
        """Return these rows with other features; the predictions are still computed when they are first read."""
        return Chunk(self.rows, self._predictive, features)


@runtime_checkable
class Candidates(Protocol):
    """Lazy predictions and features of some rows under some draws, which acquisitions read as often as they like."""

    @property
    def rows(self) -> Rows:
        """The rows, each once, in any order.  [N]"""
        ...

    @property
    def draws_id(self) -> str:
        """The id of the draws that predict."""
        ...

    @property
    def num_draws(self) -> int:
        """The number of draws, K; 0 where nothing is predicted."""
        ...

    def scan(self, function: Callable[[Chunk], T]) -> Iterator[T]:
        """Apply a function to every chunk, where the chunk is, and yield the results in any order.

        The function pickles. Its results carry their rows and are small: a few numbers for each row, a sum, or a
        shortlist of rows with their predictions and features.
        """
        ...

    def take(self, rows: Rows) -> Chunk:
        """Return the predictions and features of a few rows, in that order."""
        ...


@runtime_checkable
class ValidatesValues(Protocol):
    """Candidates that say whether their values are validated when they are read."""

    values_checked: bool


@dataclass(frozen=True)
class Context:
    """All that an acquisition may look at."""

    candidates: Candidates
    labelled: LabelledRows
    """The labelled rows, in the order of labelled_features."""
    task: Classification
    round: int = 0
    targets: Candidates | None = None
    """Predictions, under the same draws, of inputs like those on which the model will be used."""
    labelled_features: LabelledFeatures | None = None


@dataclass(frozen=True)
class Selection:
    """The rows to query, [B], in the order chosen, with the method's own scores (larger: queried first)."""

    rows: Rows
    scores: Scores
    diagnostics: Diagnostics = field(default_factory=dict)


@runtime_checkable
class Acquisition(Protocol):
    """Selects rows among the candidates of a context."""

    def __call__(self, context: Context, batch_size: int, *, seed: int) -> Selection:
        """Select a batch.

        Args:
            context: The candidates, and all else that an acquisition may look at.
            batch_size: The number of rows to select, B.
            seed: Seed of all that is random in the selection.
        """
        ...
