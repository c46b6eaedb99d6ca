"""The catalogue of figures, and drawing those that a study has data for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lindley.study.figures import (
    batch_comparison,
    information_growth,
    learning_curves,
    moons_surface,
    moons_terms,
    transfer_curves,
)
from lindley.study.figures.style import StudyFigure, save
from lindley.study.results import StudyResults


@dataclass(frozen=True)
class FigureKind:
    """One kind of figure: its title, the data it requires, and the function that draws it."""

    title: str
    requires: str
    draw: Callable[[StudyResults], list[StudyFigure]]


FIGURES: dict[int, FigureKind] = {
    module.NUMBER: FigureKind(module.TITLE, module.REQUIRES, module.draw)
    for module in (moons_surface, moons_terms, learning_curves, information_growth, batch_comparison, transfer_curves)
}


def draw_figures(results: StudyResults, folder: Path) -> tuple[list[tuple[StudyFigure, Path]], list[str]]:
    """Draw and save all figures; return each with its PNG, and one sentence for each kind without data.

    PNG and PDF files of figures that no longer exist are removed.
    """
    figures, omitted = [], []
    for number, kind in FIGURES.items():
        drawn = kind.draw(results)
        figures += [(figure, save(figure, folder)) for figure in drawn]
        if not drawn:
            omitted.append(f"Figure {number} ({kind.title}) is omitted: it requires {kind.requires}.")
    kept = {path.stem for _, path in figures}
    for path in folder.glob("figure-*.p*"):
        if path.stem not in kept:
            path.unlink()
    return figures, omitted
