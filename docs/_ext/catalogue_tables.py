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


TABLES: dict[str, Callable[[], Iterator[Sequence[str]]]] = {"metrics": metrics}


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
