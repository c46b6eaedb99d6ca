"""Status of a study, read from its folder at any time, also while it runs. This module does not import torch."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lindley.errors import LindleyError
from lindley.session.failures import read_failure
from lindley.session.journal_file import FILE_NAME
from lindley.session.locks import find_holder
from lindley.session.manifest import read_trial_manifest
from lindley.session.state import Round, SessionState, read_state
from lindley.study.folder import read_study
from lindley.study.running.eta import RoundTimes
from lindley.study.trials import Trial, trial_name, trials_of
from lindley.text import escape_controls, escape_line

State = Literal["finished", "under way", "failed", "stopped", "not started"]


@dataclass(frozen=True)
class TrialStatus:
    """Status of one trial."""

    experiment: str
    acquisition: str
    seed: int
    folder: str
    state: State
    """"under way": a process holds it; "stopped": it has started and no process holds it."""
    rounds_done: int = 0
    rounds: int = 0
    """Number of rounds of the complete trial."""
    labels: int = 0
    """Number of training labels of the last model."""
    accuracy: float | None = None
    """Test accuracy of the last model."""
    seconds: float = 0.0
    """Seconds of the recorded rounds."""
    holder: str | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        return trial_name(self.experiment, self.acquisition, self.seed)

    @property
    def rounds_left(self) -> int:
        return max(0, self.rounds - self.rounds_done) if self.state != "finished" else 0


@dataclass(frozen=True)
class StudyStatus:
    """Status of all trials of a study, in its order."""

    name: str
    title: str
    trials: tuple[TrialStatus, ...]

    def count(self, state: State) -> int:
        """Return the number of trials in this state."""
        return sum(trial.state == state for trial in self.trials)

    @property
    def seconds(self) -> float:
        """Seconds of all recorded rounds, summed over workers."""
        return math.fsum(trial.seconds for trial in self.trials)

    @property
    def work_left(self) -> float | None:
        """Expected seconds of the missing rounds of all trials that did not fail, run one after the other.

        The expected time of a round is the mean over its experiment and acquisition, else over its experiment, else
        over the study. None until a round has finished.
        """
        work = self._work()
        return None if work is None else math.fsum(work)

    @property
    def seconds_left(self) -> float | None:
        """Expected seconds with one worker per running trial, or one worker; at least those of the longest trial."""
        work = self._work()
        return None if work is None else max(math.fsum(work) / max(1, self.count("under way")), max(work, default=0.0))

    def _work(self) -> list[float] | None:
        paces, work = RoundTimes(), []
        for trial in self.trials:
            paces.record(trial.experiment, trial.acquisition, trial.seconds, trial.rounds_done)
        for trial in (each for each in self.trials if each.rounds_left and each.state != "failed"):
            pace = paces.seconds_per_round(trial.experiment, trial.acquisition)
            if pace is None:
                return None
            work.append(pace * trial.rounds_left)
        return work


def study_status(out: str | os.PathLike[str]) -> StudyStatus:
    """Return the status of a study's folder, without a lock; a copied folder works too.

    Raises InputError where it holds no study. A trial whose journal is damaged counts as failed.
    """
    out = Path(out)
    study = read_study(out)
    return StudyStatus(
        escape_line(study.name), escape_line(study.title), tuple(_status(trial, out) for trial in trials_of(study))
    )


def group_by_acquisition(trials: Iterable[TrialStatus]) -> dict[tuple[str, str], list[TrialStatus]]:
    """Return the trials by (experiment, acquisition), in the order of the study."""
    groups: dict[tuple[str, str], list[TrialStatus]] = {}
    for trial in trials:
        groups.setdefault((trial.experiment, trial.acquisition), []).append(trial)
    return groups


def _status(trial: Trial, out: Path) -> TrialStatus:
    folder, schedule = out / trial.folder, trial.experiment.schedule
    names = (trial.experiment.name, trial.acquisition, trial.seed, trial.folder)
    holder = find_holder(folder / FILE_NAME)
    try:
        state = read_state(folder)
        read_trial_manifest(folder, state, key=trial.key)
    except (LindleyError, OSError) as error:
        return TrialStatus(*names, "failed", rounds=schedule.num_rounds, error=escape_controls(str(error)))
    complete = state.is_complete(schedule.max_labels)
    failure = None if complete or holder else read_failure(folder)
    last = state.rounds[-1] if state.rounds else None
    return TrialStatus(
        *names,
        _state(state, complete, holder, failure is not None),
        rounds_done=min(len(state.rounds), schedule.num_rounds),
        rounds=schedule.num_rounds,
        labels=last.labels if last else 0,
        accuracy=last.metrics.get("accuracy") if last else None,
        seconds=_seconds(state.rounds),
        holder=None if complete else holder,
        error=failure.message if failure else None,
    )


def _state(state: SessionState, complete: bool, holder: str | None, failed: bool) -> State:
    if complete:
        return "finished"
    if holder is not None:
        return "under way"
    if failed:
        return "failed"
    return "not started" if state.key is None else "stopped"


def _seconds(rounds: Sequence[Round]) -> float:
    return sum((value for each in rounds for value in each.fit.seconds.values()), 0.0)
