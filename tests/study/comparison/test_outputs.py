"""A comparison as tables, CSV and JSON: the same numbers in each."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from experiment_fakes import experiment_reaching, with_metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.errors import InputError
from lindley.study.comparison.outputs import as_json, compare, csv_rows, explain_comparison, tables
from lindley.study.results import StudyResults

_THEIRS = [100.0, 120.0, 90.0, 110.0, 140.0, 130.0, 80.0, 105.0]


def _study() -> StudyResults:
    experiment = experiment_reaching({"random": _THEIRS, "bald": [0.6 * each for each in _THEIRS]})
    return StudyResults("made-up", "Made up", "", [experiment])


def test_tables_show_what_the_sentences_say() -> None:
    (found,) = compare(_study(), accuracy=0.95)
    labels, areas, _ = tables(found)
    row = dict(zip(labels.columns, labels.rows[0], strict=True))
    assert row["acquisition"] == "BALD"
    assert row["better : worse"] == "8 : 0"
    assert row["detected"] == "yes"
    assert f"needs {row['fewer labels, %']} % fewer labels" in found.verdicts[0]
    assert areas.title == "Made up: Mean accuracy over the rounds, against random"


def test_everything_that_one_page_compares_is_one_family() -> None:
    """Six seeds that agree have p = 1/32: two such experiments are too many to detect anything, one alone is not."""
    experiment = experiment_reaching({"random": _THEIRS[:6], "bald": [0.5 * each for each in _THEIRS[:6]]})
    other = replace(experiment, name="other", title="Other")
    (alone,) = compare(StudyResults("made-up", "Made up", "", [experiment]), accuracy=0.95)
    assert [(each.family, each.adjusted_p, each.is_detected) for each in alone.contrasts] == [(2, 2**-5, True)] * 2
    both = compare(StudyResults("made-up", "Made up", "", [experiment, other]), accuracy=0.95)
    found = [each for compared in both for each in compared.contrasts]
    assert [(each.family, each.adjusted_p, each.is_detected) for each in found] == [(4, 2**-4, False)] * 4
    assert "one family (4, of 2 pairs of acquisitions)" in explain_comparison(both)
    assert "the one comparison of this page" in explain_comparison([replace(alone, contrasts=alone.contrasts[:1])])


def test_nothing_can_be_seen_only_where_so_few_seeds_can_show_nothing() -> None:
    never = experiment_reaching({"random": [1000.0] * 8, "bald": _THEIRS})
    few = experiment_reaching({"random": _THEIRS[:5], "bald": [0.6 * each for each in _THEIRS[:5]]})
    cells = []
    for experiment in (never, few):
        (found,) = compare(StudyResults("made-up", "Made up", "", [experiment]), accuracy=0.95)
        table = tables(found)[0]
        cells.append(dict(zip(table.columns, table.rows[0], strict=True)))
    assert [(row["detected"], row["minimum detectable difference"]) for row in cells] == [
        ("yes", "–"),
        ("no", "nothing"),
    ]


def test_an_area_that_ends_before_the_study_says_where_in_its_row() -> None:
    experiment = experiment_reaching({"random": _THEIRS, "bald": _THEIRS})
    short = [
        replace(trial, rounds=trial.rounds[:4], complete=trial.acquisition == "random") for trial in experiment.trials
    ]
    trials = [
        whole if whole.acquisition == "random" else cut for whole, cut in zip(experiment.trials, short, strict=True)
    ]
    study = StudyResults("made-up", "Made up", "", [replace(experiment, trials=trials)])
    (found,) = compare(study, accuracy=0.9)
    assert tables(found)[1].rows[0][0] == "BALD, to 50 labels"
    assert [each["up_to"] for each in as_json([found])[0]["contrasts"]] == [None, 50]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.lists(st.floats(0.5, 1.0), min_size=1, max_size=5)] * 2),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([None, 0.8, 1.0]),
)
def test_an_interrupted_study_is_compared_in_finite_numbers(
    pairs: list[tuple[list[float], list[float]]], accuracy: float | None
) -> None:
    """Whatever the accuracies and wherever the trials stopped; that nothing is warned of, pytest sees to."""
    experiment = experiment_reaching(
        {"random": _THEIRS[: len(pairs)], "bald": _THEIRS[: len(pairs)]}, grid=range(20, 61, 10)
    )
    measured = [each for side in zip(*pairs, strict=True) for each in side]
    trials = [
        replace(
            trial,
            rounds=[with_metrics(each, {"accuracy": one}) for each, one in zip(trial.rounds, told, strict=False)],
            complete=len(told) == 5,
        )
        for trial, told in zip(experiment.trials, measured, strict=True)
    ]
    found = compare(StudyResults("made-up", "Made up", "", [replace(experiment, trials=trials)]), accuracy=accuracy)
    cells = [cell for row in csv_rows(found)[1:] for cell in row]
    words = [each for experiment in found for each in experiment.verdicts]
    words += [cell for each in found for table in tables(each) for row in table.rows for cell in row]
    assert all(math.isfinite(cell) for cell in cells if isinstance(cell, float))
    assert not [each for each in words if "nan" in each.lower().split() or "inf" in each.lower().split()]
    assert json.dumps(as_json(found), allow_nan=False)


def test_json_holds_natural_units_and_no_infinity() -> None:
    text = json.dumps(as_json(compare(_study(), accuracy=0.95)), allow_nan=False)
    (experiment,) = json.loads(text)
    first = experiment["contrasts"][0]
    assert first["accuracy"] == 0.95
    assert 0.3 < first["estimate"] < 0.5
    assert first["interval"][0] < first["estimate"] < first["interval"][1]
    assert first["detected"] is True


def test_csv_has_a_line_for_each_comparison() -> None:
    found = compare(_study(), accuracy=0.95)
    header, *rows = csv_rows(found)
    assert len(rows) == len(found[0].contrasts)
    assert all(len(row) == len(header) for row in rows)
    assert dict(zip(header, rows[0], strict=True))["low"] == found[0].contrasts[0].interval[0]  # type: ignore[index]
    assert csv_rows([]) == [("low", "high")]


def test_experiments_without_the_reference_are_left_out_and_a_name_of_none_is_refused() -> None:
    study = _study()
    other = experiment_reaching({"margin": _THEIRS, "entropy": _THEIRS})
    both = StudyResults("made-up", "Made up", "", [*study.experiments, other])
    assert [each.against for each in compare(both)] == ["random", "margin"]
    assert [each.against for each in compare(both, "bald")] == ["bald"]
    with pytest.raises(InputError) as caught:
        compare(both, "typo")
    assert (caught.value.argument, caught.value.got) == ("against", "typo")
    assert "random, bald, margin" in caught.value.expected
