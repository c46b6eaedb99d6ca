"""Features of rows of a table: numbers scaled, categories one-hot, and missing values marked.

A column's kind is learnt from the pool: numbers where all its values are numbers (as text, too), dates where all are
ISO dates, true and false, and else categories.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version
from lindley.value_checks import check_whole_number

_MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null"})
"""Texts that mean that a value is missing, in any case."""
_TRUTH = {"true": 1.0, "false": 0.0}
_SECONDS_OF_A_DAY = 86_400
Cell = float | int | str | bool | None


@dataclass(frozen=True)
class TableFeatures:
    """Learns the columns of a table.

    A column of numbers or dates gives two features: the value less the mean, in standard deviations (a constant column
    gives 0), and whether it is missing; the first is then the mean. A column of true and false gives 1 and 0, and
    likewise. A column of categories gives one feature for each of its frequent values, one for all others, values that
    the pool does not have among them, and one for missing values.
    """

    columns: tuple[str, ...] = ()
    """The columns to read; all that the pool has, where none are named."""
    max_categories: int = 20
    """The largest number of values of a column that have a feature of their own, the most frequent ones."""
    fit_rows: int = 100_000
    """The largest number of rows from which it learns."""

    kind: ClassVar[Kind] = "rows"
    block_rows: ClassVar[int] = 5_000

    def __post_init__(self) -> None:
        check_whole_number("max_categories", self.max_categories, least=1)
        check_whole_number("fit_rows", self.fit_rows, least=1)
        if len(set(self.columns)) < len(self.columns):
            raise InputError(argument="columns", expected="each column once", got=self.columns)

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version("table", asdict(self), revision=1, packages=("numpy",))

    def fit(self, contents: Contents) -> LearntState:
        """Learn the kind, scale and values of each column."""
        rows = _parse_rows(contents)
        names = self.columns or tuple(dict.fromkeys(name for row in rows for name in row))
        unknown = [name for name in names if not any(name in row for row in rows)]
        if unknown or not names:
            known = sorted({name for row in rows for name in row})
            raise InputError(argument="columns", expected=f"among {known}", got=unknown)
        return LearntState(settings={"columns": [self._describe(name, _cells(rows, name)) for name in names]})

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        columns: Any = state.settings.get("columns")
        if not isinstance(columns, list) or not columns or not all(map(_is_description, columns)):
            raise InputError(argument="the columns of the state", expected="a list of columns", got=columns)

        def transform(contents: Contents) -> np.ndarray:
            rows = _parse_rows(contents)
            return np.concatenate([_encode(each, _cells(rows, each["name"])) for each in columns], axis=1)

        return transform

    def _describe(self, name: str, cells: Sequence[Cell]) -> dict[str, Any]:
        """Return what is known of a column: its kind, and its mean and deviation or its values."""
        there = [cell for cell in cells if cell is not None]
        for kind in ("truth", "number", "date") if there else ():
            values = [_NUMBER_OF[kind](cell) for cell in there]
            numbers = [value for value in values if value is not None]
            if len(numbers) == len(there):
                return {"name": name, "kind": kind, **_scale(numbers, kind)}
        counts = Counter(_category(cell) for cell in there)
        frequent = sorted(counts, key=lambda value: (-counts[value], value))[: self.max_categories]
        return {"name": name, "kind": "category", "values": sorted(frequent)}


def _parse_rows(contents: Contents) -> list[Mapping[str, Any]]:
    """Return rows as mappings. Raises InputError where one is neither a mapping nor the JSON of one."""
    rows: list[Any] = [_parse_row(each) for each in contents]
    wrong = [place for place, row in enumerate(rows) if not isinstance(row, Mapping)]
    if wrong:
        expected = "objects of JSON, from columns to values"
        raise InputError(argument="contents", expected=expected, got=contents[wrong[0]], rows=wrong)
    return rows


def _parse_row(content: Any) -> Any:
    try:
        return json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        return None


def _cells(rows: Sequence[Mapping[str, Any]], name: str) -> list[Cell]:
    """Return the values of a column, None where one is missing. Raises InputError for lists and objects."""
    cells = [row.get(name) for row in rows]
    wrong = [place for place, cell in enumerate(cells) if not isinstance(cell, float | int | str | bool | None)]
    if wrong:
        expected = "numbers, text, true or false"
        raise InputError(argument=f"the column {name!r}", expected=expected, got=cells[wrong[0]], rows=wrong)
    return [None if _is_missing(cell) else cell for cell in cells]


def _is_missing(cell: Cell) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in _MISSING
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _truth(cell: Cell) -> float | None:
    if isinstance(cell, bool):
        return float(cell)
    return _TRUTH.get(cell.strip().lower()) if isinstance(cell, str) else None


def _number(cell: Cell) -> float | None:
    try:
        value = float(cell)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) and not isinstance(cell, bool) else None


def _date(cell: Cell) -> float | None:
    """Return the days since 1970 of a date or time in ISO 8601; one without a zone counts as UTC."""
    try:
        time = datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else None
    except ValueError:
        return None
    if time is None:
        return None
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware.timestamp() / _SECONDS_OF_A_DAY


_NUMBER_OF = {"truth": _truth, "number": _number, "date": _date}
_EXPECTED = {"truth": "true or false", "number": "a finite number", "date": "a date in ISO 8601"}


def _category(cell: Cell) -> str:
    return cell if isinstance(cell, str) else json.dumps(cell)


def _scale(numbers: Sequence[float], kind: str) -> dict[str, float]:
    """Return the mean and the deviation of a column; true and false stay 1 and 0."""
    if kind == "truth":
        return {"mean": 0.0, "deviation": 1.0, "fill": float(np.mean(numbers))}
    values = np.asarray(numbers)
    largest = float(np.abs(values).max()) or 1.0  # the sum of squares of large numbers is beyond float64
    mean, deviation = (values / largest).mean() * largest, (values / largest).std() * largest
    constant = deviation <= 1e-12 * largest
    return {"mean": float(mean), "deviation": 1.0 if constant else float(deviation), "fill": float(mean)}


def _encode(column: Mapping[str, Any], cells: Sequence[Cell]) -> np.ndarray:
    """Return the features of one column.  n cells -> [n, d]"""
    missing = np.array([cell is None for cell in cells], dtype=bool)
    if column["kind"] == "category":
        places = {value: place for place, value in enumerate(column["values"])}
        others = len(places)
        found = [others + 1 if cell is None else places.get(_category(cell), others) for cell in cells]
        return np.eye(others + 2)[found]
    numbers = [column["fill"] if cell is None else _NUMBER_OF[column["kind"]](cell) for cell in cells]
    wrong = [place for place, number in enumerate(numbers) if number is None]
    if wrong:
        expected = f"{_EXPECTED[column['kind']]}, as in the pool, or empty"
        raise InputError(argument=f"the column {column['name']!r}", expected=expected, got=cells[wrong[0]], rows=wrong)
    scaled = (np.asarray(numbers, dtype=np.float64) - column["mean"]) / column["deviation"]
    return np.stack([scaled, missing], axis=1)


def _is_description(column: Any) -> bool:
    if not isinstance(column, dict) or not isinstance(column.get("name"), str):
        return False
    if column.get("kind") == "category":
        values = column.get("values")
        return isinstance(values, list) and all(isinstance(each, str) for each in values)
    numbers = [column.get(key) for key in ("mean", "deviation", "fill")]
    finite = all(isinstance(each, float) and math.isfinite(each) for each in numbers)
    return column.get("kind") in _NUMBER_OF and finite and column["deviation"] > 0
