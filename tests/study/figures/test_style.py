"""Saved figures, and the stretched axis of accuracies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from lindley.study.comparison.curves import Curve
from lindley.study.figures.style import (
    StudyFigure,
    draw_curve,
    draw_heading,
    legend_below,
    new_figure,
    plot_settings,
    save,
    stretch_accuracy,
)
from lindley.study.plot_style import STYLES, acquisition_title


def _drawn() -> StudyFigure:
    with plot_settings():
        figure = new_figure(3, 2)
        figure.subplots().plot([1, 2, 3])
    return StudyFigure(9, "figure-9-test", figure, "Test", "A line.", ("test",))


def test_a_figure_is_saved_as_pdf_and_as_png_of_200_dpi_and_twice_the_same(tmp_path: Path) -> None:
    first, second = (save(_drawn(), tmp_path / name) for name in ("a", "b"))
    with Image.open(first) as image:
        assert image.size == (600, 400)
    assert first.read_bytes() == second.read_bytes()
    assert first.with_suffix(".pdf").read_bytes() == second.with_suffix(".pdf").read_bytes()
    assert first.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    with plot_settings():
        assert matplotlib.rcParams["axes.spines.top"] is False
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("accuracies", [[60.0, 97.3], [0.0, 100.0], [95.0, 95.0], [99.0, 100.0]])
def test_the_stretched_axis_shows_all_accuracies_with_at_least_two_ticks(accuracies: list[float]) -> None:
    with plot_settings():
        axes = new_figure(3, 3).subplots()
        stretch_accuracy(axes, accuracies)
    low, high = axes.get_ylim()
    assert low <= min(accuracies)
    assert max(accuracies) <= high
    assert len([tick for tick in axes.get_yticks() if low <= tick <= high]) >= 2


def test_halving_the_error_is_the_same_step_everywhere_below_99_percent() -> None:
    with plot_settings():
        axes = new_figure(3, 3).subplots()
        stretch_accuracy(axes, [50.0, 99.0])
    places = [axes.transData.transform((0, accuracy))[1] for accuracy in (80.0, 90.0, 95.0)]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], rel=0.03)


def test_a_heading_is_plain_text_and_no_formula(tmp_path: Path) -> None:
    drawn = _drawn()
    with plot_settings():
        draw_heading(drawn.figure, r"Cost $\frac{$ of labels")
    assert save(drawn, tmp_path).is_file()  # as a formula it could not be drawn
    assert drawn.figure.get_suptitle() == r"Cost $\frac{$ of labels"


@pytest.mark.parametrize("names", [list(STYLES), [f"my_package.my_module:a_long_name_{i}" for i in range(5)]])
def test_a_legend_has_as_many_columns_as_there_is_room_for(
    names: list[str], overhang: Callable[[Figure], float]
) -> None:
    figure, axes = _with_lines(names)
    assert overhang(figure) <= 0
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [acquisition_title(name) for name in names]
    assert len(axes.lines) == len(names)


def test_a_name_that_begins_with_an_underscore_is_in_the_legend() -> None:
    figure, _ = _with_lines(["random", "_private:score"])
    assert [text.get_text().strip() for text in figure.legends[0].get_texts()] == ["random", "_private:score"]


def test_a_long_heading_has_several_lines(overhang: Callable[[Figure], float]) -> None:
    with plot_settings():
        figure = new_figure(11, 4)
        figure.subplots()
        draw_heading(figure, "A title of many words, " * 12)
    assert overhang(figure) <= 0


def _with_lines(names: list[str]) -> tuple[Figure, Axes]:
    count = np.array([20, 40])
    accuracy = np.array([0.5, 0.6])
    with plot_settings():
        figure = new_figure(11, 4.3)
        axes = figure.subplots()
        for name in names:
            draw_curve(axes, Curve(count, accuracy, accuracy, accuracy, count, ""), name)
        legend_below(figure, axes)
    return figure, axes
