"""TensorBoard (extra `tensorboard`): an event file for each trial, with the number of labels as the step."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import final

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from lindley.session.events import Fitted
from lindley.study.config.schema import Study
from lindley.study.sinks.contract import ROUND_METRIC, Ending, scalars
from lindley.study.trials import Trial


def open_sink(where: str, study: Study, out: Path) -> TensorBoardSink:
    """Return a sink of event files.

    Args:
        where: Their folder; "" is `tensorboard` in the output folder.
        study: The study that is run.
        out: The output folder.
    """
    logging.getLogger("tensorboard").setLevel(
        logging.ERROR
    )  # its reader tells of what a kill left, which is dealt with
    return TensorBoardSink(Path(where) if where else out / "tensorboard")


@final
class TensorBoardSink:
    """A sink that writes below `folder`, a folder for each trial: EXPERIMENT/ACQUISITION/seed-S-KEY."""

    name = "TensorBoard"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, SummaryWriter] = {}

    def start_trial(self, trial: Trial) -> set[int]:
        """Return the steps in the event files of the trial's folder."""
        folder = self._trial_folder(trial)
        if not folder.is_dir():
            return set()
        events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
        return (
            {scalar.step for scalar in events.Scalars(ROUND_METRIC)}
            if ROUND_METRIC in events.Tags()["scalars"]
            else set()
        )

    def log_round(self, trial: Trial, fit: Fitted) -> None:
        """Write the numbers of a round; they are on the disk when this returns."""
        step = fit.labels
        if trial.folder not in self._writers:  # purge_step: what a kill left of this round is to be forgotten
            self._writers[trial.folder] = SummaryWriter(str(self._trial_folder(trial)), purge_step=step)
        writer = self._writers[trial.folder]
        for name, value in scalars(fit).items():
            writer.add_scalar(name, value, step)
        writer.flush()

    def end_trial(self, trial: Trial, ending: Ending) -> None:
        """Close the trial's event file."""
        if writer := self._writers.pop(trial.folder, None):
            writer.close()

    def _trial_folder(self, trial: Trial) -> Path:
        return self._folder / Path(trial.folder).relative_to("trials")
