"""Reading an output folder, finished or not: whose trials count, and which are set aside."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes
import numpy as np
import pytest

from lindley.errors import InputError, JournalError
from lindley.session.journal_file import JournalStore, read_events
from lindley.session.manifest import read_manifest, write_manifest
from lindley.study import Study
from lindley.study.read_results import load_results
from lindley.study.report.tables import final_metrics_table
from lindley.study.results import paired_trials


def _steps(ask: fakes.Asked) -> float:
    """0.5 + 0.01 for each seed and 0.1 for each round, up to 1."""
    return min(1.0, 0.5 + 0.01 * ask.seed + 0.1 * ask.round)


def test_a_trial_is_read_as_it_was_written(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=60))
    (trial,) = load_results(fakes.write_study(tmp_path, study, accuracy=_steps)).experiments[0].trials
    assert (trial.acquisition, trial.seed, trial.complete) == ("bald", 0, True)
    assert trial.labels == [20, 40, 60]
    np.testing.assert_allclose(trial.metric("accuracy"), [0.5, 0.6, 0.7])
    np.testing.assert_allclose(trial.seconds("select"), 1.0)
    assert len(trial.initial_rows) == 20


def test_a_study_made_shorter_to_one_of_its_rounds_reads_as_if_it_had_never_been_longer(tmp_path: Path) -> None:
    def study(max_labels: int) -> Study:
        return fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2, max_labels=max_labels))

    fakes.write_study(tmp_path / "long", study(200), accuracy=_steps)
    fakes.write_study(tmp_path / "short", study(100), accuracy=_steps)
    cut, short = (
        load_results(tmp_path / "long", study(100)).experiments[0],
        load_results(tmp_path / "short").experiments[0],
    )
    for one, other in zip(cut.trials, short.trials, strict=True):
        assert one.labels == other.labels == [20, 40, 60, 80, 100]
        assert [each.metrics for each in one.rounds] == [each.metrics for each in other.rounds]
        assert [each.query for each in one.rounds] == [each.query for each in other.rounds]
        assert one.rounds[-1].query is None
        assert one.complete


def test_a_study_made_shorter_between_two_rounds_is_read_to_the_last_one_before(tmp_path: Path) -> None:
    long = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2, max_labels=200))
    fakes.write_study(tmp_path, long, accuracy=_steps)
    cut = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2, max_labels=110))
    (experiment,) = load_results(tmp_path, cut).experiments
    assert experiment.last_labels == 100
    for trial in experiment.trials:
        assert (trial.labels[-1], trial.rounds[-1].query, trial.complete) == (100, None, True)
    assert [row[2] for row in final_metrics_table(experiment).rows] == ["100", "100"]
    assert load_results(tmp_path, long).experiments[0].last_labels == 200


def test_a_study_under_way_is_read_and_what_is_missing_is_named(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2))
    done = {("random", 0): None, ("random", 1): 3, ("bald", 0): 0, ("bald", 1): 0}
    fakes.write_study(tmp_path, study, accuracy=_steps, rounds_done=lambda trial: done[trial.acquisition, trial.seed])
    (experiment,) = load_results(tmp_path).experiments
    assert [(trial.seed, trial.complete, len(trial.rounds)) for trial in experiment.trials] == [
        (0, True, 10),
        (1, False, 3),
    ]
    assert experiment.missing == (("bald", 0), ("bald", 1))
    assert experiment.acquisitions == ["random"]


def test_a_trial_with_other_settings_is_set_aside(tmp_path: Path) -> None:
    slow = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, batch_size=10))
    fakes.write_study(tmp_path, slow, accuracy=_steps)
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1))
    (experiment,) = load_results(fakes.write_study(tmp_path, study, accuracy=_steps)).experiments
    assert [trial.labels[1] for trial in experiment.trials] == [40]
    assert len(experiment.excluded) == 1
    assert experiment.excluded[0].startswith("trials/digits/bald/seed-0-")
    assert experiment.excluded[0].endswith(": excluded, it was run with other settings.")


@pytest.mark.parametrize(("key", "why"), [("data_hashes", "on other data than"), ("rows", "with other labels than")])
def test_a_trial_that_began_otherwise_than_the_others_of_its_seed_is_no_pair_of_theirs(
    tmp_path: Path, key: str, why: str
) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "margin", "bald"], seeds=2))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    (folder,) = tmp_path.glob("trials/digits/bald/seed-1-*")
    if key == "rows":
        started, initial, *others = read_events(folder)
        (folder / "journal.jsonl").unlink()
        with JournalStore(folder) as store:
            store.append([started, initial.model_copy(update={"rows": initial.rows[::-1]}), *others])
    else:
        write_manifest(folder, {**read_manifest(folder), "data_hashes": {"train": "other"}})
    (experiment,) = load_results(tmp_path).experiments
    assert [(trial.acquisition, trial.seed) for trial in experiment.trials if trial.acquisition == "bald"] == [
        ("bald", 0)
    ]
    assert len(experiment.trials_of("random")) == len(experiment.trials_of("margin")) == 2
    (said,) = experiment.excluded
    assert said.startswith(f"trials/digits/bald/{folder.name}: excluded, it ")
    assert why in said


def test_an_acquisition_run_before_is_shown_though_the_study_names_another_now(tmp_path: Path) -> None:
    for name in ("margin", "bald"):
        study = fakes.make_study(fakes.experiment_table("digits", [name], seeds=1))
        fakes.write_study(tmp_path, study, accuracy=_steps)
    assert load_results(tmp_path).experiments[0].acquisitions == ["bald", "margin"]


def test_of_an_acquisition_that_the_study_no_longer_has_no_seed_counts_twice(tmp_path: Path) -> None:
    """Three seeds with one option and two with another: they are not five."""
    for beta, seeds in ((4.0, 3), (8.0, 2)):
        study = fakes.make_study(fakes.experiment_table("digits", {"power-bald": {"beta": beta}}, seeds=seeds))
        fakes.write_study(tmp_path, study, accuracy=_steps)
    fakes.write_study(
        tmp_path, fakes.make_study(fakes.experiment_table("digits", ["random"], seeds=3)), accuracy=_steps
    )
    (experiment,) = load_results(tmp_path).experiments
    assert [(each.seed, each.manifest["options"]) for each in experiment.trials_of("power-bald")] == [
        (seed, {"beta": 4.0}) for seed in range(3)
    ]
    assert len(paired_trials(experiment, "power-bald", "random")) == 3
    assert [said.endswith("it has other options than most trials of power-bald.") for said in experiment.excluded] == [
        True,
        True,
    ]


def test_a_later_event_of_a_round_wins(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    (folder,) = tmp_path.glob("trials/digits/bald/*")
    with JournalStore(folder) as store:
        *_, last = store.read()
        store.append([last.model_copy(update={"metrics": {**last.metrics, "accuracy": 0.9}})])
    (trial,) = load_results(tmp_path).experiments[0].trials
    np.testing.assert_allclose(trial.metric("accuracy"), [0.5, 0.6, 0.9])


def test_a_torn_last_line_is_left_out_and_a_damaged_journal_is_set_aside_with_its_line(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    (journal,) = tmp_path.glob("trials/digits/bald/*/journal.jsonl")
    whole = journal.read_text()
    journal.write_text(whole[:-10])
    assert load_results(tmp_path).experiments[0].trials[0].labels == [20, 40]
    journal.write_text(whole.replace('"accuracy":0.6', '"accuracy":0.9'))
    (experiment,) = load_results(tmp_path).experiments
    assert experiment.trials == []
    assert experiment.missing == ()  # it has rounds
    assert "journal.jsonl, line 7 is damaged" in experiment.excluded[0]


def test_a_journal_without_one_of_its_rounds_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    names = ["random", "mine:score"]
    study = fakes.make_study(fakes.experiment_table("digits", names, seeds=2, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    (journal,) = tmp_path.glob("trials/digits/mine--score/seed-1-*/journal.jsonl")
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:3] + lines[6:]))
    (tmp_path / "trials/digits/random/seed-x").mkdir()
    (experiment,) = load_results(tmp_path).experiments
    assert len(experiment.trials) == 3
    assert len(experiment.expected) == 4
    assert experiment.missing == ()
    (said,) = experiment.excluded
    assert said.startswith("trials/digits/mine--score/seed-1-")
    assert "journal.jsonl, line 4 is damaged" in said


def test_arrays_that_were_altered_are_refused_by_name_and_their_trial_is_set_aside(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.moons_table(["bald"], seeds=2))
    grid = fakes.FakePlane(lambda ask: [fakes.NEAR] * 5)
    fakes.write_study(tmp_path, study, accuracy=_steps, grid=grid)
    trial, _ = load_results(tmp_path).experiments[0].trials
    stored = trial.arrays(1, "grid")
    assert stored is not None
    assert stored["labelled_inputs"].shape == (15, 2)
    assert trial.arrays(1, "information") is None
    (trial.folder / "arrays/round-001-grid.npz").write_bytes(b"other")
    with pytest.raises(JournalError) as caught:
        trial.arrays(1, "grid")
    assert caught.value.path == trial.folder / "arrays/round-001-grid.npz"
    assert len(load_results(tmp_path).experiments[0].trials) == 2  # its journal is sound
    (experiment,) = load_results(tmp_path, check_arrays=True).experiments
    assert [each.seed for each in experiment.trials] == [1]
    (said,) = experiment.excluded
    assert "round-001-grid.npz was altered" in said
    (trial.folder / "arrays/round-001-grid.npz").unlink()
    assert "round-001-grid.npz is missing" in load_results(tmp_path, check_arrays=True).experiments[0].excluded[0]


def test_a_folder_without_a_study_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_results(tmp_path)
    assert (caught.value.argument, caught.value.got) == ("out", str(tmp_path))


def test_experiments_of_the_same_title_are_told_apart(tmp_path: Path) -> None:
    tables = [fakes.experiment_table(name, ["bald"], title="Same", seeds=1, max_labels=40) for name in ("a", "b")]
    fakes.write_study(tmp_path, fakes.make_study(*tables), accuracy=_steps)
    assert [experiment.title for experiment in load_results(tmp_path).experiments] == ["Same (a)", "Same (b)"]


def test_a_journal_without_its_manifest_is_set_aside_with_what_is_missing(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=2, max_labels=60))
    fakes.write_study(tmp_path, study, accuracy=_steps)
    next(tmp_path.glob("trials/digits/bald/seed-1-*/manifest.json")).unlink()
    (experiment,) = load_results(tmp_path).experiments
    assert (len(experiment.trials), experiment.missing) == (1, ())
    assert "manifest.json is missing, but there is a journal beside it" in experiment.excluded[0]
