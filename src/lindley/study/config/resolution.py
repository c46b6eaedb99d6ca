"""The resolution of a study: what its file leaves to the machine is decided once and kept beside its journals."""

from __future__ import annotations

from pathlib import Path

from lindley.study.config.schema import Experiment, Study
from lindley.study.folder import read_json
from lindley.training.precision import resolve_precision


def resolve_study(study: Study, out: Path, *, device: str) -> Study:
    """Return the study with every precision = "auto" decided: as the study in `out` has it, else by the device.

    A study that was started on one machine keeps its precision on another, and its trials stay the same trials.

    Args:
        study: The study as its file says it.
        out: The output folder.
        device: Where learners will compute.
    """
    before = _read_precisions(out)
    return study.model_copy(
        update={
            "experiments": tuple(_resolve_experiment(experiment, before, device) for experiment in study.experiments)
        }
    )


def _resolve_experiment(experiment: Experiment, before: dict[str, str], device: str) -> Experiment:
    if experiment.model.precision != "auto":
        return experiment
    precision = before.get(experiment.name) or resolve_precision("auto", device)
    return experiment.model_copy(update={"model": experiment.model.model_copy(update={"precision": precision})})


def _read_precisions(out: Path) -> dict[str, str]:
    """Return what an earlier run decided, by experiment; nothing where there was none or its file cannot be read."""
    try:
        decided = {experiment["name"]: experiment["model"]["precision"] for experiment in read_json(out)["experiments"]}
        return {name: precision for name, precision in decided.items() if precision in ("float32", "bfloat16")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
