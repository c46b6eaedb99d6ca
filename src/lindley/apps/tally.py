"""How far a study has come, and how long the rest will take: the notices of its workers, folded. No output here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lindley.session.progress import ProgressEvent
from lindley.study.running.eta import RoundTimes
from lindley.study.trials import Trial, trial_name


@dataclass
class Line:
    """One trial as the person who waits sees it."""

    panel: str
    acquisition: str
    seed: int
    rounds: int
    finished_rounds: int = 0
    labels: int = 0
    accuracy: float | None = None
    stage: str = "waiting"
    holder: str = ""
    """The process that runs it, where that is another one: then the stage is "held"."""

    @property
    def name(self) -> str:
        return trial_name(self.panel, self.acquisition, self.seed)


@dataclass
class Tally:
    """The fold: call it with every notice; read lines, counts and seconds_left at any time."""

    lines: dict[str, Line]
    clock: Callable[[], float] = time.monotonic
    _most_running: int = 1
    _since: dict[str, float] = field(default_factory=dict)
    _paces: RoundTimes = field(default_factory=RoundTimes)

    @classmethod
    def of(cls, trials: Sequence[Trial], *, clock: Callable[[], float] = time.monotonic) -> Tally:
        """The tally of a study before anything has run."""
        lines = {
            trial.folder: Line(
                trial.experiment.name, trial.acquisition, trial.seed, trial.experiment.schedule.num_rounds
            )
            for trial in trials
        }
        return cls(lines, clock)

    def __call__(self, notice: ProgressEvent) -> Line:
        """Take one notice in; returns the line of its trial."""
        line = self.lines[notice["trial"]]
        if notice["stage"] == "sink-failed":  # the trial goes on
            return line
        line.holder = notice.get("holder", "")
        if notice["stage"] not in ("waiting", "held", "complete"):
            self._since.setdefault(notice["trial"], self.clock())
        line.stage = "done" if notice["stage"] in ("finished", "complete") else notice["stage"]
        line.labels = notice.get("labels") or line.labels
        if notice.get("accuracy") is not None:
            line.accuracy = notice["accuracy"]
        line.finished_rounds = max(line.finished_rounds, notice.get("round", 0))  # those before it are finished
        if line.stage == "round":
            line.finished_rounds += 1
            self._record(notice["trial"], line)
        elif line.stage == "done":
            line.finished_rounds = line.rounds
        self._most_running = max(self._most_running, len(self.running))
        return line

    @property
    def done(self) -> int:
        """Trials that are complete."""
        return sum(line.stage == "done" for line in self.lines.values())

    @property
    def failed(self) -> int:
        return sum(line.stage == "failed" for line in self.lines.values())

    @property
    def running(self) -> list[Line]:
        """Trials under way here, in the order of the study."""
        return [line for line in self.lines.values() if line.stage not in ("waiting", "held", "done", "failed")]

    @property
    def held(self) -> list[Line]:
        """Trials that other processes run."""
        return [line for line in self.lines.values() if line.stage == "held"]

    @property
    def only_held(self) -> bool:
        """Whether other processes run all that is left."""
        return all(line.stage in ("held", "done", "failed") for line in self.lines.values())

    @property
    def share(self) -> float:
        """Finished rounds of all rounds, 0..1."""
        finished = sum(line.finished_rounds for line in self.lines.values())
        return finished / max(1, sum(line.rounds for line in self.lines.values()))

    @property
    def seconds_left(self) -> float | None:
        """From the mean of the finished rounds like those that remain; None until a round has finished."""
        work, ours = [], []
        for line in (each for each in self.lines.values() if each.stage not in ("done", "failed")):
            pace = self._paces.seconds_per_round(line.panel, line.acquisition)
            if pace is None:
                return None
            work.append(pace * (line.rounds - line.finished_rounds))
            ours += work[-1:] if line.stage != "held" else []
        if not work:
            return 0.0
        return max(sum(ours) / self._most_running, max(work))  # no worker helps another with its trial

    def _record(self, trial: str, line: Line) -> None:
        now = self.clock()
        self._paces.record(line.panel, line.acquisition, now - self._since[trial])
        self._since[trial] = now


def in_words(seconds: float) -> str:
    """A duration as a person says it.

    >>> in_words(42), in_words(185), in_words(7500)
    ('42 s', '3 min', '2 h 05 min')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
