"""What a folder tells of a study: states, progress, errors, time spent and left."""

import json
import shutil

import pytest
from journal_fakes import experiment_table, make_study, write_study

from lindley.errors import InputError
from lindley.session.events import Answered, from_json, to_json
from lindley.session.failures import record_failure
from lindley.session.journal_file import JournalStore, read_events
from lindley.study.status import group_by_acquisition, study_status
from lindley.study.trials import trials_of

ROUNDS = 10
STUDY = make_study(experiment_table("digits", ["random", "bald"], seeds=3))
TRIALS = trials_of(STUDY)
DONE = dict(zip((trial.folder for trial in TRIALS), [None, 2, 0, 4, 0, 0], strict=True))
SECONDS = {"random": 2.0, "bald": 10.0}


def pace(out, acquisition):
    """Seconds a round, from the journals themselves."""
    rounds = [
        json.loads(line)["seconds"]
        for path in (out / "trials" / "digits" / acquisition).rglob("journal.jsonl")
        for line in path.read_text().splitlines()
        if '"event":"fitted"' in line
    ]
    return sum(sum(parts.values()) for parts in rounds) / len(rounds)


@pytest.fixture
def out(tmp_path):
    """One trial finished, two begun, three not."""
    return write_study(
        tmp_path / "out",
        STUDY,
        accuracy=lambda ask: 0.5 + ask.labels / 1000,
        select_seconds=lambda ask: SECONDS[ask.acquisition],
        rounds_done=lambda trial: DONE[trial.folder],
    )


def states(out):
    return [trial.state for trial in study_status(out).trials]


def test_a_trial_is_finished_stopped_or_not_started(out):
    assert states(out) == ["finished", "stopped", "not started", "stopped", "not started", "not started"]


def test_a_trial_that_a_process_holds_is_under_way_there_with_its_progress(out):
    with JournalStore(out / TRIALS[1].folder, process=7):
        trial = study_status(out).trials[1]
    assert (trial.state, trial.holder) == ("under way", "process 7")
    assert (trial.rounds_done, trial.rounds, trial.labels, trial.accuracy) == (2, ROUNDS, 40, 0.54)


def test_a_trial_that_failed_says_why_until_it_is_tried_again(out):
    for trial in (TRIALS[0], TRIALS[1], TRIALS[2]):
        record_failure(out / trial.folder, "diverged")
    assert states(out)[:3] == ["finished", "failed", "failed"]
    assert [trial.error for trial in study_status(out).trials[:3]] == [None, "diverged", "diverged"]
    with JournalStore(out / TRIALS[1].folder):
        assert states(out)[1] == "under way"


def test_a_damaged_journal_is_a_failed_trial(out):
    (out / TRIALS[1].folder / "journal.jsonl").write_bytes(b"{}\n")
    trial = study_status(out).trials[1]
    assert trial.state == "failed"
    assert "line 1 is damaged" in trial.error


def test_a_journal_of_foreign_data_is_a_failed_trial(out):
    path = out / TRIALS[0].folder / "journal.jsonl"
    events = read_events(path.parent)
    for change in ({"value": [10] * 20}, {"row": list(range(2000, 2020))}):
        path.unlink()
        with JournalStore(path.parent) as store:
            place = next(place for place, event in enumerate(events) if isinstance(event, Answered))
            changed = from_json({**to_json(events[place]), **change})
            store.append([*events[:place], changed, *events[place + 1 :]])
        trial = study_status(out).trials[0]
        assert trial.state == "failed"
        assert str(path) in trial.error


def test_a_folder_with_the_files_of_another_trial_is_a_failed_trial(out):
    folder = out / TRIALS[2].folder
    shutil.copytree(out / TRIALS[0].folder, folder, dirs_exist_ok=True)
    trial = study_status(out).trials[2]
    assert trial.state == "failed"
    assert str(folder) in trial.error


def test_a_line_that_is_being_written_is_not_counted(out):
    path = out / TRIALS[1].folder / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[-1][:50])
    assert study_status(out).trials[1].rounds_done == 2


def test_time_left_is_that_of_the_missing_rounds_by_acquisition(out):
    random, bald = pace(out, "random"), pace(out, "bald")
    assert bald > random + 5
    status = study_status(out)
    assert status.seconds == pytest.approx(10 * random + (2 + 4) * bald)
    work = (10 + 10) * random + (8 + 6 + 10) * bald
    assert status.work_left == pytest.approx(work)
    assert status.seconds_left == pytest.approx(work)


def test_time_left_is_shared_among_the_trials_under_way(out):
    alone = study_status(out).work_left
    with JournalStore(out / TRIALS[1].folder), JournalStore(out / TRIALS[3].folder):
        assert study_status(out).seconds_left == pytest.approx(alone / 2)


def test_time_of_a_trial_that_failed_is_not_waited_for(out):
    record_failure(out / TRIALS[3].folder, "diverged")
    expected = 20 * pace(out, "random") + (8 + 10) * pace(out, "bald")
    assert study_status(out).work_left == pytest.approx(expected)


def test_an_acquisition_without_a_round_is_estimated_from_the_others(out):
    shutil.rmtree(out / "trials" / "digits" / "bald")
    assert study_status(out).work_left == pytest.approx((10 + 10 + 30) * pace(out, "random"))


def test_before_a_round_has_finished_no_time_is_known(tmp_path):
    write_study(tmp_path, STUDY, accuracy=lambda ask: 0.5, rounds_done=lambda trial: 0)
    status = study_status(tmp_path)
    assert (status.work_left, status.seconds_left) == (None, None)


def test_a_finished_study_has_no_time_left(tmp_path):
    write_study(tmp_path, STUDY, accuracy=lambda ask: 0.5)
    assert (study_status(tmp_path).work_left, study_status(tmp_path).seconds_left) == (0, 0)


def test_a_copy_from_elsewhere_tells_the_same(out, tmp_path):
    with JournalStore(out / TRIALS[1].folder):
        shutil.copytree(out, tmp_path / "copy")  # with the name of a holder that holds nothing there
    assert study_status(tmp_path / "copy") == study_status(out)


def test_trials_are_listed_by_experiment_and_acquisition(out):
    groups = group_by_acquisition(study_status(out).trials)
    assert {name: [trial.seed for trial in trials] for name, trials in groups.items()} == {
        ("digits", "random"): [0, 1, 2],
        ("digits", "bald"): [0, 1, 2],
    }


def test_a_study_of_another_version_is_refused_with_its_key(out):
    (out / "study.json").write_text((out / "study.json").read_text().replace('"seeds"', '"sown"'))
    with pytest.raises(InputError) as caught:
        study_status(out)
    assert caught.value.argument == "experiments.0.sown"


@pytest.mark.parametrize("content", [None, "{}"])
def test_a_trial_without_a_sound_manifest_is_no_finished_one(out, content):
    """Nor is it in a report, or for a run that goes on."""
    path = out / TRIALS[0].folder / "manifest.json"
    path.unlink() if content is None else path.write_text(content)
    trial = study_status(out).trials[0]
    assert trial.state == "failed"
    assert "manifest.json is " in (trial.error or "")
