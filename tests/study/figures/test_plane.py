"""HasHyperparameters what is shown in the plane, and the colours of the rounds."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes

from lindley.study.figures.plane import RoundColours, representative_trials
from lindley.study.read_results import load_results


def test_all_acquisitions_show_the_lowest_seed_that_they_share(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.moons_table(["random", "bald"], seeds=3))
    plane = fakes.FakePlane(lambda ask: [fakes.NEAR] * 5)
    missing = ("bald", 0)
    fakes.write_study(
        tmp_path,
        study,
        accuracy=fakes.rising,
        grid=plane,
        rounds_done=lambda trial: 0 if (trial.acquisition, trial.seed) == missing else 2,
    )
    trials = representative_trials(load_results(tmp_path).experiments[0], "grid")
    assert [(trial.acquisition, trial.seed) for trial in trials] == [("random", 1), ("bald", 1)]


def test_later_rounds_are_darker_also_in_grey_print() -> None:
    colours = RoundColours(6)
    grey = [sum(share * part for share, part in zip((0.299, 0.587, 0.114), colours.colour(number), strict=False))
            for number in range(-1, 6)]  # fmt: skip
    assert grey == sorted(grey, reverse=True)
