"""The feed of sinks from the journals: each sink is shown the rounds that it has not seen, of whichever run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lindley.errors import JournalError
from lindley.session.locks import FileLock
from lindley.session.progress import OnProgress, ProgressEvent
from lindley.session.state import Round, read_state
from lindley.study.folder import LOCK_NAME, PATIENCE_SECONDS
from lindley.study.sinks.contract import Ending, Sink
from lindley.study.trials import Trial
from lindley.text import escape_controls

_ENDINGS: dict[str, Ending] = {"finished": "finished", "complete": "finished", "failed": "failed"}


class Feed:
    """Show sinks what the journals say, then pass the progress event on to `on_progress`.

    Trials that another process runs are left to the sinks of that process. `failures` holds one sentence for each sink
    that raised: it is shown nothing more, and a later run shows it what it missed.

    Args:
        sinks: The sinks.
        trials: All trials of the study.
        out: The output folder.
        on_progress: Called with every event.
    """

    def __init__(self, sinks: Iterable[Sink], trials: Sequence[Trial], out: Path, on_progress: OnProgress) -> None:
        self._sinks = list(sinks)
        self._trials = {trial.folder: trial for trial in trials}
        self._out = out
        self._on_progress = on_progress
        self._elsewhere: set[str] = set()
        self._seen: dict[tuple[int, str], set[int]] = {}
        self.failures: list[str] = []

    def __call__(self, event: ProgressEvent) -> None:
        """Take a progress event of `run_study`."""
        folder, stage = event["trial"], event["stage"]
        if stage == "held":
            self._elsewhere.add(folder)
        elif stage == "started":
            self._elsewhere.discard(folder)
        if folder not in self._elsewhere and (stage in ("started", "round") or stage in _ENDINGS):
            self._update(self._trials[folder], _ENDINGS.get(stage))
        self._on_progress(event)

    def stop(self) -> None:
        """Tell the sinks, after Ctrl-C, of the trials that have started and not ended."""
        for folder in {folder for _, folder in self._seen}:
            self._update(self._trials[folder], "stopped")

    def _update(self, trial: Trial, ending: Ending | None) -> None:
        try:
            rounds = read_state(self._out / trial.folder).rounds
        except (JournalError, OSError):  # this trial has failed, and is told as such
            return
        for sink in list(self._sinks):
            try:
                with FileLock(self._out / LOCK_NAME, timeout=PATIENCE_SECONDS):  # two may find a round not yet shown
                    self._catch_up(sink, trial, rounds)
                    if ending is not None:
                        sink.end_trial(trial, ending)
                        del self._seen[id(sink), trial.folder]
            except Exception as error:  # another program's: it may be anything, and must not stop the study
                self._drop(sink, trial, error)

    def _catch_up(self, sink: Sink, trial: Trial, rounds: Sequence[Round]) -> None:
        if (id(sink), trial.folder) not in self._seen:
            self._seen[id(sink), trial.folder] = set(sink.start_trial(trial))
        seen = self._seen[id(sink), trial.folder]
        for each in rounds:
            if each.labels not in seen:
                sink.log_round(trial, each.fit)
                seen.add(each.labels)

    def _drop(self, sink: Sink, trial: Trial, error: Exception) -> None:
        self._sinks.remove(sink)
        self._seen = {key: seen for key, seen in self._seen.items() if key[0] != id(sink)}
        message = escape_controls(f"{sink.name} is shown nothing more in this run: {type(error).__name__}: {error}")
        self.failures.append(message)
        self._on_progress({"trial": trial.folder, "stage": "sink-failed", "message": message})
