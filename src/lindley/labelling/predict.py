"""Predictions of rows, with the set of classes that the model cannot tell apart, beside people's labels.

Rows are read, predicted and written block by block. A prediction never takes the place of a label.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lindley.labelling.export.columns import (
    IDENTITY,
    LABEL,
    PROBABILITY,
    REASON,
    content_values,
    id_column,
    prediction_columns,
    source_columns,
)
from lindley.labelling.export.lines import LineReader
from lindley.labelling.model import ProjectModel, load_model
from lindley.labelling.prediction_sets import ConformalSets, calibrate_sets, min_labels
from lindley.labelling.project import Project
from lindley.labelling.records import Found, Item, Unreadable
from lindley.labelling.snapshot import take_snapshot
from lindley.labelling.sources.open_source import Source

COVERAGE = 0.9
"""The probability with which a set holds the true class."""
_BLOCK = 1000
Row = dict[str, Any]


class Predictor:
    """Predicts with the newest model of a project.

    Args:
        project: The project.
        coverage: The probability with which a set of classes shall hold the true one.

    Raises:
        InputError: If there is no model yet, or the coverage is not between 0 and 1.
    """

    def __init__(self, project: Project, *, coverage: float = COVERAGE) -> None:
        self._project = project
        self.model: ProjectModel = load_model(project)
        self.probs = self._item_probs()
        """The probabilities of all items of the project, [N, C]."""
        self._coverage = coverage
        self.sets, self.num_test_labels = self._calibrate(coverage)
        """The rule for prediction sets; None while there are too few test labels."""

    @property
    def columns(self) -> dict[str, type]:
        """The columns of a prediction."""
        return prediction_columns(self.model.class_names)

    def describe_sets(self) -> str:
        """Return the coverage of the prediction sets, or why there are none, in a sentence or two."""
        count, coverage = self.num_test_labels, f"{100 * self._coverage:.4g} %"
        if self.sets is None:
            required = min_labels(self._coverage)
            return (
                f"No prediction sets: a coverage of {coverage} takes {required} test labels, and there are {count}. "
                "Label more, or lower --coverage."
            )
        low, high = (f"{100 * end:.0f}" for end in self.sets.range())
        return (
            f"Prediction sets hold the true class for at least {coverage} of rows like the project's own, on average "
            f"over projects. With {count} test labels, the share in one project lies between {low} and {high} % nine "
            "times in ten. For other data there is no such guarantee."
        )

    def describe(self, probs: np.ndarray) -> list[Row]:
        """Return predictions as values of their columns.  [n, C]"""
        names, version = self.model.class_names, self.model.version
        best = probs.argmax(1).tolist()
        rows: list[Row] = [
            {
                "prediction": names[index],
                "prediction_probability": float(row[index]),
                **{f"{PROBABILITY}{name}": float(value) for name, value in zip(names, row, strict=True)},
                "prediction_model": version,
            }
            for index, row in zip(best, probs, strict=True)
        ]
        if self.sets is not None:
            for found, members in zip(rows, self.sets.sets(probs), strict=True):
                classes = [name for name, inside in zip(names, members, strict=True) if inside]
                found |= {"unsure": len(classes) > 1, "prediction_set": json.dumps(classes, ensure_ascii=False)}
        return rows

    def _item_probs(self) -> np.ndarray:
        """Return the epoch's predictions of all items; items that were added since are predicted now."""
        known, project = self._project.probs(), self._project
        count = 0 if known is None else len(known)
        parts = [] if known is None else [known]
        fresh = iter(range(count, project.num_items))
        while block := list(islice(fresh, _BLOCK)):
            parts.append(self.model.predict_items(project, block))
        return np.concatenate(parts)

    def _calibrate(self, coverage: float) -> tuple[ConformalSets | None, int]:
        epoch = self._project.current_epoch()
        assert epoch is not None
        places = {class_id: place for place, class_id in enumerate(epoch.class_ids)}
        test = take_snapshot(self._project).test
        true = [
            float(self.probs[item, places[value]]) if value in places else 0.0
            for item, value in test.items()
            if value != "skip"
        ]
        return calibrate_sets(true, coverage, num_skipped=len(test) - len(true)), len(test)


def output_columns(project: Project, predictor: Predictor) -> dict[str, type | None]:
    """Return the columns of `predict_entries` and `predict_source`, with their types; None: values of any type."""
    identity = {**IDENTITY, **source_columns(project.settings)}
    return {**identity, "class": LABEL["class"], **predictor.columns, **REASON}


def predict_entries(project: Project, predictor: Predictor) -> Iterator[Row]:
    """Yield a row for each entry of the project's sources, in their order."""
    reader = LineReader(project)
    names = [*source_columns(project.settings), *REASON]
    lines = iter(reader)
    while block := list(islice(lines, _BLOCK)):
        items = [line.item.id for line in block if line.item is not None]
        found = iter(predictor.describe(predictor.probs[items]))
        for line in block:
            row = {name: line.values.get(name) for name in names}
            yield row if line.item is None else {**row, "class": reader.human_label(line.item.id), **next(found)}


def predict_source(project: Project, predictor: Predictor, source: Source) -> Iterator[Row]:
    """Yield a row for each thing in a source, in its order; what cannot be read has its reason.

    A copy of an item of the project has its id, and its label beside the prediction.

    Args:
        project: The project.
        predictor: What predicts.
        source: Data of the project's kind.
    """
    reader, known = LineReader(project), project.store.hashes()
    things = iter(source)
    while block := list(islice(things, _BLOCK)):
        yield from _predict_block(project, predictor, source, reader, known, block)


def _predict_block(
    project: Project,
    predictor: Predictor,
    source: Source,
    reader: LineReader,
    known: Mapping[str, int],
    block: Iterable[Found | Unreadable],
) -> Iterator[Row]:
    kind, own = project.settings.kind, id_column(project.settings)
    read = [each for each in block if isinstance(each, Found)]
    contents = [_content(kind, source.path, each) for each in read]
    found = iter(predictor.describe(predictor.model.predict(contents)) if contents else ())
    for each in block:
        if isinstance(each, Unreadable):
            yield {"place": each.place, "reason": each.reason}
            continue
        number = known.get(each.hash)
        shown = Item(-1, each.hash, each.content, "", -1, "train", each.meta)
        row: Row = {"item": number, "place": each.place, **content_values(project.settings, shown)}
        if own is not None:
            row[own] = each.meta.get("id")
        row["class"] = None if number is None else reader.human_label(number)
        yield {**row, **next(found)}


def _content(kind: str, root: Path, found: Found) -> Any:
    return {"images": root / found.content, "vectors": found.vector}.get(kind, found.content)


Progress = Callable[[int], None]


def track_rows(rows: Iterable[Any], on_progress: Progress) -> Iterator[Any]:
    """Yield each row, and tell how many there were."""
    for count, row in enumerate(rows, 1):
        yield row
        on_progress(count)
