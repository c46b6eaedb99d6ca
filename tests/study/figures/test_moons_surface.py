"""Figure 1: a row for each acquisition, a column for each number of labels, picks marked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from lindley.study.figures import moons_surface
from lindley.study.results import StudyResults


def test_there_is_a_picture_for_each_acquisition_and_number_of_labels(results: StudyResults) -> None:
    (drawn,) = moons_surface.draw(results)
    pictures = [axes for axes in drawn.figure.axes if axes.images]
    titles = [axes.get_title() for axes in pictures if axes.get_title()]
    assert len(pictures) == 4 * 5
    assert titles == ["10 labels", "15 labels", "20 labels", "25 labels", "30 labels"]
    rows = {text.get_text() for axes in pictures for text in axes.texts}
    assert rows == {"random", "margin", "BALD", "BatchBALD"}


def test_every_label_is_drawn_and_so_is_what_is_asked_for(results: StudyResults) -> None:
    (drawn,) = moons_surface.draw(results)
    pictures = [axes for axes in drawn.figure.axes if axes.images]
    for place, labels in enumerate([10, 15, 20, 25, 30]):
        points = [each for each in pictures[place].collections if isinstance(each, PathCollection)]
        assert sum(len(each.get_offsets()) for each in points) == labels + (5 if labels < 30 else 0)


def test_the_surface_is_the_stored_one(results: StudyResults) -> None:
    (drawn,) = moons_surface.draw(results)
    grid = results.experiments[0].trials_of("random")[0].arrays(0, "grid")
    assert grid is not None
    image = next(axes for axes in drawn.figure.axes if axes.images).images[0]
    np.testing.assert_array_equal(image.get_array(), grid["mean_prob"])
    assert image.get_clim() == (0, 1)


def test_nothing_is_cut(results: StudyResults, overhang: Callable[[Figure], float]) -> None:
    (drawn,) = moons_surface.draw(results)
    assert overhang(drawn.figure) < 0.01


def test_without_surfaces_it_is_left_out(bare_results: StudyResults) -> None:
    assert moons_surface.draw(bare_results) == []
