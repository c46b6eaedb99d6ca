"""Answers in spreadsheets: what a person writes comes back exactly, or the line is named."""

from __future__ import annotations

import csv

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lindley.contracts import Classification
from lindley.errors import InputError
from lindley.session.answer_tables import read, write
from lindley.session.events import Answer

NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(lambda name: name.strip()),
    min_size=2,
    max_size=5,
    unique=True,
)
IN_ONE_FOLDER = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def content(answers):
    return [(answer.row, answer.outcome, answer.value) for answer in answers]


@IN_ONE_FOLDER
@given(names=NAMES, delimiter=st.sampled_from(",;"))
@example(names=["a", " a", "a ", "\ta"], delimiter=",")
@example(names=["skip", " none", "none"], delimiter=";")
@example(names=["a,b", 'a"b', "a;b", "a\nb", "a\r\nb"], delimiter=",")
def test_every_class_name_comes_back_as_its_class(tmp_path, names, delimiter):
    task = Classification(tuple(names))
    with (tmp_path / "a.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([("row", "label"), *enumerate(names)])
    answers = read(tmp_path / "a.csv", task.class_names, len(names), "")
    assert content(answers) == [(row, "label", row) for row in range(len(names))]


@pytest.mark.parametrize("cell", ["cat", " cat", "cat  "])
def test_blanks_around_a_class_do_not_matter_where_one_class_is_meant(tmp_path, cell):
    (tmp_path / "a.csv").write_text(f'row,label\n0,"{cell}"\n')
    assert content(read(tmp_path / "a.csv", (" cat", "dog"), 1, "")) == [(0, "label", 0)]
    assert content(read(tmp_path / "a.csv", ("dog", "cat"), 1, "")) == [(0, "label", 1)]


def test_blanks_that_could_mean_two_classes_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("row,label\n0,cat\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.csv", (" cat", "cat "), 1, "")
    assert (caught.value.argument, caught.value.rows) == ("label", (0,))


@pytest.mark.parametrize("names", [("a", ""), ("a", " "), ("\t\n", "b")])
def test_a_task_has_no_blank_class_names(names):
    with pytest.raises(InputError) as caught:
        Classification(names)
    assert caught.value.argument == "class_names"


@pytest.mark.parametrize("column", ["row", "label", "reason", "item"])
def test_a_column_that_comes_twice_is_named(tmp_path, column):
    header = ["row", "label", "reason", "item", column]
    (tmp_path / "a.csv").write_text(",".join(header) + "\n0,a,,,\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.csv", ("a", "b"), 1, "")
    assert caught.value.argument == column


def test_columns_without_a_name_are_what_spreadsheets_add(tmp_path):
    (tmp_path / "a.csv").write_text("row,label,,\n0,a,,\n1,b\n")
    assert content(read(tmp_path / "a.csv", ("a", "b"), 2, "")) == [(0, "label", 0), (1, "label", 1)]


@IN_ONE_FOLDER
@given(items=st.lists(st.text(max_size=6), min_size=1, max_size=5))
def test_an_export_with_any_items_is_read_back_without_an_answer(tmp_path, items):
    write(tmp_path / "a.csv", range(len(items)), items, len(items))
    assert read(tmp_path / "a.csv", ("a", "b"), len(items), "") == []


def test_an_answer_carries_its_reason_and_its_annotator(tmp_path):
    (tmp_path / "a.csv").write_text("row,label,reason\n0,skip, blurred \n")
    (answer,) = read(tmp_path / "a.csv", ("a", "b"), 1, "ann")
    assert answer == Answer(0, outcome="skip", annotator="ann", reason="blurred", uuid=answer.uuid)
