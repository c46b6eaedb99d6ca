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
from lindley.study.figures.style import Drawn, save
from lindley.study.results import StudyResults


@dataclass(frozen=True)
class Kind:
    """One kind of figure: how it is drawn, and what a study must hold for it."""

    title: str
    needs: str
    draw: Callable[[StudyResults], list[Drawn]]


FIGURES: dict[int, Kind] = {
    module.NUMBER: Kind(module.TITLE, module.NEEDS, module.draw)
    for module in (moons_surface, moons_terms, learning_curves, information_growth, batch_comparison, transfer_curves)
}


def draw_figures(results: StudyResults, folder: Path) -> tuple[list[tuple[Drawn, Path]], list[str]]:
    """Draw and save all; returns each with its PNG, and one sentence for each kind that was left out.

    PNG and PDF files of figures that are drawn no longer are removed.
    """
    made, left_out = [], []
    for number, kind in FIGURES.items():
        drawn = kind.draw(results)
        made += [(figure, save(figure, folder)) for figure in drawn]
        if not drawn:
            left_out.append(f"Figure {number}, {kind.title}, is left out: it needs {kind.needs}.")
    kept = {path.stem for _, path in made}
    for path in folder.glob("figure-*.p*"):
        if path.stem not in kept:
            path.unlink()
    return made, left_out
