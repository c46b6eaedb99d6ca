from pathlib import Path
from runpy import run_path

import pytest
import torch

from lindley import acquisition
from lindley.acquisition import ACQUISITIONS, TensorCandidates, acquisition_named
from lindley.contracts import OPTIONAL_PARTS, Acquisition, Classification, Context
from lindley.errors import InputError

NOBODY = torch.zeros(0, dtype=torch.int64)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_an_entry_says_what_its_acquisition_is(name):
    spec = ACQUISITIONS[name]
    assert spec.name == name
    assert spec.title
    assert spec.reference
    assert spec.tasks == ("classification",)
    assert isinstance(spec.acquisition, Acquisition)
    assert spec.requires <= OPTIONAL_PARTS
    assert {option for option, _ in spec.requires_with} <= set(spec.option_names)
    assert spec.joint or spec.exact
    assert spec.access != "rows" or spec.prediction_free


def test_options_reach_the_method():
    log_probs = torch.randn(60, 20, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    context = Context(TensorCandidates(log_probs), NOBODY, Classification(("a", "b", "c", "d")))
    exact = {
        num_configurations: acquisition_named("batchbald", {"num_configurations": num_configurations})(
            context, 4, seed=0
        ).diagnostics
        for num_configurations in (4, 64)
    }
    assert exact[4]["exact_picks"] == 2
    assert exact[64]["exact_picks"] == 4


@pytest.mark.parametrize(
    ("name", "options", "argument", "meant"),
    [
        ("margn", {}, "acquisition", '"margin"'),
        ("batchbald", {"num_configuration": 10}, "num_configuration", '"num_configurations"'),
        ("margin", {"num_configurations": 10}, "num_configurations", "no options"),
        ("batchbald", {"num_configurations": 1}, "num_configurations", "at least 2"),
        ("batchbald", {"num_configurations": "many"}, "num_configurations", "whole number"),
    ],
)
def test_wrong_names_and_options_are_refused_with_the_allowed_ones(name, options, argument, meant):
    with pytest.raises(InputError, match=meant) as caught:  # golden message: what is allowed
        acquisition_named(name, options)
    assert caught.value.argument == argument


def test_public_names_are_sorted_and_there():
    assert acquisition.__all__ == sorted(acquisition.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(acquisition, name) for name in acquisition.__all__)


def test_the_page_of_the_acquisitions_lists_every_one():
    pytest.importorskip("sphinx")
    page = Path(__file__).parents[2] / "docs" / "acquisition.md"
    tables = run_path(str(page.parent / "_ext" / "catalogue_tables.py"))
    heading, _, *lines = tables["markdown"](tables["acquisitions"]())
    assert [line.split("`")[1] for line in lines] == list(ACQUISITIONS)
    assert {line.count(" | ") for line in lines} == {heading.count(" | ")}
    for line, spec in zip(lines, ACQUISITIONS.values(), strict=True):
        assert all(f"`{option} = " in line for option in spec.option_names)
        assert all(need.replace("_", " ") in line for need in spec.requires)
    assert "```{catalogue} acquisitions\n" in page.read_text(encoding="utf-8")
