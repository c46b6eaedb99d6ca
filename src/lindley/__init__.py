"""lindley decides what to label next, with evidence.

Everything public by its name here is imported when it is first used, so that `import lindley` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lindley.errors import ConfigurationError, DataError, FitError, HeldError, InputError, JournalError, LindleyError

if TYPE_CHECKING:
    from lindley.acquisition.select import select
    from lindley.contracts import (
        Acquisition,
        Candidates,
        Chunk,
        Classification,
        Context,
        Draws,
        Labels,
        Learner,
        Pool,
        Posterior,
        Selection,
        TrainingData,
    )
    from lindley.labelling.project import Project
    from lindley.session.events import Answer
    from lindley.session.session import Session
    from lindley.study.config.study_files import load_study
    from lindley.study.report.writer import write_report
    from lindley.study.running.runner import run_study

__version__ = "0.1.0"

_HOMES = {
    "Acquisition": "contracts",
    "Answer": "session.events",
    "Candidates": "contracts",
    "Chunk": "contracts",
    "Classification": "contracts",
    "Context": "contracts",
    "Draws": "contracts",
    "Labels": "contracts",
    "Learner": "contracts",
    "Pool": "contracts",
    "Posterior": "contracts",
    "Project": "labelling.project",
    "Selection": "contracts",
    "Session": "session.session",
    "TrainingData": "contracts",
    "load_study": "study.config.study_files",
    "run_study": "study.running.runner",
    "select": "acquisition.select",
    "write_report": "study.report.writer",
}

__all__ = [
    "Acquisition",
    "Answer",
    "Candidates",
    "Chunk",
    "Classification",
    "ConfigurationError",
    "Context",
    "DataError",
    "Draws",
    "FitError",
    "HeldError",
    "InputError",
    "JournalError",
    "Labels",
    "Learner",
    "LindleyError",
    "Pool",
    "Posterior",
    "Project",
    "Selection",
    "Session",
    "TrainingData",
    "__version__",
    "load_study",
    "run_study",
    "select",
    "write_report",
]


if not TYPE_CHECKING:  # a type checker would take it for any name, also a misspelt one

    def __getattr__(name: str) -> object:
        """A public name, imported from its home on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'lindley' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
