"""What is known of an acquisition before it runs. Nothing heavy is imported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lindley.contracts import Acquisition

Access = Literal["rows", "scores", "greedy", "passes", "sums", "subset"]
Unit = Literal["", "log C", "1 - 1/C", "N"]


@dataclass(frozen=True)
class NoOptions:
    """The options of an acquisition that has none."""


@dataclass(frozen=True)
class AcquisitionSpec:
    """One acquisition: its properties, which are known before it runs."""

    name: str
    path: str
    """The import path of the acquisition, "package.module:name"; with a scorer, of the function that takes it."""
    title: str
    """Its name in sentences and tables."""
    reference: str
    """Where it was published."""
    access: Access
    """How it reads the pool. "rows": the rows alone. "scores": one scan, which brings back a number for each row.
    "greedy": such a scan, and then a few rows at a time by `take`. "passes": a scan for each pick. "sums": passes, some
    of which bring back sums [C·D, C·D] over the rows. "subset": a seeded subset of the rows by `take`, and no scan."""
    bounds: tuple[float, float]
    """The least and the largest score, in units of `unit`."""
    unit: Unit = ""
    """The unit of `bounds`, for C classes and N candidates."""
    scorer: str = ""
    """The import path of the scorer of single rows; with a score, of the function that takes it."""
    score: str = ""
    """The import path of the score of single rows, [n, K, C] -> [n]."""
    options: type[Any] = NoOptions
    """The dataclass of its options, which refuses wrong values: names, types and defaults."""
    requires: frozenset[str] = frozenset()
    """Optional parts of the Context that it cannot do without, of `contracts.OPTIONAL_PARTS`."""
    requires_with: Mapping[tuple[str, object], frozenset[str]] = field(default_factory=dict)
    """Further parts that it cannot do without, by an option and its value."""
    tasks: tuple[str, ...] = ("classification",)
    joint: bool = False
    """Whether a batch is chosen together: the worth of a row depends on those picked before."""
    exact: bool = True
    """Whether another order or another grid of chunks leads to the same rows. Where rows are compared on sampled
    configurations, it may lead to others, worth the same within the noise."""
    descending: bool = True
    """Whether scores fall in the order in which rows are chosen."""
    prediction_free: bool = False
    """Whether it reads no predictions of the candidates, so that it can be used before there is a model."""
    stochastic: bool = False
    """Whether rows are drawn by weights of a score of single rows."""
    disagreement_based: bool = False
    """Whether it compares draws, so that all its scores are 0 where these agree."""

    @cached_property
    def acquisition(self) -> Acquisition:
        """The acquisition, imported when it is first used."""
        paths = [path for path in (self.score, self.scorer, self.path) if path]
        found: Any = resolve_name(paths[0])
        for path in paths[1:]:
            found = resolve_name(path)(found)
        acquisition: Acquisition = found
        return acquisition

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(each.name for each in fields(self.options))

    def requirements(self, options: Mapping[str, object]) -> frozenset[str]:
        """Return the parts of the Context that it cannot do without under these options."""
        more = [required for (name, value), required in self.requires_with.items() if options.get(name) == value]
        return self.requires.union(*more)

    def score_bounds(self, *, num_rows: int, num_classes: int) -> tuple[float, float]:
        """Return the least and the largest score that N candidates and C classes allow."""
        units = {"": 1.0, "log C": math.log(num_classes), "1 - 1/C": 1 - 1 / num_classes, "N": float(num_rows)}
        low, high = self.bounds
        return low * units[self.unit], high * units[self.unit]
