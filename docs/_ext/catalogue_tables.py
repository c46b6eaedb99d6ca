"""A Sphinx extension: the directive `catalogue` shows a catalogue of the library as a table, made from its entries.

```{catalogue} metrics
```
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lindley.datasets.catalogue import DATASETS
from lindley.measures.catalogue import METRICS

_PREDICTIONS = {
    "average": "the average over the draws",
    "point": "the single prediction, dropout off",
    "draws": "each draw",
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("catalogue", Catalogue)
    return {"parallel_read_safe": True}


def metrics() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of metrics, then a row for each."""
    yield "metric", "in the journal", "of", "unit", "better", "source"
    for spec in METRICS.values():
        unit = f"{spec.unit.name or 'number'}{' for each class' if spec.per_class else ''}"
        yield spec.title, f"`{spec.name}`", _PREDICTIONS[spec.prediction], unit, spec.better, spec.reference


def data_sets() -> Iterator[Sequence[str]]:
    """Yield the heading of the table of data sets, then a row for each."""
    yield "name", "pool", "test", "classes", "what", "options", "files", "source", "licence"
    for spec in DATASETS.values():
        sizes = (f"{spec.num_rows:,}", f"{spec.num_test:,}", f"{spec.num_classes}")
        options = ", ".join(f"`{name} = {option.default}`" for name, option in spec.options.items())
        files = "fetched" if spec.files else "none"
        yield f"`{spec.name}`", *sizes, spec.title, options, files, spec.source, spec.licence


TABLES: dict[str, Callable[[], Iterator[Sequence[str]]]] = {"metrics": metrics, "data-sets": data_sets}


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
