"""One small study with data for every figure, read once; and a measure of what leaves a figure."""

from __future__ import annotations

from collections.abc import Callable

import journal_fakes as fakes
import pytest
from matplotlib.figure import Figure

from lindley.study.read_results import load_results
from lindley.study.results import StudyResults

MOONS_METHODS = ["random", "margin", "bald", "batchbald"]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """Two moons with surfaces and information, digits with transfer, and BALD against BatchBALD at batch 40."""
    plane = fakes.FakePlane(lambda ask: [fakes.NEAR, fakes.OVERLAP, fakes.NEAR, fakes.FAR, fakes.NEAR])
    study = fakes.make_study(
        fakes.moons_table(MOONS_METHODS, seeds=1, title="Two moons"),
        fakes.experiment_table("digits", ["random", "bald", "batchbald"], seeds=3, observe=fakes.TRANSFER),
        fakes.experiment_table("digits-b40", ["bald", "batchbald"], seeds=2, batch_size=40, title="Digits, batch 40"),
    )
    out = tmp_path_factory.mktemp("study")
    fakes.write_study(
        out, study, accuracy=fakes.rising, grid=plane, information=fakes.fake_information, more=fakes.fake_transfer
    )
    return load_results(out)


@pytest.fixture(scope="session")
def bare_results(tmp_path_factory: pytest.TempPathFactory) -> StudyResults:
    """A study of random alone, without surfaces, one round done."""
    study = fakes.make_study(fakes.experiment_table("digits", ["random"], seeds=1))
    out = tmp_path_factory.mktemp("bare")
    return load_results(fakes.write_study(out, study, accuracy=fakes.rising, rounds_done=lambda trial: 1))


@pytest.fixture(scope="session")
def overhang() -> Callable[[Figure], float]:
    """How far, in inches, anything that is drawn reaches beyond the edges of the figure; 0 when nothing is cut."""

    def measure(figure: Figure) -> float:
        figure.draw_without_rendering()
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        return max(0.0, -box.x0, -box.y0, box.x1 - width, box.y1 - height)

    return measure
