"""The figures by number, and drawing all that a study has data for."""

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
    """One kind of figure: how it is drawn, and what a study must hold for it."""

    title: str
    requires: str
    draw: Callable[[StudyResults], list[StudyFigure]]


FIGURES: dict[int, FigureKind] = {
    module.NUMBER: FigureKind(module.TITLE, module.REQUIRES, module.draw)
    for module in (moons_surface, moons_terms, learning_curves, information_growth, batch_comparison, transfer_curves)
}


def draw_figures(results: StudyResults, folder: Path) -> tuple[list[tuple[StudyFigure, Path]], list[str]]:
    """Draw and save all; returns each with its PNG, and one sentence for each kind that was left out.

    PNG and PDF files of figures that are drawn no longer are removed.
    """
    made, left_out = [], []
    for number, kind in FIGURES.items():
        drawn = kind.draw(results)
        made += [(figure, save(figure, folder)) for figure in drawn]
        if not drawn:
            left_out.append(f"Figure {number}, {kind.title}, is left out: it needs {kind.requires}.")
    kept = {path.stem for _, path in made}
    for path in folder.glob("figure-*.p*"):
        if path.stem not in kept:
            path.unlink()
    return made, left_out
