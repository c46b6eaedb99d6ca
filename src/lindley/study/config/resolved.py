"""A study with nothing left open: what its file leaves to the machine is decided once, and kept beside its journals."""

from __future__ import annotations

from pathlib import Path

from lindley.posteriors.precision import resolve_precision
from lindley.study.config.schema import Panel, Study
from lindley.study.folder import read_json


def resolved(study: Study, out: Path, *, device: str) -> Study:
    """The study with every precision = "auto" decided: as the study in `out` has it, else by the device.

    So a study that was begun on one machine keeps its precision on another, and its trials stay the same trials.
    """
    before = _precisions(out)
    return study.model_copy(update={"panels": tuple(_resolved(panel, before, device) for panel in study.panels)})


def _resolved(panel: Panel, before: dict[str, str], device: str) -> Panel:
    if panel.model.precision != "auto":
        return panel
    precision = before.get(panel.name) or resolve_precision("auto", device)
    return panel.model_copy(update={"model": panel.model.model_copy(update={"precision": precision})})


def _precisions(out: Path) -> dict[str, str]:
    """By panel, what an earlier run decided; nothing where there was none or its file cannot be read."""
    try:
        decided = {panel["name"]: panel["model"]["precision"] for panel in read_json(out)["panels"]}
        return {name: precision for name, precision in decided.items() if precision in ("float32", "bfloat16")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
