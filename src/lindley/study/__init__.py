"""Studies: comparisons of acquisitions, whose trials are run, resumed and reported.

- config/: the study file; trials.py: its trials, with their keys and folders.
- running/: runs trials; observers/: measure each round; sinks/: send rounds to other programs.
- folder.py: the output folder; status.py: its progress; read_results.py: reads results.py from it.
- comparison/: compares acquisitions; plot_style.py, figures/: draw them; report/: writes the page.

Public names are imported on first use: reading the status of a study does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.study.config.schema import (
        CorruptedPool,
        Data,
        Experiment,
        Information,
        Model,
        Observe,
        OutOfDistributionRows,
        Schedule,
        Study,
        Training,
        Transfer,
        Tune,
    )
    from lindley.study.config.study_files import builtin_studies, check_study, load_study
    from lindley.study.read_results import load_results
    from lindley.study.report.writer import write_report
    from lindley.study.results import StudyResults
    from lindley.study.running.runner import run_study
    from lindley.study.running.worker_pool import Outcome
    from lindley.study.sinks.catalogue import open_sink
    from lindley.study.sinks.contract import Sink
    from lindley.study.status import StudyStatus, study_status
    from lindley.study.trials import Trial, trials_of

_HOMES = {
    "Data": "config.schema",
    "CorruptedPool": "config.schema",
    "Information": "config.schema",
    "Model": "config.schema",
    "Observe": "config.schema",
    "Outcome": "running.worker_pool",
    "OutOfDistributionRows": "config.schema",
    "Experiment": "config.schema",
    "Schedule": "config.schema",
    "Sink": "sinks.contract",
    "Study": "config.schema",
    "StudyResults": "results",
    "StudyStatus": "status",
    "Training": "config.schema",
    "Transfer": "config.schema",
    "Trial": "trials",
    "Tune": "config.schema",
    "builtin_studies": "config.study_files",
    "check_study": "config.study_files",
    "load_results": "read_results",
    "load_study": "config.study_files",
    "run_study": "running.runner",
    "open_sink": "sinks.catalogue",
    "study_status": "status",
    "trials_of": "trials",
    "write_report": "report.writer",
}

__all__ = [
    "CorruptedPool",
    "Data",
    "Experiment",
    "Information",
    "Model",
    "Observe",
    "OutOfDistributionRows",
    "Outcome",
    "Schedule",
    "Sink",
    "Study",
    "StudyResults",
    "StudyStatus",
    "Training",
    "Transfer",
    "Trial",
    "Tune",
    "builtin_studies",
    "check_study",
    "load_results",
    "load_study",
    "open_sink",
    "run_study",
    "study_status",
    "trials_of",
    "write_report",
]


if not TYPE_CHECKING:  # a type checker would take it for any name, also a misspelt one

    def __getattr__(name: str) -> object:
        """Return a public name, imported from its module on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'lindley.study' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.study.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
