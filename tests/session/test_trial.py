"""A trial: run to its end, stopped anywhere and continued, and continued to more labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lindley.errors import InputError, JournalError
from lindley.session import trial
from lindley.session.events import Answered, Queried, Resumed, Started, from_json, to_json
from lindley.session.files import load_arrays
from lindley.session.journal_file import JournalStore, read_events
from lindley.session.manifest import write_manifest
from lindley.session.rounds import Observation
from lindley.session.state import read_state
from lindley.session.trial import run_trial


def kept(folder):
    """The rounds that stand, without what may differ."""
    return [
        (each.fit.model_copy(update={"seconds": {}}), each.query, each.fingerprint)
        for each in read_state(folder).rounds
    ]


def rounds_of(folder):
    return read_state(folder).rounds


def labelled(folder):
    """The rows that were labelled to learn from, in order."""
    return [answer.row for answer in read_state(folder).answers_for("initial", "train")]


@pytest.fixture
def observed(setup):
    """The trial with an observer that measures and stores."""

    def look(view):
        means = view.draws.means.numpy()
        return Observation({"accuracy": float(means.mean())}, {"means": means, "rows": view.labels.rows.numpy()})

    return replace(setup, observers={"look": look})


def test_a_trial_ends_at_max_labels_with_a_fit_and_no_selection(setup, tmp_path):
    run_trial(setup, tmp_path)
    rounds = rounds_of(tmp_path)
    assert [each.labels for each in rounds] == [6, 10, 14, 16]
    assert [each.query is None for each in rounds] == [False, False, False, True]
    assert setup.schedule.num_rounds == 4
    assert read_state(tmp_path).is_complete(16)


def test_every_label_is_stored_once_and_is_the_oracles(setup, tmp_path):
    run_trial(setup, tmp_path)
    state = read_state(tmp_path)
    assert len(state.answers) == 16
    assert all(answer.value == setup.classes[row] for row, answer in state.answers.items())
    assert labelled(tmp_path)[6:] == [row for each in state.rounds for row in each.rows]


def test_rows_of_none_of_the_classes_count_as_labels_and_the_trial_continues(setup, tmp_path):
    classes = setup.classes.clone()
    classes[::3] = -1
    run_trial(replace(setup, classes=classes), tmp_path)
    state = read_state(tmp_path)
    assert [each.labels for each in state.rounds] == [6, 10, 14, 16]
    assert set(state.none_of_the_classes) == {row for row in labelled(tmp_path) if row % 3 == 0}
    assert state.none_of_the_classes


def test_a_balanced_start_is_balanced(setup, tmp_path):
    run_trial(setup, tmp_path)
    initial = read_state(tmp_path).queries[0].rows
    assert sorted(setup.classes[initial].tolist()) == [0, 0, 1, 1, 2, 2]


def test_a_finished_trial_runs_nothing(setup, tmp_path):
    run_trial(setup, tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    events = []
    run_trial(setup, tmp_path, on_progress=events.append)
    assert events == []
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_a_finished_trial_is_rid_of_what_a_kill_left_and_keeps_the_rest(observed, tmp_path):
    run_trial(observed, tmp_path)
    before = sorted((tmp_path / "arrays").iterdir())
    (tmp_path / "arrays" / "round-003-look.npz.partial").touch()
    run_trial(observed, tmp_path)
    assert sorted((tmp_path / "arrays").iterdir()) == before
    assert len(before) == 4


def test_each_stage_and_round_is_reported(setup, tmp_path):
    events = []
    run_trial(setup, tmp_path, on_progress=events.append)
    assert [event["stage"] for event in events[:4]] == ["fit", "select", "observe", "round"]
    assert [event["labels"] for event in events if event["stage"] == "round"] == [6, 10, 14, 16]
    assert {event["rounds"] for event in events} == {4}


def test_observations_lie_in_the_journal_and_beside_it(observed, tmp_path):
    run_trial(observed, tmp_path)
    fit = rounds_of(tmp_path)[2].fit
    assert fit.arrays["look"].file == "arrays/round-002-look.npz"
    arrays = load_arrays(tmp_path, fit.arrays["look"])
    assert arrays["rows"].tolist() == labelled(tmp_path)[:14]
    assert fit.metrics["accuracy"] == float(arrays["means"].mean())


@pytest.mark.parametrize("allowed", range(11))
def test_a_trial_stopped_before_any_append_continues_to_the_same_bits(observed, tmp_path, monkeypatch, allowed):
    run_trial(observed, tmp_path / "whole")
    append = JournalStore.append
    written = []

    def stopping(store, events):
        if len(written) == allowed:
            raise InterruptedError
        written.append(events)
        return append(store, events)

    with monkeypatch.context() as patch:
        patch.setattr(JournalStore, "append", stopping)
        if allowed < 10:  # the start, the first query and its answers; three rounds and their answers; the last fit
            with pytest.raises(InterruptedError):
                run_trial(observed, tmp_path / "stopped")
        else:
            run_trial(observed, tmp_path / "stopped")
    run_trial(observed, tmp_path / "stopped")
    assert kept(tmp_path / "stopped") == kept(tmp_path / "whole")
    files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.npz"))
    assert files == sorted(path.relative_to(tmp_path / "stopped") for path in (tmp_path / "stopped").rglob("*.npz"))
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "stopped" / file).read_bytes()


def test_a_stopped_trial_repeats_only_the_round_under_way(setup, until, tmp_path):
    run_trial(until(10), tmp_path)
    events = []
    run_trial(setup, tmp_path, on_progress=events.append)
    assert [event["round"] for event in events if event["stage"] == "fit"] == [1, 2, 3]


@pytest.mark.parametrize("first_max", [6, 9, 10, 13])
def test_more_labels_give_what_a_single_longer_trial_gives(observed, tmp_path, first_max):
    shorter = replace(observed, schedule=replace(observed.schedule, max_labels=first_max))
    run_trial(shorter, tmp_path / "extended")
    assert rounds_of(tmp_path / "extended")[-1].labels == first_max
    run_trial(observed, tmp_path / "extended")
    run_trial(observed, tmp_path / "single")
    extended, single = rounds_of(tmp_path / "extended"), rounds_of(tmp_path / "single")
    assert [(each.query, each.fingerprint, each.metrics) for each in extended] == [
        (each.query, each.fingerprint, each.metrics) for each in single
    ]
    for mine, theirs in zip(extended, single, strict=True):
        assert np.array_equal(
            load_arrays(tmp_path / "extended", mine.fit.arrays["look"])["means"],
            load_arrays(tmp_path / "single", theirs.fit.arrays["look"])["means"],
        )
    assert len(list((tmp_path / "extended" / "arrays").iterdir())) == 4


def test_fewer_labels_than_are_known_leave_the_trial_alone(setup, until, tmp_path):
    run_trial(setup, tmp_path)
    before = (tmp_path / "journal.jsonl").read_bytes()
    run_trial(until(11), tmp_path)
    assert (tmp_path / "journal.jsonl").read_bytes() == before


def test_a_change_of_versions_is_reported_and_recorded(setup, until, tmp_path):
    run_trial(until(10), tmp_path)
    newer = replace(setup, manifest={**setup.manifest, "versions": {"torch": "2.1", "numpy": "2.0"}})
    events = []
    run_trial(newer, tmp_path, on_progress=events.append)
    assert events[0]["stage"] == "resumed"
    assert "torch 2.0 -> 2.1" in events[0]["message"]
    recorded = read_state(tmp_path).resumptions
    assert [(event.round, event.changes) for event in recorded] == [(1, {"torch": ["2.0", "2.1"]})]


def test_a_change_of_code_is_reported_by_its_first_digits_and_recorded_whole(setup, until, tmp_path):
    run_trial(until(10), tmp_path)
    events = []
    run_trial(replace(setup, manifest={**setup.manifest, "code": "b" * 64}), tmp_path, on_progress=events.append)
    assert events[0]["message"].endswith("code None -> bbbbbbbb")
    assert read_state(tmp_path).resumptions[0].changes == {"code": [None, "b" * 64]}


def test_the_same_versions_are_not_recorded(setup, until, tmp_path):
    run_trial(until(10), tmp_path)
    run_trial(setup, tmp_path)
    assert not any(isinstance(event, Resumed) for event in read_events(tmp_path))


def test_altered_arrays_stop_a_trial_from_going_on(observed, tmp_path):
    run_trial(replace(observed, schedule=replace(observed.schedule, max_labels=10)), tmp_path)
    path = tmp_path / "arrays" / "round-000-look.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(JournalError) as caught:
        run_trial(observed, tmp_path)
    assert caught.value.path == path


def test_a_metric_that_is_nan_is_never_written(setup, tmp_path):
    sick = replace(setup, observers={"look": lambda view: Observation({"nll": float("nan")})})
    with pytest.raises(JournalError) as caught:
        run_trial(sick, tmp_path)
    assert caught.value.path == tmp_path / "journal.jsonl"
    assert kept(tmp_path) == []


def write_anew(folder, change):
    """Write the journal again, its hashes too, with each event changed."""
    events = [change(event) for event in read_events(folder)]
    (folder / "journal.jsonl").unlink()
    with JournalStore(folder) as store:
        store.append(events)


def with_class_7(event):
    return from_json({**to_json(event), "value": [7, *event.value[1:]]}) if isinstance(event, Answered) else event


def with_row_60(event):
    last = isinstance(event, Queried) and event.round == 1
    return event.model_copy(update={"rows": [*event.rows[:-1], 60]}) if last else event


@pytest.mark.parametrize("change", [with_class_7, with_row_60])
@pytest.mark.parametrize(
    ("sizes", "max_labels"),
    [
        ({}, 16),
        ({"num_rows": 60, "class_names": ["a", "b", "c"]}, 16),
        ({"num_rows": 60, "class_names": ["a", "b", "c"]}, 11),
    ],
    ids=["by the pool and the task", "by the manifest", "finished, by the manifest"],
)
def test_classes_and_rows_that_there_are_not_name_the_journal(until, tmp_path, change, sizes, max_labels):
    shorter, longer = (replace(until(end), manifest={**until(end).manifest, **sizes}) for end in (11, max_labels))
    run_trial(shorter, tmp_path)
    write_anew(tmp_path, change)
    with pytest.raises(JournalError) as caught:
        run_trial(longer, tmp_path)
    assert caught.value.path == tmp_path / "journal.jsonl"


def test_a_trial_without_a_round_begins_anew_where_its_rows_are_in_the_pool_no_more(setup, tmp_path):
    with JournalStore(tmp_path) as store:
        store.append([Started(key=setup.manifest["key"]), Queried(round=0, purpose="initial", rows=[1, 99])])
    write_manifest(tmp_path, setup.manifest)
    run_trial(setup, tmp_path)
    assert read_state(tmp_path).is_complete(16)


def test_another_trial_in_the_folder_is_refused_also_where_it_is_finished(until, tmp_path):
    run_trial(until(11), tmp_path)
    other = replace(until(11), manifest={**until(11).manifest, "key": "b" * 64})
    with pytest.raises(JournalError) as caught:
        run_trial(other, tmp_path)
    assert caught.value.path == tmp_path / "manifest.json"


@pytest.mark.parametrize("max_labels", [5, 61])
def test_an_impossible_number_of_labels_is_refused_at_once(until, max_labels):
    with pytest.raises(InputError) as caught:
        until(max_labels)
    assert (caught.value.argument, caught.value.got) == ("schedule.max_labels", max_labels)


def test_classes_of_another_pool_are_refused(setup):
    with pytest.raises(InputError) as caught:
        replace(setup, classes=setup.classes[:59])
    assert (caught.value.argument, caught.value.got) == ("classes", [59])


@pytest.fixture
def stopped(setup):
    """The trial with five validation labels, and what its learner was given in each fit."""
    given = []

    class Learner:
        def fit(self, data, *, previous=None, seed):
            given.append((set(data.labels.rows.tolist()), data.validation))
            return setup.rounds.learner.fit(data, seed=seed)

    schedule = replace(setup.schedule, validation_labels=5, max_labels=setup.schedule.max_labels + 5)
    return replace(setup, rounds=replace(setup.rounds, learner=Learner()), schedule=schedule), given


def test_validation_labels_are_counted_given_to_every_fit_and_queried_by_none(stopped, tmp_path):
    setup, given = stopped
    run_trial(setup, tmp_path)
    assert [each.labels for each in rounds_of(tmp_path)] == [11, 15, 19, 21]
    assert setup.schedule.num_rounds == 4
    rows = read_state(tmp_path).queries[1].rows
    assert len(set(rows)) == 5
    assert not set(rows) & set(labelled(tmp_path))
    for labels, validation in given:
        assert validation.rows.tolist() == rows
        assert validation.values.tolist() == setup.classes[rows].tolist()
        assert not labels & set(rows)
    assert [len(labels) for labels, _ in given] == [6, 10, 14, 16]


def test_a_trial_with_validation_labels_continues_to_the_same(stopped, tmp_path):
    setup, _ = stopped
    run_trial(setup, tmp_path / "whole")
    shorter = replace(setup, schedule=replace(setup.schedule, max_labels=15))
    run_trial(shorter, tmp_path / "extended")
    assert [each.labels for each in rounds_of(tmp_path / "extended")] == [11, 15]
    run_trial(setup, tmp_path / "extended")
    assert kept(tmp_path / "extended") == kept(tmp_path / "whole")


def test_validation_labels_are_those_of_the_journal_whatever_the_code_would_draw_now(stopped, tmp_path, monkeypatch):
    setup, given = stopped
    run_trial(replace(setup, schedule=replace(setup.schedule, max_labels=15)), tmp_path)
    rows = read_state(tmp_path).queries[1].rows
    monkeypatch.setattr(trial, "validation_rows", lambda *given, **named: torch.arange(55, 60))
    run_trial(setup, tmp_path)
    assert rows != [*range(55, 60)]
    assert [validation.rows.tolist() for _, validation in given] == [rows] * len(given)


def test_without_validation_labels_no_learner_is_given_any(setup, tmp_path):
    seen = []

    class Learner:
        def fit(self, data, *, previous=None, seed):
            seen.append(data.validation)
            return setup.rounds.learner.fit(data, seed=seed)

    run_trial(replace(setup, rounds=replace(setup.rounds, learner=Learner())), tmp_path)
    assert set(seen) == {None}
    assert len(read_state(tmp_path).queries) == 1


def test_more_validation_labels_than_there_are_rows_are_refused(setup):
    with pytest.raises(InputError) as caught:
        replace(setup, schedule=replace(setup.schedule, validation_labels=55, max_labels=60))
    assert caught.value.argument == "schedule.max_labels"
