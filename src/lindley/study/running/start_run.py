"""The start of a run: what study.json says when one process, or several, run into a folder.

A process that is alone writes its own study. One that joins others adds what is new in its study, such as more seeds,
more labels or other acquisitions, so that report and status cover the studies of all processes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lindley.errors import InputError
from lindley.files import write_json
from lindley.session.locks import FileLock, ProcessSlot
from lindley.study.config.resolution import resolve_study
from lindley.study.config.schema import Experiment, Study
from lindley.study.folder import FILE_NAME, LOCK_NAME, PATIENCE_SECONDS, SLOT_NAME, read_json, read_study


def check_folder(out: Path, study: Study) -> None:
    """Raise InputError where `out` cannot be written to, or holds another study."""
    other = "Name another folder (on the command line: --out)."
    _check_writable(out, other)
    try:
        held = read_json(out)["name"]
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{out / FILE_NAME} is not the file of a study. {other}", argument="out", got=out) from None
    if held != study.name:
        raise InputError(f'{out} holds the study "{held}", not "{study.name}". {other}', argument="out", got=out)


@contextmanager
def start_run(study: Study, out: Path, *, device: str) -> Iterator[Study]:
    """Yield the study with every precision decided and written to study.json; other processes see the run in the block.

    Args:
        study: The study to run.
        out: The output folder.
        device: Where learners compute, which decides precision = "auto".

    Raises:
        InputError: If another process runs a study into `out` that contradicts this one.
    """
    with ExitStack() as present:
        with FileLock(out / LOCK_NAME, timeout=PATIENCE_SECONDS):
            study = resolve_study(study, out, device=device)
            slot = present.enter_context(ProcessSlot(out / SLOT_NAME))
            written = study if slot.alone else merge_studies(read_study(out), study, out)
            write_json(out / FILE_NAME, written.model_dump(mode="json"))
        yield study


def merge_studies(theirs: Study, mine: Study, out: Path) -> Study:
    """Return a study of both: their experiments with the seeds, labels and acquisitions of both, then my others.

    Args:
        theirs: The study that other processes run into the folder.
        mine: The study that this process is to run.
        out: The folder, for the error.

    Raises:
        InputError: If the two contradict each other.
    """
    if theirs.name != mine.name:
        raise _conflict(out, f'it is the study "{theirs.name}", not "{mine.name}"')
    other = {experiment.name: experiment for experiment in mine.experiments}
    experiments = [
        _merge_experiments(experiment, other.pop(experiment.name), out) if experiment.name in other else experiment
        for experiment in theirs.experiments
    ]
    return theirs.model_copy(update={"experiments": (*experiments, *other.values())})


def _merge_experiments(theirs: Experiment, mine: Experiment, out: Path) -> Experiment:
    mine_set, theirs_set = _settings(mine), _settings(theirs)
    differing = [name for name in theirs_set if theirs_set[name] != mine_set[name]]
    shared = theirs.acquisitions.keys() & mine.acquisitions.keys()
    differing += [
        f"acquisitions.{name}" for name in sorted(shared) if theirs.acquisitions[name] != mine.acquisitions[name]
    ]
    if differing:
        raise _conflict(out, f"in experiment {theirs.name} {', '.join(differing)} differ")
    first = min(theirs.first_seed, mine.first_seed)
    end = max(experiment.first_seed + experiment.seeds for experiment in (theirs, mine))
    if end - first > theirs.seeds + mine.seeds:
        raise _conflict(out, f"in experiment {theirs.name} there would be a gap between the seeds")
    labels = max(theirs.schedule.max_labels, mine.schedule.max_labels)
    return theirs.model_copy(
        update={
            "first_seed": first,
            "seeds": end - first,
            "schedule": theirs.schedule.model_copy(update={"max_labels": labels}),
            "acquisitions": {**theirs.acquisitions, **mine.acquisitions},
        }
    )


def _settings(experiment: Experiment) -> dict[str, Any]:
    """Return what two simultaneous runs must agree on, by dotted name: all that is in a trial's key."""
    tables = experiment.model_dump(mode="json", exclude={"name", "title", "seeds", "first_seed", "acquisitions"})
    flat = {f"{table}.{key}": value for table, keys in tables.items() for key, value in keys.items()}
    del flat["schedule.max_labels"]
    return flat


def _conflict(out: Path, why: str) -> InputError:
    return InputError(
        f"a process is running another study into {out}, and the two contradict each other: {why}. "
        "Wait until it ends, or name another folder (on the command line: --out).",
        argument="out",
        got=out,
    )


def _check_writable(out: Path, other: str) -> None:
    """Make the folder where it is missing."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"the output folder {out} is a file, or lies in one. {other}", argument="out", got=out
        ) from None
    except OSError as error:
        text = f"the output folder {out} cannot be written to: {error.strerror}. {other}"
        raise InputError(text, argument="out", got=out) from None
