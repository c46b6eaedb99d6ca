"""Names that strangers gave: drawn as they are, within the figure and apart from each other."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from lindley.study.figures.catalogue import FIGURES
from lindley.study.figures.style import (
    StudyFigure,
    clip_name,
    draw_heading,
    legend_below,
    new_figure,
    plot_settings,
    save,
)
from lindley.study.results import StudyResults

LONG = "pneumonia, unspecified organism (ICD-10 J18.9), confirmed by two readers"
HOSTILE = [
    "under $5_a",
    "$10_b or $more$",
    r"\frac{$x^$",
    "_hidden",
    "two\nlines\t\x1b[31m\x00",
    LONG,
    "\ud800",
    "ﷺ" * 60,
    "",
]


def _renamed(results: StudyResults, name: str) -> StudyResults:
    """Every experiment, class and study has this name."""
    experiments = []
    for experiment in results.experiments:
        trials = [
            replace(each, manifest={**each.manifest, "class_names": [name] * len(each.manifest["class_names"])})
            for each in experiment.trials
        ]
        experiments.append(replace(experiment, title=name, trials=trials))
    return replace(results, title=name, experiments=experiments)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.sampled_from(HOSTILE), st.integers(3, 60))
def test_a_name_is_one_short_line_that_no_legend_hides(text: str, letters: int) -> None:
    name = clip_name(text, letters)
    assert len(name) <= letters + 1
    assert not any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in name)
    assert not name.startswith("_")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120) | st.sampled_from(HOSTILE))
def test_any_text_can_be_drawn_everywhere_in_a_figure(text: str) -> None:
    with plot_settings():
        figure = new_figure(4, 3)
        axes = figure.subplots()
        axes.plot([0, 1], label=clip_name(text))
        axes.set(title=clip_name(text), xlabel=clip_name(text))
        legend_below(figure, axes)
        draw_heading(figure, text)
        figure.draw_without_rendering()


@pytest.mark.parametrize("name", HOSTILE[1:6])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6])
def test_every_figure_is_drawn_with_hostile_names_and_nothing_leaves_it(
    results: StudyResults, overhang: Callable[[Figure], float], name: str, number: int
) -> None:
    for drawn in FIGURES[number].draw(_renamed(results, name))[:1]:
        with plot_settings():
            assert overhang(drawn.figure) < 0.02


def test_row_names_of_figure_1_lie_over_nothing_whatever_the_scale(tmp_path: Path, results: StudyResults) -> None:
    (drawn,) = FIGURES[1].draw(_renamed(results, LONG))
    with plot_settings():
        for axes in drawn.figure.axes[: len(drawn.figure.axes) - 2]:
            axes.set_xticks(axes.get_xticks()[1:-1], [f"{1000 * each:.0f}" for each in axes.get_xticks()[1:-1]])
            axes.set_yticks(axes.get_yticks()[1:-1], [f"{1000 * each:.0f}" for each in axes.get_yticks()[1:-1]])
        drawn.figure.draw_without_rendering()
    renderer = drawn.figure.canvas.get_renderer()
    texts = [each for each in drawn.figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    boxes = [(each.get_text(), each.get_window_extent(renderer)) for each in texts]
    boxes = [(text, box) for text, box in boxes if box.width > 1 and box.height > 1]
    over = [
        (one, other)
        for (one, a), (other, b) in itertools.combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]
    assert [pair for pair in over if {"random", "margin", "BALD", "BatchBALD"} & set(pair)] == []


def test_a_figure_that_cannot_be_written_leaves_the_old_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plot_settings():
        figure = new_figure(3, 2)
        figure.subplots().plot([1, 2, 3])
    drawn = StudyFigure(9, "figure-9-test", figure, "Test", "A line.", ("test",))
    save(drawn, tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def stopped(self: Figure, file: object, **more: object) -> None:
        target = Path(file) if isinstance(file, (str, Path)) else None
        if target is not None:
            target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", stopped)
    with pytest.raises(KeyboardInterrupt):
        save(drawn, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old
