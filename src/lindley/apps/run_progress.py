"""The progress of a run and the time that it still needs, folded from the events of its workers. No output here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lindley.session.progress import ProgressEvent
from lindley.study.running.eta import RoundTimes
from lindley.study.trials import Trial, trial_name

_STABLE_ROUNDS, _STABLE_RATIO = 5, 1.2
"""An estimate is stable when the totals after so many rounds lie within this ratio of each other."""


@dataclass
class TrialProgress:
    """The progress of one trial."""

    experiment: str
    acquisition: str
    seed: int
    rounds: int
    finished_rounds: int = 0
    labels: int = 0
    accuracy: float | None = None
    stage: str = "waiting"
    holder: str = ""
    """The other process that runs the trial, where there is one: then the stage is "held"."""

    @property
    def name(self) -> str:
        return trial_name(self.experiment, self.acquisition, self.seed)


@dataclass
class RunProgress:
    """The progress of all trials: call it with every event; read trials, counts and seconds_left at any time."""

    trials: dict[str, TrialProgress]
    clock: Callable[[], float] = time.monotonic
    _most_running: int = 1
    _since: dict[str, float] = field(default_factory=dict)
    _round_times: RoundTimes = field(default_factory=RoundTimes)
    _start: float | None = None
    _first_trials: set[str] = field(default_factory=set)
    _any_finished: bool = False
    _totals: deque[float] = field(default_factory=lambda: deque(maxlen=_STABLE_ROUNDS))

    @classmethod
    def from_trials(cls, trials: Sequence[Trial], *, clock: Callable[[], float] = time.monotonic) -> RunProgress:
        """Return the progress of a study before anything has run."""
        return cls(
            {
                trial.folder: TrialProgress(
                    trial.experiment.name, trial.acquisition, trial.seed, trial.experiment.schedule.num_rounds
                )
                for trial in trials
            },
            clock,
        )

    def __call__(self, event: ProgressEvent) -> TrialProgress:
        """Take an event in and return the progress of its trial."""
        trial = self.trials[event["trial"]]
        if event["stage"] == "sink-failed":  # the trial goes on
            return trial
        trial.holder = event.get("holder", "")
        if event["stage"] not in ("waiting", "held", "complete"):
            self._begin(event["trial"])
        self._any_finished |= event["stage"] == "finished"
        trial.stage = "done" if event["stage"] in ("finished", "complete") else event["stage"]
        trial.labels = event.get("labels") or trial.labels
        if event.get("accuracy") is not None:
            trial.accuracy = event["accuracy"]
        trial.finished_rounds = max(trial.finished_rounds, event.get("round", 0))  # earlier rounds are finished
        if trial.stage == "round":
            trial.finished_rounds += 1
            self._record(event["trial"], trial)
        elif trial.stage == "done":
            trial.finished_rounds = trial.rounds
        self._most_running = max(self._most_running, len(self.trials_running))
        if trial.stage == "round" and self._start is not None and (left := self.seconds_left) is not None:
            self._totals.append(self.clock() - self._start + left)
        return trial

    @property
    def num_done(self) -> int:
        """The number of trials that are complete."""
        return sum(trial.stage == "done" for trial in self.trials.values())

    @property
    def num_failed(self) -> int:
        """The number of trials that failed."""
        return sum(trial.stage == "failed" for trial in self.trials.values())

    @property
    def trials_running(self) -> list[TrialProgress]:
        """The trials that this process runs, in the order of the study."""
        return [trial for trial in self.trials.values() if trial.stage not in ("waiting", "held", "done", "failed")]

    @property
    def trials_held(self) -> list[TrialProgress]:
        """The trials that other processes run."""
        return [trial for trial in self.trials.values() if trial.stage == "held"]

    @property
    def waits_for_others(self) -> bool:
        """Whether other processes run all trials that are left."""
        return all(trial.stage in ("held", "done", "failed") for trial in self.trials.values())

    @property
    def fraction_done(self) -> float:
        """Finished rounds over all rounds, 0..1."""
        finished = sum(trial.finished_rounds for trial in self.trials.values())
        return finished / max(1, sum(trial.rounds for trial in self.trials.values()))

    @property
    def seconds_left(self) -> float | None:
        """The seconds until all trials are done, by the mean of finished rounds like the remaining ones.

        None until a round has finished that does not include the start of its worker.
        """
        work, own_work = [], []
        for trial in (each for each in self.trials.values() if each.stage not in ("done", "failed")):
            seconds = self._round_times.seconds_per_round(trial.experiment, trial.acquisition)
            if seconds is None:
                return None
            work.append(seconds * (trial.rounds - trial.finished_rounds))
            own_work += work[-1:] if trial.stage != "held" else []
        if not work:
            return 0.0
        return max(sum(own_work) / self._most_running, max(work))  # a trial runs in one worker only

    @property
    def stable_seconds_left(self) -> float | None:
        """`seconds_left` once the last estimates of the whole duration agree, else None."""
        stable = len(self._totals) == _STABLE_ROUNDS and max(self._totals) <= _STABLE_RATIO * min(self._totals)
        return self.seconds_left if stable else None

    def _begin(self, key: str) -> None:
        if key in self._since:
            return
        self._since[key] = self.clock()
        self._start = self._since[key] if self._start is None else self._start
        if not self._any_finished:
            self._first_trials.add(key)

    def _record(self, key: str, trial: TrialProgress) -> None:
        """Record the seconds of a round, unless it is a worker's first: that includes imports and reading data."""
        now = self.clock()
        if key in self._first_trials:
            self._first_trials.remove(key)
        else:
            self._round_times.record(trial.experiment, trial.acquisition, now - self._since[key])
        self._since[key] = now


def format_duration(seconds: float) -> str:
    """Return a duration in words.

    >>> format_duration(42), format_duration(185), format_duration(7500)
    ('42 s', '3 min', '2 h 05 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
