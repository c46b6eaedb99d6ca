"""Ids from text, tables and arrays; those that cannot name one row each are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lindley.apps.array_files import Place
from lindley.apps.id_files import read_ids
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
