from pathlib import Path
from runpy import run_path

import pytest
import torch

from lindley import acquisition
from lindley.acquisition import ACQUISITIONS, TensorCandidates, acquisition_named
from lindley.contracts import Classification, Context
from lindley.errors import InputError

NOBODY = torch.zeros(0, dtype=torch.int64)


def test_every_acquisition_that_the_project_promises_is_there():
    promised = {"random", "margin", "entropy", "least-confidence", "variation-ratios", "mean-std", "bald", "batchbald"}
    assert promised <= ACQUISITIONS.keys()


def test_every_method_says_what_it_is_and_whence():
    assert all(method.title and method.reference for method in ACQUISITIONS.values())


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
    ("name", "options", "words"),
    [
        ("margn", {}, "'margn'; known: random, margin, entropy.*Did you mean \"margin\""),
        (
            "batchbald",
            {"num_configuration": 10},
            "no option 'num_configuration'; known: num_configurations.*Did you mean \"num_configurations\"",
        ),
        ("margin", {"num_configurations": 10}, "it has no options"),
        ("batchbald", {"num_configurations": 1}, "at least 2; got 1"),
        ("batchbald", {"num_configurations": 10.5}, "10.5"),
        ("batchbald", {"num_configurations": True}, "True"),
        ("batchbald", {"num_configurations": "many"}, "many"),
    ],
)
def test_wrong_names_and_options_are_refused_with_the_allowed_ones(name, options, words):
    with pytest.raises(InputError, match=words):
        acquisition_named(name, options)


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
