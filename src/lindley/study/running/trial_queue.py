"""The queue of a study's trials that are neither finished nor taken by another process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lindley.errors import LindleyError
from lindley.session.failures import read_failure
from lindley.session.journal_file import FILE_NAME
from lindley.session.locks import find_holder
from lindley.session.manifest import read_trial_manifest
from lindley.session.progress import OnProgress, ProgressEvent, Stage
from lindley.session.state import Round, read_state
from lindley.study.trials import Trial


class TrialQueue:
    """The trials of a study that are still to be run, in its order.

    Args:
        trials: All trials of the study.
        out: The output folder.
        on_progress: Called with the event "held" for a trial that another process holds and that stays in the queue;
            with "complete" or "failed" for one that leaves it, since it is complete, damaged, or failed in another
            process; and once, at the start, with "waiting" for one that has rounds and waits to be continued.
    """

    def __init__(self, trials: Sequence[Trial], out: Path, on_progress: OnProgress) -> None:
        self._out = out
        self._on_progress = on_progress
        self._order = {trial.folder: number for number, trial in enumerate(trials)}
        self._failures = {trial.folder: read_failure(out / trial.folder) for trial in trials}
        self.trials: list[Trial] = []
        for trial in trials:
            self.trials.append(trial)
            if self._is_free(trial):
                with suppress(LindleyError, OSError):  # it is read again when it is taken
                    if rounds := read_state(out / trial.folder).rounds:
                        on_progress({"trial": trial.folder, **_describe_progress("waiting", rounds)})

    def take(self) -> Trial | None:
        """Take and return the first trial that nobody holds; None when there is none at this moment."""
        for trial in list(self.trials):
            if self._is_free(trial):
                self.trials.remove(trial)
                return trial
        return None

    def put_back(self, trial: Trial) -> None:
        """Put a trial back that was taken and not finished."""
        self.trials = sorted([*self.trials, trial], key=lambda each: self._order[each.folder])

    def _is_free(self, trial: Trial) -> bool:
        found = self._inspect(trial)
        if found is not None:
            if found["stage"] != "held":
                self.trials.remove(trial)
            self._on_progress({"trial": trial.folder, **found})
        return found is None

    def _inspect(self, trial: Trial) -> ProgressEvent | None:
        folder = self._out / trial.folder
        holder = find_holder(folder / FILE_NAME)
        try:
            state = read_state(folder)
            read_trial_manifest(folder, state, key=trial.key)
        except (LindleyError, OSError) as error:
            return {"stage": "failed", "message": str(error)}
        if holder is not None:
            return {**_describe_progress("held", state.rounds), "holder": holder}
        if state.is_complete(trial.experiment.schedule.max_labels):
            return {"stage": "complete"}
        failure = read_failure(folder)
        if failure is not None and failure != self._failures[trial.folder]:
            return {"stage": "failed", "message": failure.message}
        return None


def _describe_progress(stage: Stage, rounds: Sequence[Round]) -> ProgressEvent:
    """Return an event with the number of finished rounds, and the labels and accuracy of the last one."""
    if not rounds:
        return {"stage": stage}
    labels, accuracy = rounds[-1].labels, rounds[-1].metrics.get("accuracy")
    return {"stage": stage, "round": len(rounds), "labels": labels, "accuracy": accuracy}
