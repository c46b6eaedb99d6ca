"""What TensorBoard's own reader finds: each round once, whatever was killed in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from journal_fakes import experiment_table, make_study, rising, write_study

from lindley.session.events import Fitted
from lindley.session.state import read_state
from lindley.study import trials_of
from lindley.study.sinks.catalogue import open_sink

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

STUDY = make_study(experiment_table("digits", ["random"], seeds=2, max_labels=80))
TRIAL, OTHER = trials_of(STUDY)


@pytest.fixture
def rounds(tmp_path: Path) -> list[Fitted]:
    """The rounds of a finished trial."""
    write_study(tmp_path / "out", STUDY, accuracy=rising)
    return [each.fit for each in read_state(tmp_path / "out" / TRIAL.folder).rounds]


def show(folder: Path, rounds: list[Fitted], *, ended: bool = True) -> set[int]:
    """Show rounds in a run of its own; returns the steps that were there before."""
    sink = open_sink(f"tensorboard:{folder}", STUDY, folder / "unused")
    known = set(sink.start_trial(TRIAL))
    for fit in rounds:
        if fit.labels not in known:
            sink.log_round(TRIAL, fit)
    if ended:
        sink.end_trial(TRIAL, "finished")
    return known


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    """(step, value) as TensorBoard reads them, in order."""
    (place,) = {path.parent for path in folder.rglob("events.out.tfevents*")}
    assert place == folder / "digits" / "random" / Path(TRIAL.folder).name
    return [(each.step, each.value) for each in accumulator.EventAccumulator(str(place)).Reload().Scalars(name)]


def test_every_number_of_a_round_is_a_scalar_at_its_number_of_labels(tmp_path, rounds):
    show(tmp_path / "logs", rounds)
    accuracy = [(fit.labels, fit.metrics["accuracy"]) for fit in rounds]
    assert dict(scalars(tmp_path / "logs", "accuracy")) == pytest.approx(dict(accuracy))
    fit = [(fit.labels, fit.seconds["fit"]) for fit in rounds]
    assert dict(scalars(tmp_path / "logs", "seconds/fit")) == pytest.approx(dict(fit))
    assert [value for _, value in scalars(tmp_path / "logs", "round")] == [0, 1, 2, 3]


def test_a_later_run_adds_only_what_is_missing(tmp_path, rounds):
    assert show(tmp_path / "logs", rounds[:2]) == set()
    assert show(tmp_path / "logs", rounds) == {20, 40}
    assert [step for step, _ in scalars(tmp_path / "logs", "accuracy")] == [20, 40, 60, 80]
    files = list((tmp_path / "logs").rglob("events*"))
    assert show(tmp_path / "logs", rounds) == {20, 40, 60, 80}
    assert list((tmp_path / "logs").rglob("events*")) == files


def test_a_file_cut_off_at_any_byte_is_completed_with_every_round_once(tmp_path, rounds):
    show(tmp_path / "logs", rounds[:2])
    (file,) = (tmp_path / "logs").rglob("events*")
    whole = file.read_bytes()
    file = file.rename(file.with_name("events.out.tfevents.1700000000.host.1.0"))  # of an earlier second, as a run is
    for size in range(0, len(whole), 37):
        for path in (tmp_path / "logs").rglob("events*"):
            path.unlink()
        file.write_bytes(whole[:size])
        show(tmp_path / "logs", rounds)
        for name in ("accuracy", "round"):
            assert [step for step, _ in scalars(tmp_path / "logs", name)] == [20, 40, 60, 80], size


def test_the_folder_is_in_the_output_folder_when_none_is_named(tmp_path, rounds):
    sink = open_sink("tensorboard", STUDY, tmp_path / "run")
    sink.start_trial(TRIAL)
    sink.log_round(TRIAL, rounds[0])
    sink.end_trial(TRIAL, "stopped")
    assert len(list((tmp_path / "run" / "tensorboard").rglob("events*"))) == 1
    sink.start_trial(OTHER)
    sink.end_trial(OTHER, "failed")
    assert len(list((tmp_path / "run" / "tensorboard").rglob("events*"))) == 1
