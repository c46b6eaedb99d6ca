"""All figures together: what is made, what is left out, what is cleared away."""

from __future__ import annotations

from pathlib import Path

from lindley.study.figures.catalogue import FIGURES, draw_figures
from lindley.study.results import StudyResults


def test_the_six_figures_are_numbered_as_in_their_files(results: StudyResults) -> None:
    assert sorted(FIGURES) == [1, 2, 3, 4, 5, 6]
    for number, kind in FIGURES.items():
        drawn = kind.draw(results)
        assert drawn
        assert all(each.number == number and each.name.startswith(f"figure-{number}-") for each in drawn)


def test_what_cannot_be_drawn_is_said_and_old_figures_are_removed(bare_results: StudyResults, tmp_path: Path) -> None:
    (tmp_path / "figure-3-learning-curves-gone.png").write_bytes(b"old")
    (tmp_path / "notes.png").write_bytes(b"mine")
    made, left_out = draw_figures(bare_results, tmp_path)
    assert made == []
    assert [text.split(" (")[0] for text in left_out] == [f"Figure {number}" for number in range(1, 7)]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.png"]
