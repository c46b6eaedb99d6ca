"""Every public function that takes a path takes a string, a pathlib.Path and any other os.PathLike."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import lindley
from lindley import posteriors, study
from lindley.datasets import catalogue
from lindley.errors import DataError
from lindley.study.config.schema import Study

STUDY = """
seeds = 1
data = { name = "two-moons", options = { num_pool = 40, num_test = 20 } }
model = { posterior = "forest", num_draws = 4 }
schedule = { initial_labels = 8, batch_size = 2, max_labels = 10 }
acquisitions = { random = {} }
"""
LONG = "str | os.PathLike[str]"


class Elsewhere:
    """A path that is neither a string nor a pathlib.Path, and does not print as one."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __fspath__(self) -> str:
        return self._path


KINDS: list[Callable[[Path], Any]] = [str, Path, Elsewhere]


def test_every_parameter_that_is_a_path_is_annotated_so() -> None:
    functions = [getattr(module, name) for module in (lindley, posteriors, study) for name in module.__all__]
    functions += [catalogue.load, catalogue.fetch, catalogue.status]
    found = {
        (function.__name__, name): parameter.annotation
        for function in functions
        if inspect.isfunction(function)
        for name, parameter in inspect.signature(function).parameters.items()
        if "Path" in str(parameter.annotation)
    }
    assert len(found) >= 11
    assert {key: annotation for key, annotation in found.items() if LONG not in str(annotation)} == {}


def loaded(tmp_path: Path, kind: Callable[[Path], Any]) -> Study:
    (tmp_path / "mine.toml").write_text(STUDY)
    return lindley.load_study(kind(tmp_path / "mine.toml"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_is_run_and_read_from_any_path(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    mine, out = loaded(tmp_path, kind), tmp_path / "out"
    assert lindley.run_study(mine, kind(out), jobs=1, data_dir=kind(tmp_path)).done == 1
    assert study.study_status(kind(out)).count("finished") == 1
    assert [len(experiment.trials) for experiment in study.load_results(kind(out)).experiments] == [1]
    assert lindley.write_report(kind(out)) == out / "report.html"


@pytest.mark.parametrize("kind", KINDS)
def test_a_posterior_is_saved_and_loaded_at_any_path(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    log_probs = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    posteriors.save_posterior(posteriors.ArrayPosterior(log_probs), kind(tmp_path / "kept"))
    assert isinstance(posteriors.load_posterior(kind(tmp_path / "kept")), posteriors.ArrayPosterior)
    save_file(dict(nn.Linear(2, 3).state_dict()), tmp_path / "one.safetensors")
    paths = [kind(tmp_path / "one.safetensors")]
    assert posteriors.ensemble_from_checkpoints(lambda: nn.Linear(2, 3), paths).draw(1, seed=0).num_draws == 1


@pytest.mark.parametrize("kind", KINDS)
def test_data_are_looked_for_at_any_path(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    assert np.isfinite(len(catalogue.load("two-moons", data_dir=kind(tmp_path)).pool))
    assert catalogue.fetch("two-moons", kind(tmp_path)).missing == ()
    assert catalogue.status(kind(tmp_path))
    with pytest.raises(DataError) as caught:
        catalogue.load("mnist", data_dir=kind(tmp_path / "none"), download=False)
    assert caught.value.path == tmp_path / "none"


def test_the_path_of_this_test_is_no_string() -> None:
    assert isinstance(Elsewhere(Path("a")), os.PathLike)
