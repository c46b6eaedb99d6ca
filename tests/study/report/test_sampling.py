"""Where labels were asked for, on invented surfaces whose answer is known."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
import pytest
from journal_fakes import FAR, NEAR, OVERLAP

from lindley.study.read_results import load_results
from lindley.study.report.sampling import measure_sampling, moons_noise


def test_the_shares_are_those_of_the_picks(tmp_path: Path) -> None:
    plane = fakes.FakePlane(lambda ask: [NEAR, OVERLAP, OVERLAP, FAR, FAR])
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=1))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising, grid=plane)).experiments
    found = measure_sampling(experiment, experiment.trials[0])
    assert found is not None
    assert (found.near, found.ambiguous, found.picks) == (pytest.approx(0.6), pytest.approx(0.4), 20)
    assert 0 < found.near_pool < 0.6


def test_without_a_stored_surface_there_is_nothing_to_say(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=1))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)).experiments
    assert measure_sampling(experiment, experiment.trials[0]) is None


@pytest.mark.parametrize(("data", "noise"), [({}, 0.2), ({"options": {"noise": 0.35}}, 0.35)])
def test_the_noise_is_that_of_the_experiment_or_the_default_of_the_data(
    tmp_path: Path, data: dict[str, object], noise: float
) -> None:
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=1, data={"name": "two-moons"} | data))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)).experiments
    assert moons_noise(experiment) == noise


@pytest.mark.parametrize("pool", [{"class_imbalance": {"upper moon": 0.1}}, {"duplicates": 2, "duplicate_noise": 0.1}])
def test_a_pool_of_another_law_has_no_known_noise(tmp_path: Path, pool: dict[str, object]) -> None:
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=1, pool=pool))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)).experiments
    assert moons_noise(experiment) is None


def test_other_data_have_no_known_noise(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)).experiments
    assert moons_noise(experiment) is None


def test_without_noise_no_place_is_ambiguous_by_law(tmp_path: Path) -> None:
    plane = fakes.FakePlane(lambda ask: [NEAR, FAR, FAR, FAR, FAR])
    data = {"name": "two-moons", "options": {"noise": 0}}
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=1, data=data))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising, grid=plane)).experiments
    found = measure_sampling(experiment, experiment.trials[0])
    assert found is not None
    assert (moons_noise(experiment), found.ambiguous) == (None, None)
