"""The posteriors by name: what an entry says is so, and reading them costs nothing."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from runpy import run_path

import pytest
import torch
from torch import nn

from lindley.contracts import Classification, FeatureExtractor, Labels, Learner, TrainingData
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, build_learner
from lindley.training.config import TrainingConfig

PAGE = Path(__file__).parents[2] / "docs" / "posteriors.md"
INPUTS = torch.randn(9, 6, generator=torch.Generator().manual_seed(0))
DATA = TrainingData(MemoryPool(INPUTS), Labels(torch.arange(6), torch.arange(6) % 3), Classification(("a", "b", "c")))


def mlp():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))


def test_reading_the_catalogue_imports_nothing_heavy():
    heavy = "{'torch', 'numpy', 'scipy', 'sklearn', 'laplace', 'safetensors', 'pydantic'}"
    check = f"import sys, lindley.posteriors.catalogue as c; print(len(c.POSTERIORS), {heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(len(POSTERIORS)), "set()"]


def test_building_one_learner_imports_no_other_library():
    check = (
        "import sys; from lindley.posteriors.catalogue import build_learner, TrainingConfig; "
        "build_learner('head', None, TrainingConfig()); print('sklearn' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("name", POSTERIORS)
def test_an_entry_says_what_its_learner_is(name):
    spec = POSTERIORS[name]
    assert spec.name == name
    assert spec.title
    assert spec.reference
    assert spec.tasks == ("classification",)
    learner = resolve_name(spec.path)
    assert isinstance(learner, type)
    assert issubclass(learner, Learner)
    parameters = inspect.signature(learner).parameters
    assert set(parameters) >= {*spec.options, *spec.arguments, *([spec.members] if spec.members else [])}
    assert not spec.arguments.keys() & set(spec.options)
    assert ("network" in parameters) == ("network" in spec.requires)


@pytest.mark.parametrize("name", POSTERIORS)
def test_an_entry_says_what_its_fits_are(name):
    spec = POSTERIORS[name]
    if spec.extra:
        pytest.importorskip(spec.extra)
    learner = build_learner(name, mlp if spec.requires else None, TrainingConfig(steps=2), members=2)
    fitted = learner.fit(DATA, seed=0)
    assert type(fitted) is resolve_name(spec.posterior_path)
    assert isinstance(fitted, FeatureExtractor) == spec.features


def test_the_page_of_the_posteriors_lists_every_one() -> None:
    pytest.importorskip("sphinx")
    tables = run_path(str(PAGE.parent / "_ext" / "catalogue_tables.py"))
    _, _, *lines = tables["markdown"](tables["posteriors"]())
    assert [line.split("`")[1] for line in lines] == list(POSTERIORS)
    for line, spec in zip(lines, POSTERIORS.values(), strict=True):
        assert all(f"`{option} = " in line for option in spec.options)
    assert "```{catalogue} posteriors\n" in PAGE.read_text(encoding="utf-8")
