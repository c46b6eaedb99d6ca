"""A Sphinx extension: the directive `catalogue` shows a catalogue of the library as a table, made from its entries.

```{catalogue} metrics
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pkgutil import resolve_name

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lindley.acquisition.specs import ACQUISITIONS
from lindley.datasets.catalogue import DATASETS
from lindley.features.specs import FEATURES
from lindley.measures.catalogue import METRICS
from lindley.posteriors.catalogue import POSTERIORS

_PREDICTIONS = {
    "average": "the average over the draws",
    "point": "the single prediction, dropout off",
    "draws": "each draw",
}
_ACCESS = {
    "rows": "the rows alone",
    "scores": "one scan",
    "greedy": "one scan, then a few rows at a time",
    "passes": "a scan for each pick",
    "sums": "scans, some of which bring back sums [C·D, C·D]",
    "subset": "a seeded subset of the rows",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("catalogue", Catalogue)
    return {"parallel_read_safe": True}


def acquisitions() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of acquisitions, then a row for each."""
    yield "name", "title", "requires", "options", "joint", "reads of the pool", "reference"
    for spec in ACQUISITIONS.values():
        requires = [_listed({*spec.requires, *([] if spec.prediction_free else ["predictions"])})]
        requires += [f"with `{key} = {value}`: {_listed(also)}" for (key, value), also in spec.requires_with.items()]
        options = _options((field.name, field.default) for field in fields(spec.options))
        joint = "yes" if spec.joint else "no"
        access = _ACCESS[spec.access]
        yield f"`{spec.name}`", spec.title, "; ".join(filter(None, requires)), options, joint, access, spec.reference


def posteriors() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of posteriors, then a row for each."""
    yield "name", "title", "requires", "options", "weights of labels", "reference"
    for spec in POSTERIORS.values():
        requires = [*spec.requires, *([f"extra `{spec.extra}`"] if spec.extra else [])]
        parameters = inspect.signature(resolve_name(spec.path)).parameters
        options = _options((option, parameters[option].default) for option in spec.options)
        weights = "used" if spec.sample_weight else "refused"
        yield f"`{spec.name}`", spec.title, ", ".join(requires), options, weights, spec.reference


def features() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of feature methods, then a row for each."""
    yield "name", "title", "of", "requires", "options", "reference"
    for spec in FEATURES.values():
        parameters = inspect.signature(spec.method).parameters
        options = _options((option, parameters[option].default) for option in spec.options)
        requires = f"extra `{spec.extra}`" if spec.extra else ""
        yield f"`{spec.name}`", spec.title, spec.kind, requires, options, spec.reference


def metrics() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of metrics, then a row for each."""
    yield "title", "name", "of", "unit", "better", "reference"
    for spec in METRICS.values():
        unit = f"{spec.unit.name or 'number'}{' for each class' if spec.per_class else ''}"
        yield spec.title, f"`{spec.name}`", _PREDICTIONS[spec.prediction], unit, spec.better, spec.reference


def data_sets() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of data sets, then a row for each."""
    yield "name", "title", "pool", "test", "classes", "options", "files", "reference", "licence"
    for spec in DATASETS.values():
        sizes = (f"{spec.num_rows:,}", f"{spec.num_test:,}", f"{spec.num_classes}")
        options = _options((name, option.default) for name, option in spec.options.items())
        files = "fetched" if spec.files else "none"
        yield f"`{spec.name}`", spec.title, *sizes, options, files, spec.reference, spec.licence


TABLES: dict[str, Callable[[], Iterator[Sequence[str]]]] = {
    "acquisitions": acquisitions,
    "posteriors": posteriors,
    "features": features,
    "metrics": metrics,
    "data-sets": data_sets,
}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name.replace("_", " ") for name in sorted(names))


def _options(defaults: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"`{name} = {default!r}`" for name, default in defaults)


def markdown(rows: Iterator[Sequence[str]]) -> list[str]:
    """Return a table in Markdown; the first row is the heading.

    >>> markdown(iter([("a", "b"), ("1", "2")]))
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return [lines[0], f"|{' --- |' * (lines[0].count(' | ') + 1)}", *lines[1:]]


class Catalogue(SphinxDirective):
    """The table of one catalogue."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        container = nodes.container()
        content = StringList(markdown(TABLES[self.arguments[0]]()), source=self.arguments[0])
        self.state.nested_parse(content, self.content_offset, container)
        return container.children
