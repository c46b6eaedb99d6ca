"""Every entry of the catalogue says truly what its function gives; listing them costs no import of torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from runpy import run_path

import pytest
import torch

from lindley.errors import InputError
from lindley.measures.catalogue import METRICS, MetricSpec, metrics_at
from lindley.noise import torch_generator

SPECS = METRICS.values()


def arguments(spec: MetricSpec, rows: int) -> tuple[torch.Tensor, ...]:
    """What the metric is given of random predictions of 4 classes under 3 draws."""
    generator = torch_generator(rows)
    log_probs = (3 * torch.randn(rows, 3, 4, generator=generator)).log_softmax(2)
    classes = torch.randint(4, (rows,), generator=generator)
    of_true = log_probs[torch.arange(rows), :, classes]
    return (of_true,) if spec.prediction == "draws" else (log_probs.exp().mean(1).log(), classes)


def test_listing_the_metrics_imports_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "scipy", "pydantic", "matplotlib")
    code = f"import sys, lindley.measures.catalogue; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("rows", [10, 37])
def test_a_metric_lies_within_its_bounds(spec: MetricSpec, rows: int) -> None:
    found = spec.compute(*arguments(spec, rows))
    assert spec.per_class == isinstance(found, list)
    values = [value for value in (found if spec.per_class else [found]) if value is not None]
    assert all(isinstance(value, float) and spec.bounds[0] <= value <= spec.bounds[1] for value in values)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_best_value_is_that_of_predictions_that_are_sure_and_right(spec: MetricSpec) -> None:
    classes = torch.arange(12) % 4
    sure = torch.nn.functional.one_hot(classes, 4).double().log()
    found = spec.compute(*((torch.zeros(12, 3),) if spec.prediction == "draws" else (sure, classes)))
    best = spec.bounds[1] if spec.better == "higher" else spec.bounds[0]
    assert found == ([best] * 4 if spec.per_class else best)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_order_of_rows_changes_nothing_but_for_sets_of_rows(spec: MetricSpec) -> None:
    given = arguments(spec, 60)
    order = torch.randperm(60, generator=torch_generator(1))
    if spec.prediction != "draws":
        assert spec.compute(*(each[order] for each in given)) == pytest.approx(spec.compute(*given), rel=1e-12)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.min_rows > 1], ids=lambda spec: spec.name)
def test_the_fewest_rows_are_the_fewest_that_the_function_takes(spec: MetricSpec) -> None:
    spec.compute(*arguments(spec, spec.min_rows))
    with pytest.raises(InputError):
        spec.compute(*arguments(spec, spec.min_rows - 1))


def test_names_columns_and_axes_are_told_apart() -> None:
    assert all(name == spec.name for name, spec in METRICS.items())
    assert len({spec.column_title for spec in SPECS}) == len({spec.title for spec in SPECS}) == len(METRICS)
    assert all(callable(resolve_name(spec.path)) for spec in SPECS)
    assert all(spec.reference or spec.title.startswith(("accuracy", "NLL, dropout", "recall")) for spec in SPECS)


def test_a_report_shows_one_number_a_metric() -> None:
    """Lists, one value a class, have no column and no axis."""
    places = ("table", "comparison", "curves")
    assert all(not spec.per_class for place in places for spec in metrics_at(place))
    assert [spec.name for spec in metrics_at("comparison")] == ["accuracy", "nll", "brier"]


def test_values_are_shown_in_the_unit_for_people() -> None:
    assert METRICS["accuracy"].format_value(0.98765) == "98.77"
    assert METRICS["nll"].format_value(1.0) == "1.443"  # 1 / log 2
    assert METRICS["nll"].format_value(float("inf")) == "∞"
    assert METRICS["accuracy"].axis_label == "test accuracy (%)"
    assert METRICS["brier"].axis_label == "Brier score"


def test_the_page_on_reports_lists_every_metric() -> None:
    pytest.importorskip("sphinx")
    docs = Path(__file__).parents[2] / "docs"
    tables = run_path(str(docs / "_ext" / "catalogue_tables.py"))
    heading, rule, *lines = tables["markdown"](tables["metrics"]())
    assert len({line.count(" | ") for line in (heading, *lines)}) == 1
    assert rule.count("---") == heading.count(" | ") + 1
    assert [line.split(" | ")[1] for line in lines] == [f"`{name}`" for name in METRICS]
    assert "```{catalogue} metrics\n" in (docs / "report.md").read_text(encoding="utf-8")
