"""Names and plot styles of acquisitions in tables and figures. This module does not import matplotlib."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lindley.acquisition.specs import ACQUISITIONS, STOCHASTIC
from lindley.measures.catalogue import BITS

NATS_TO_BITS = BITS.scale


@dataclass(frozen=True)
class PlotStyle:
    """Name, colour, marker and line of one acquisition."""

    title: str
    colour: str
    marker: str
    line: str | tuple[int, tuple[float | int, ...]]


def _sentence_case(title: str) -> str:
    """Return a title for use within a sentence; names keep their capitals."""
    first = title.split()[0]
    return title if first[1:] != first[1:].lower() else title[0].lower() + title[1:]


# The colours are those of Okabe and Ito (2008).
STYLES: dict[str, PlotStyle] = {
    "random": PlotStyle("random", "#5f6670", "o", (0, (1.2, 1.2))),
    "margin": PlotStyle("margin", "#0072B2", "s", "-"),
    "entropy": PlotStyle("entropy", "#E69F00", "^", (0, (5, 1.5))),
    "bald": PlotStyle("BALD", "#D55E00", "D", "-"),
    "batchbald": PlotStyle("BatchBALD", "#009E73", "v", (0, (6, 1.5, 1.2, 1.5))),
    "batchbald-logdet": PlotStyle("BatchBALD-logdet", "#882255", "*", (0, (1, 1, 4, 1))),
    "least-confidence": PlotStyle("least confidence", "#56B4E9", "P", (0, (3, 1))),
    "variation-ratios": PlotStyle("variation ratios", "#CC79A7", "X", "-"),
    "mean-std": PlotStyle("mean STD", "#8C6D1F", "h", (0, (2, 1))),
    "power-bald": PlotStyle("power BALD", "#332288", "p", (0, (4, 1, 1, 1))),
}
_TITLES = {
    name: _sentence_case(spec.title)
    for name, spec in ACQUISITIONS.items()
    if not spec.stochastic and name not in STYLES
}
"""Titles of the catalogue's other methods, except stochastic batches of a score."""
_KINDS = tuple(STOCHASTIC)
_COLOURS = ("#882255", "#44AA99", "#999933", "#AA4499", "#117733", "#88CCEE", "#661100", "#6699CC", "#DDCC77")
_MARKERS = ("s", "<", ">", "d", "H", "8", "P")
_LINES: tuple[str | tuple[int, tuple[float | int, ...]], ...] = (
    (0, (4, 1, 1, 1)),
    "-",
    (0, (5, 1.5)),
    (0, (2, 1)),
    (0, (6, 1.5, 1.2, 1.5)),
)


def plot_style(acquisition: str) -> PlotStyle:
    """Return the style of an acquisition, the same in every figure.

    Each entry of the catalogue has its own style; a user's own acquisition gets one by its name.
    """
    name = acquisition.replace("_", "-")
    if (known := STYLES.get(name)) is not None:
        return known
    bases = (*_TITLES, *STYLES)
    if name in _TITLES:
        return _make_style(bases.index(name), _TITLES[name])
    kind, _, base = name.partition("-")
    if kind in _KINDS and base in bases:
        title = _TITLES[base] if base in _TITLES else STYLES[base].title
        place = len(bases) * (1 + _KINDS.index(kind)) + bases.index(base)
        return _make_style(place, f"{kind} {title}")
    return _make_style(
        int.from_bytes(hashlib.blake2b(acquisition.encode(), digest_size=8).digest(), "little"), acquisition
    )


def acquisition_title(acquisition: str) -> str:
    """Return an acquisition's name as sentences and tables write it."""
    return plot_style(acquisition).title


def _make_style(place: int, title: str) -> PlotStyle:
    """Return the style of a place. The cycles have no common factor, so 315 consecutive places differ."""
    return PlotStyle(
        title, _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)], _LINES[place % len(_LINES)]
    )
