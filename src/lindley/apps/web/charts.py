"""The coordinates of the dashboard's charts; the template draws them as SVG.

All charts have coordinates in one unit, so that a template scales them to any width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from lindley.labelling.accuracy import Calibration
from lindley.labelling.learning_curve import CurvePoint

WIDTH, HEIGHT = 400, 240
"""The size of a chart."""
LEFT, RIGHT, TOP, BOTTOM = 40.0, 388.0, 10.0, 204.0
"""The edges of the area in which a chart draws its values."""
BAR = 200
"""The width of a bar that shows an interval."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A value and its interval, at x; in SVG, y grows downwards."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """Marks between two axes."""

    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    marks: Sequence[Mark]
    line: str
    """The points of the line through the marks."""
    band: str
    """The points of the area of the intervals."""


@dataclass(frozen=True)
class IntervalBar:
    """A value and its interval on a horizontal line."""

    low: float
    high: float
    value: float | None


def curve_chart(points: Sequence[CurvePoint]) -> Chart:
    """Return the chart of a learning curve: accuracy against labels."""
    most = max(1, *(each.num_labels for each in points))
    x_ticks = [Tick(_share_x(value / most), f"{value:,}") for value in round_steps(most)]
    marks = [
        Mark(_share_x(each.num_labels / most), share_y(each.share), share_y(each.low), share_y(each.high))
        for each in points
    ]
    return _chart(x_ticks, marks)


def reliability_chart(found: Calibration) -> Chart:
    """Return the reliability diagram: accuracy against confidence."""
    marks = [
        Mark(_share_x(each.confidence), share_y(each.share), share_y(each.low), share_y(each.high))
        for each in found.bins
    ]
    return _chart([Tick(_share_x(value / 100), str(value)) for value in range(0, 101, 20)], marks)


def interval_bar(low: float, high: float, value: float | None) -> IntervalBar:
    """Return a share and its interval on a line from 0 to 1.

    Args:
        low: The lower end of the interval.
        high: The upper end.
        value: The share; None: there is none.
    """
    return IntervalBar(round(BAR * low, 1), round(BAR * high, 1), None if value is None else round(BAR * value, 1))


def share_y(share: float) -> float:
    """Return the y of a share."""
    return round(BOTTOM + share * (TOP - BOTTOM), 1)


def round_steps(most: int, num_steps: int = 5) -> list[int]:
    """Return multiples of a round number from 0 to at most `most`, at most `num_steps` of them after 0.

    >>> round_steps(300), round_steps(12), round_steps(0)
    ([0, 100, 200, 300], [0, 5, 10], [0])
    """
    steps = (factor * 10**power for power in count() for factor in (1, 2, 5))
    step = next(step for step in steps if num_steps * step >= most)
    return [*range(0, most + 1, step)]


def _share_x(share: float) -> float:
    """Return the x of a share of the axis."""
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _chart(x_ticks: Sequence[Tick], marks: Sequence[Mark]) -> Chart:
    y_ticks = [Tick(share_y(value / 100), str(value)) for value in range(0, 101, 20)]
    upper = [f"{each.x},{each.high}" for each in marks]
    lower = [f"{each.x},{each.low}" for each in reversed(marks)]
    line = " ".join(f"{each.x},{each.y}" for each in marks)
    return Chart(x_ticks, y_ticks, marks, line, " ".join([*upper, *lower]))
