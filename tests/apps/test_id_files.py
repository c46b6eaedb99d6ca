"""Ids from text, tables and arrays; those that cannot name one row each are refused."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lindley.apps.array_files import Place
from lindley.apps.id_files import read_ids
from lindley.apps.selection_files import Line, as_text
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


@pytest.mark.parametrize(
    "text", ["ids.txt", "ids.csv", "ids.csv:id", "one.csv", "p.npz", "p.npz:ids", "p.parquet", "p.parquet:id"]
)
def test_ids_are_read_in_order(files, text):
    assert read_ids(str(files / text), Place(files / "p.npy")) == ["ä b", "c", "d"]


def test_whole_numbers_stay_numbers(files):
    assert read_ids(str(files / "ids.npy"), Place(files / "p.npy")) == [7, 5, 6]
    assert read_ids(f"{files / 'p.parquet'}:number", Place(files / "p.npy")) == [7, 5, 6]


def test_a_name_alone_is_one_of_the_predictions_own_file(files):
    assert read_ids("ids", Place(files / "p.npz")) == ["ä b", "c", "d"]
    assert read_ids("number", Place(files / "p.parquet", "log_probs")) == [7, 5, 6]
    with pytest.raises(InputError, match="no array 'names'"):
        read_ids("names", Place(files / "p.npz"))
    with pytest.raises(InputError, match=r"no such file, and .*p\.npy has no columns"):
        read_ids("ids", Place(files / "p.npy"))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("ids.txt", "a\nb\na\n", r"ids\.txt: each id must come once.*\['a'\]"),
        ("ids.txt", "a\n\nb\n", "text or a whole number"),
        ("ids.csv", "name,key\na,b\n", "say which column.*name, key"),
        ("ids.csv", "id,key\na,b\n,c\n", "text or a whole number"),
        ("ids.csv:no", "id,key\na,b\n", "no column 'no'"),
        ("ids.json", "[]", r"ids are read from \.txt"),
    ],
)
def test_ids_that_cannot_name_rows_are_refused(tmp_path, name, text, words):
    (tmp_path / name.partition(":")[0]).write_text(text)
    with pytest.raises(InputError, match=words):
        read_ids(str(tmp_path / name), Place(tmp_path / "p.npy"))


def test_ids_that_are_no_whole_numbers_are_refused(tmp_path):
    np.save(tmp_path / "ids.npy", np.array([0.5, 1.5]))
    with pytest.raises(InputError, match=r"\[0\.5, 1\.5\]"):
        read_ids(str(tmp_path / "ids.npy"), Place(tmp_path / "p.npy"))


def test_bytes_that_are_no_text_are_damage(tmp_path):
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"ids\.txt is not UTF-8"):
        read_ids(str(tmp_path / "ids.txt"), Place(tmp_path / "p.npy"))


@pytest.mark.parametrize(("text", "words"), [("id;name\n8;n8\n", "separated by commas"), ("", "the file is empty")])
def test_a_csv_that_is_none_is_refused(tmp_path, text, words):
    (tmp_path / "ids.csv").write_text(text)
    np.save(tmp_path / "predictions.npy", np.zeros((2, 3, 4)))
    with pytest.raises(InputError, match=words):
        read_ids(str(tmp_path / "ids.csv"), Place.of(str(tmp_path / "predictions.npy")))


SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\x1f"
LETTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(SEPARATORS + "'\"=+-@,;\t\r\n \ufeff\0")
TEXTS = st.lists(st.text(LETTERS, min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


def write_rows(path, ids, delimiter):
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(
            [["id", "text"], *([x, "a"] for x in ids)]
        )


def write_selection(path, ids, spreadsheet):
    lines = [Line(each, rank, 0.5) for rank, each in enumerate(ids, 1)]
    path.write_bytes(as_text(lines, "csv", spreadsheet=spreadsheet).encode())


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
    assert read_ids(str(path), Place(tmp_path / "p.npy")) == ids


def test_a_field_of_any_length_is_read_and_the_limit_of_others_stays(tmp_path):
    before = csv.field_size_limit()
    write_rows(tmp_path / "a.csv", ["a", "b" * 200_000], ",")
    assert read_ids(str(tmp_path / "a.csv"), Place(tmp_path / "p.npy")) == ["a", "b" * 200_000]
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("text", ['id,label\n"a,1\nb,2\n', "id,label\na,1,2\nb,3\n", 'id\n"a"b\n'])
def test_a_table_whose_quotes_or_cells_do_not_fit_is_refused(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises((DataError, InputError), match=r"a\.csv"):
        read_ids(str(tmp_path / "a.csv"), Place(tmp_path / "p.npy"))


@pytest.mark.parametrize(
    "array", [np.array(5), np.array("abc"), np.zeros((2, 2), int), np.array(["a\ud800"])], ids=repr
)
def test_arrays_that_are_no_list_of_ids_are_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=r"a\.npy"):
        read_ids(str(tmp_path / "a.npy"), Place(tmp_path / "p.npy"))
