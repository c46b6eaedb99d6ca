"""The catalogue of metrics. Adding one is a function in this folder and an entry here; nothing heavy is imported.

Trials, tables, comparisons and figures read the entries. A journal from before a metric was added lacks it, and no
report of this journal shows it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

Prediction = Literal["average", "point", "draws"]
Place = Literal["table", "comparison", "curves"]


@dataclass(frozen=True)
class Unit:
    """The unit in which the values of a metric are written."""

    name: str
    scale: float
    """The factor from natural units to this unit."""
    digits: int
    """Number of digits after the point."""


PERCENT = Unit("%", 100.0, 2)
POINTS = Unit("points", 100.0, 2)
BITS = Unit("bits", 1 / math.log(2), 3)
NUMBER = Unit("", 1.0, 3)


@dataclass(frozen=True)
class MetricSpec:
    """One metric of a test set: its definition, its function and its appearance."""

    name: str
    """Its key among the metrics of a round."""
    path: str
    """The import path of its function, "package.module:name"."""
    title: str
    """Its name in sentences and tables."""
    unit: Unit
    better: Literal["higher", "lower"]
    reference: str = ""
    """Where it was published; nothing for what every textbook has."""
    bounds: tuple[float, float] = (0.0, 1.0)
    """The least and the largest value, in natural units (shares in [0, 1], nats)."""
    prediction: Prediction = "average"
    """The arguments of the function. "average" and "point": log-probabilities [T, C] of the average over the draws, or
    of the single prediction without dropout, and the true classes [T]. "draws": log-probabilities [T, K] of the true
    classes under each draw."""
    per_class: bool = False
    """Whether it is a list with a value, or None, for each class."""
    min_rows: int = 1
    """Test rows below which it is not measured."""
    tasks: tuple[str, ...] = ("classification",)
    places: tuple[Place, ...] = ("table",)
    """Its places in a report: the table of the last round, the comparison with the reference, the learning curves."""
    axis: Literal["linear", "logarithmic", "stretched"] = "linear"
    """The scale of its axis in figures. "stretched": the distance from the best value is logarithmic."""
    axis_title: str = ""
    """The title of its axis, without the unit; its title where there is none."""
    column: str = ""
    """The heading of its column in the table of the last round; its title and unit where there is none."""

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.better == "higher" else -1

    @property
    def column_title(self) -> str:
        """The heading of its column, with the unit."""
        return self.column or f"{self.title} {self.unit.name}".strip()

    @property
    def axis_label(self) -> str:
        """The label of its axis, with the unit in brackets."""
        unit = f" ({self.unit.name})" if self.unit.name else ""
        return f"{self.axis_title or self.title}{unit}"

    def compute(self, *arguments: Any) -> Any:
        """Return its value in natural units; the arguments are those that `prediction` says."""
        return resolve_name(self.path)(*arguments)

    def format_value(self, value: float) -> str:
        """Return a value as text in its unit, without the name of the unit."""
        return f"{self.unit.scale * value:.{self.unit.digits}f}".replace("inf", "∞")


_SPECS = (
    MetricSpec(
        "accuracy",
        "lindley.measures.scores:accuracy",
        "accuracy",
        PERCENT,
        "higher",
        places=("table", "comparison", "curves"),
        axis="stretched",
        axis_title="test accuracy",
    ),
    MetricSpec(
        "accuracy_point",
        "lindley.measures.scores:accuracy",
        "accuracy, dropout off",
        PERCENT,
        "higher",
        prediction="point",
        axis="stretched",
        column="dropout off %",
    ),
    MetricSpec(
        "nll",
        "lindley.measures.scores:nll",
        "NLL",
        BITS,
        "lower",
        reference="Good 1952, Journal of the Royal Statistical Society B 14(1)",
        bounds=(0.0, math.inf),
        places=("table", "comparison", "curves"),
        axis="logarithmic",
        axis_title="negative log-likelihood",
    ),
    MetricSpec(
        "nll_point",
        "lindley.measures.scores:nll",
        "NLL, dropout off",
        BITS,
        "lower",
        bounds=(0.0, math.inf),
        prediction="point",
        axis="logarithmic",
        column="NLL dropout off, bits",
    ),
    MetricSpec(
        "joint_nll",
        "lindley.measures.joint:joint_nll",
        "joint NLL",
        BITS,
        "lower",
        reference="Wen et al. 2021, arXiv:2107.09224; Osband et al. 2022, arXiv:2110.04629",
        bounds=(0.0, math.inf),
        prediction="draws",
        min_rows=10,
        axis="logarithmic",
    ),
    MetricSpec(
        "brier",
        "lindley.measures.scores:brier",
        "Brier score",
        NUMBER,
        "lower",
        reference="Brier 1950, Monthly Weather Review 78(1)",
        bounds=(0.0, 2.0),
        places=("table", "comparison"),
        column="Brier",
    ),
    MetricSpec(
        "ece",
        "lindley.measures.calibration:expected_calibration_error",
        "ECE",
        POINTS,
        "lower",
        reference="Guo et al. 2017, arXiv:1706.04599",
        places=("table", "curves"),
        axis_title="expected calibration error",
    ),
    MetricSpec(
        "adaptive_ece",
        "lindley.measures.calibration:adaptive_calibration_error",
        "adaptive ECE",
        POINTS,
        "lower",
        reference="Nguyen and O'Connor 2015, arXiv:1508.05154; Nixon et al. 2019, arXiv:1904.01685",
        axis_title="adaptive calibration error",
    ),
    MetricSpec(
        "recall",
        "lindley.measures.scores:class_recalls",
        "recall",
        PERCENT,
        "higher",
        per_class=True,
        places=(),
    ),
)
METRICS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}
"""In the order of the columns of tables."""


def metrics_at(place: Place) -> list[MetricSpec]:
    """Return the metrics that a report shows in a place, in the order of the catalogue."""
    return [spec for spec in METRICS.values() if place in spec.places]
