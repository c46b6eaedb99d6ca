"""Ids from text, tables and arrays; those that cannot name one row each are refused."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lindley.apps.id_files import read_ids
from lindley.apps.input_files import Location
from lindley.apps.selection_files import SelectionLine, format_selection
from lindley.errors import DataError, InputError


@pytest.fixture
def files(tmp_path):
    (tmp_path / "ids.txt").write_text("ä b\nc\nd\n", encoding="utf-8")
    (tmp_path / "ids.csv").write_text('name,id\nx,"ä b"\ny,c\nz,d\n', encoding="utf-8")
    (tmp_path / "one.csv").write_text("whatever\nä b\nc\nd\n", encoding="utf-8")
    np.save(tmp_path / "ids.npy", np.array([7, 5, 6]))
    np.savez(tmp_path / "p.npz", log_probs=np.zeros((3, 2, 2)), ids=np.array(["ä b", "c", "d"]))
    table = {"id": ["ä b", "c", "d"], "number": [7, 5, 6]}
    parquet.write_table(pa.table(table), tmp_path / "p.parquet")
    return tmp_path


def refuse(text, predictions):
    """Return the error of reading ids."""
    with pytest.raises(InputError) as caught:
        read_ids(str(text), Location(predictions))
    return caught.value


@pytest.mark.parametrize(
    "text", ["ids.txt", "ids.csv", "ids.csv:id", "one.csv", "p.npz", "p.npz:ids", "p.parquet", "p.parquet:id"]
)
def test_ids_are_read_in_order(files, text):
    assert read_ids(str(files / text), Location(files / "p.npy")) == ["ä b", "c", "d"]


def test_whole_numbers_stay_numbers(files):
    assert read_ids(str(files / "ids.npy"), Location(files / "p.npy")) == [7, 5, 6]
    assert read_ids(f"{files / 'p.parquet'}:number", Location(files / "p.npy")) == [7, 5, 6]


def test_a_name_alone_is_one_of_the_predictions_own_file(files):
    assert read_ids("ids", Location(files / "p.npz")) == ["ä b", "c", "d"]
    assert read_ids("number", Location(files / "p.parquet", "log_probs")) == [7, 5, 6]
    assert refuse("names", files / "p.npz").got == "names"
    error = refuse("ids", files / "p.npy")
    assert (error.argument, error.got) == ("ids", "ids")


@pytest.mark.parametrize(
    ("name", "text", "got"),
    [
        ("ids.txt", "a\n\nb\n", [""]),
        ("ids.csv", "name,key\na,b\n", ["name", "key"]),
        ("ids.csv", "id,key\na,b\n,c\n", [""]),
        ("ids.csv:no", "id,key\na,b\n", "no"),
        ("ids.csv", "id;name\n8;n8\n", "id;name"),
    ],
)
def test_ids_that_cannot_name_rows_are_refused(tmp_path, name, text, got):
    path = tmp_path / name.partition(":")[0]
    path.write_text(text)
    error = refuse(tmp_path / name, tmp_path / "p.npy")
    assert (error.argument, error.got) == (str(path), got)


def test_an_id_that_comes_twice_is_refused_by_name(tmp_path):
    (tmp_path / "ids.txt").write_text("a\nb\na\n")
    error = refuse(tmp_path / "ids.txt", tmp_path / "p.npy")
    assert (error.argument, error.rows) == (str(tmp_path / "ids.txt"), ("a",))


@pytest.mark.parametrize("argument", ["ids", "exclude"])
def test_a_file_of_another_kind_is_refused_under_its_option(tmp_path, argument):
    (tmp_path / "ids.json").write_text("[]")
    with pytest.raises(InputError) as caught:
        read_ids(str(tmp_path / "ids.json"), Location(tmp_path / "p.npy"), argument=argument)
    assert (caught.value.argument, caught.value.got) == (argument, str(tmp_path / "ids.json"))


def test_ids_that_are_no_whole_numbers_are_refused(tmp_path):
    np.save(tmp_path / "ids.npy", np.array([0.5, 1.5]))
    assert refuse(tmp_path / "ids.npy", tmp_path / "p.npy").got == [0.5, 1.5]


def test_bytes_that_are_no_text_are_damage(tmp_path):
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError) as caught:
        read_ids(str(tmp_path / "ids.txt"), Location(tmp_path / "p.npy"))
    assert caught.value.path == tmp_path / "ids.txt"


def test_an_empty_table_is_refused(tmp_path):
    (tmp_path / "ids.csv").touch()
    assert refuse(tmp_path / "ids.csv", tmp_path / "p.npy").argument == str(tmp_path / "ids.csv")


SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\x1f"
LETTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(SEPARATORS + "'\"=+-@,;\t\r\n \ufeff\0")
TEXTS = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


def write_rows(path, ids, delimiter):
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
            [["id", "text"], *([x, "a"] for x in ids)]
        )


def write_selection(path, ids, spreadsheet):
    lines = [SelectionLine(each, rank, 0.5) for rank, each in enumerate(ids, 1)]
    path.write_bytes(format_selection(lines, "csv", spreadsheet=spreadsheet).encode())


WRITERS = {
    "lines.txt": lambda path, ids: path.write_bytes("\n".join(ids).encode("utf-8-sig")),
    "windows.txt": lambda path, ids: path.write_bytes("\r\n".join([*ids, ""]).encode("utf-8-sig")),
    "table.csv": lambda path, ids: write_rows(path, ids, ","),
    "table.tsv": lambda path, ids: write_rows(path, ids, "\t"),
    "selection.csv": lambda path, ids: write_selection(path, ids, False),
    "spreadsheet.csv": lambda path, ids: write_selection(path, ids, True),
    "array.npy": lambda path, ids: np.save(path, np.array(ids)),
    "array.npz": lambda path, ids: np.savez_compressed(path, ids=np.array(ids)),
    "table.parquet": lambda path, ids: parquet.write_table(pa.table({"id": ids}), path),
}
CANNOT_HOLD = {".txt": "\r\n", ".npy": "\0", ".npz": "\0"}
"""Ends of lines end an id in a list of lines, and NumPy drops zeros at the end of a text."""


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=TEXTS)
def test_every_text_is_an_id_that_is_read_as_it_was_written(tmp_path, name, ids):
    path = tmp_path / name
    without = CANNOT_HOLD.get(path.suffix, "")
    ids = list(dict.fromkeys("".join(letter for letter in each if letter not in without) or "x" for each in ids))
    WRITERS[name](path, ids)
    assert read_ids(str(path), Location(tmp_path / "p.npy")) == ids


def test_a_field_of_any_length_is_read_and_the_limit_of_others_stays(tmp_path):
    before = csv.field_size_limit()
    write_rows(tmp_path / "a.csv", ["a", "b" * 200_000], ",")
    assert read_ids(str(tmp_path / "a.csv"), Location(tmp_path / "p.npy")) == ["a", "b" * 200_000]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("text", ['id,label\n"a,1\nb,2\n', 'id\n"a"b\n'])
def test_a_table_whose_quotes_do_not_fit_is_damage(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read_ids(str(tmp_path / "a.csv"), Location(tmp_path / "p.npy"))
    assert caught.value.path == tmp_path / "a.csv"


def test_a_row_with_more_cells_than_columns_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,label\na,1,2\nb,3\n")
    with pytest.raises(InputError) as caught:
        read_ids(str(tmp_path / "a.csv"), Location(tmp_path / "p.npy"))
    assert (caught.value.rows, caught.value.got) == ((1,), ["a", "1", "2"])


@pytest.mark.parametrize(
    "array", [np.array(5), np.array("abc"), np.zeros((2, 2), int), np.array(["a\ud800"])], ids=repr
)
def test_arrays_that_are_no_list_of_ids_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    assert refuse(tmp_path / "a.npy", tmp_path / "p.npy").argument == str(tmp_path / "a.npy")
