"""Tables of texts and rows: all forms, any quoting, and what is damaged named by its line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from lindley.errors import DataError, InputError
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources import delimited
from lindley.labelling.sources.open_source import Source, open_source


def found(source: Source) -> list[Found]:
    return [each for each in source if isinstance(each, Found)]


def reasons(source: Source) -> dict[str, str]:
    return {each.place: each.reason for each in source if isinstance(each, Unreadable)}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
    writer.writeheader()
    writer.writerows(rows)
    return write(path, text.getvalue())


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    return write(path, "".join(json.dumps(each) + "\n" for each in rows))


def write_parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS: dict[str, Callable[[Path, list[dict[str, object]]], Path]] = {
    "a.csv": write_csv,
    "a.tsv": write_csv,
    "a.jsonl": write_jsonl,
    "a.parquet": write_parquet,
}
ROWS: list[dict[str, object]] = [
    {"n": "q1", "question": "Who, if anyone?", "class": "HUM"},
    {"n": "q2", "question": 'He said "no"\nand left.', "class": ""},
    {"n": "q3", "question": " naïve 猫 ", "class": " LOC "},
    {"n": "q4", "question": "'=1+1", "class": "hum"},
]


@pytest.mark.parametrize("name", WRITERS)
def test_texts_of_every_form_are_the_same_items(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, ROWS)
    source = open_source(path, text="question", label="class", id="n", classes=["HUM", "LOC"])
    items = found(source)
    assert source.kind == "text"
    assert [each.content for each in items] == [each["question"] for each in ROWS]
    assert [each.hash for each in items] == [
        hashlib.sha256(str(each["question"]).encode()).hexdigest() for each in ROWS
    ]
    assert [each.label for each in items] == ["HUM", None, "LOC", None]
    assert [each.meta["id"] for each in items] == ["q1", "q2", "q3", "q4"]
    assert ["label_reason" in each.meta for each in items] == [False, False, False, True]
    assert reasons(source) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_a_source_is_read_again_from_the_beginning_and_never_written(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, ROWS)
    before = path.read_bytes(), path.stat().st_mtime_ns
    source = open_source(path, text="question")
    assert [each.place for each in found(source)] == [each.place for each in found(source)]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("option", ["text", "features", "label", "id"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, name: str, option: str) -> None:
    path = WRITERS[name](tmp_path / name, ROWS)
    wanted = {"text": "question", option: ["questoin"] if option == "features" else "questoin"}
    with pytest.raises(InputError) as caught:
        open_source(path, **wanted)  # type: ignore[arg-type]
    assert (caught.value.argument, caught.value.got) == (option, "questoin")
    assert "'n', 'question', 'class'" in caught.value.expected


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_to_be_labelled_is_never_guessed(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, ROWS)
    for both in ({}, {"text": "question", "features": ["n"]}):
        with pytest.raises(InputError) as caught:
            open_source(path, **both)  # type: ignore[arg-type]
        assert caught.value.argument == "text"


def test_without_classes_every_label_is_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"t": "a", "y": 3}\n{"t": "b", "y": 4.0}\n{"t": "c", "y": null}\n')
    assert [each.label for each in found(open_source(path, text="t", label="y"))] == ["3", "4", None]


def test_a_byte_order_mark_and_semicolons_are_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'\xef\xbb\xbfid;text\r\n1;one, two\r\n2;"a;b"\r\n')
    assert [each.content for each in found(open_source(path, text="text", id="id"))] == ["one, two", "a;b"]


def test_places_are_lines_also_after_cells_of_several_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text\n"one\ntwo"\n\nthree\n')
    assert [each.place for each in found(open_source(path, text="text"))] == ["a.csv, line 2", "a.csv, line 5"]


def test_damaged_lines_are_named_and_the_others_read(tmp_path: Path) -> None:
    lines = [b"id,text", b"1,good", b"2,too,many", b"3", b'4,"a"b', b"5,caf\xe9", b"6,", b"7,   ", b"8,a\0b", b"9,good"]
    source = open_source(write(tmp_path / "a.csv", b"\n".join(lines)), text="text")
    assert [each.place for each in found(source)] == ["a.csv, line 2", "a.csv, line 10"]
    assert list(reasons(source)) == [f"a.csv, line {number}" for number in range(3, 10)]
    assert "UTF-8 (byte 0xe9)" in reasons(source)["a.csv, line 6"]


def test_bad_bytes_in_another_column_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"note,text\ncaf\xe9,good\n")
    assert [each.content for each in found(open_source(path, text="text"))] == ["good"]


def test_a_quotation_that_never_ends_is_named_with_its_lines(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "a.csv", 'text\ngood\n"open\nlost\nlost\n'), text="text")
    assert [each.content for each in found(source)] == ["good"]
    assert "line 5" in reasons(source)["a.csv, line 3"]


def test_quotation_marks_in_a_tsv_may_be_characters_like_others(tmp_path: Path) -> None:
    rows = ['" one " is a film\tx', '"open\tx', "plain\tx", '"quoted ""well"""\tx', "too\tmany\tx"]
    source = open_source(write(tmp_path / "a.tsv", "\n".join(["text\ty", *rows])), text="text")
    assert [each.content for each in found(source)] == ['" one " is a film', '"open', "plain", '"quoted ""well"""']
    assert list(reasons(source)) == ["a.tsv, line 6"]


def test_a_long_cell_is_read_and_a_longer_one_named(tmp_path: Path) -> None:
    long = "x" * 300_000
    path = write(tmp_path / "a.csv", f"text\n{long}\n{'y' * (delimited.MAX_CHARACTERS + 5)}\nshort\n")
    source = open_source(path, text="text")
    assert [each.content for each in found(source)] == [long, "short"]
    assert list(reasons(source)) == ["a.csv, line 3"]
    assert csv.field_size_limit() == 131_072


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_table_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("a.csv", "a.jsonl"):
        with pytest.raises(InputError):
            open_source(write(tmp_path / name, content), text="text")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_table_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.csv", "text\nhello\n".encode(encoding))
    with pytest.raises(DataError) as caught:
        open_source(path, text="text")
    assert caught.value.path == path


def test_a_column_that_comes_twice_is_refused_where_it_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,a,text\n1,2,good\n")
    assert [each.content for each in found(open_source(path, text="text"))] == ["good"]
    with pytest.raises(InputError) as caught:
        open_source(path, text="a")
    assert (caught.value.argument, caught.value.got) == ("text", "a")


def test_lines_that_are_no_json_objects_are_named(tmp_path: Path) -> None:
    bad = ["{", "[1]", "3", '{"text": 5}', '{"text": null}', "{}", '{"text": "\\ud800"}', "[" * 100_000, '{"text": ""}']
    path = write(tmp_path / "a.jsonl", "\n".join(['{"text": "good", "n": NaN}', "", *bad, '{"text": "better"}']))
    source = open_source(path, text="text")
    assert [each.content for each in found(source)] == ["good", "better"]
    assert list(reasons(source)) == [f"a.jsonl, line {number}" for number in range(3, 3 + len(bad))]


def test_text_in_a_parquet_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    column = pa.array([b"good", b"caf\xe9", None]).view(pa.string())
    parquet.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet", text="text")
    assert [each.content for each in found(source)] == ["good"]
    assert list(reasons(source)) == ["a.parquet, row 1", "a.parquet, row 2"]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        open_source(write(tmp_path / "a.parquet", b"PAR1 nothing PAR1"), text="text")


CELLS = {
    "1": 1, "1.0": 1, "-2.5e1": -25, "007": "007", "": None, " 3 ": 3, "red": "red", "1e999": ValueError,
    "nan": "nan", "0.1": 0.1, "12345678901234567890": 12345678901234567890, "1,5": "1,5",
}  # fmt: skip


@pytest.mark.parametrize(("cell", "value"), CELLS.items())
def test_cells_of_a_csv_file_are_numbers_where_json_says_so(tmp_path: Path, cell: str, value: object) -> None:
    source = open_source(write_csv(tmp_path / "a.csv", [{"x": cell, "y": "b"}]), features=["x", "y"])
    if value is ValueError:
        assert "'x'" in reasons(source)["a.csv, line 2"]
    else:
        assert json.loads(found(source)[0].content) == {"x": value, "y": "b"}


ROW: dict[str, object] = {"n": 3, "f": 0.5, "t": "red", "none": None, "y": True}


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_rows_are_canonical_json(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, [ROW, ROW | {"n": 3.0 if name == "a.jsonl" else 3}])
    source = open_source(path, features=["t", "n", "f", "none", "y"])
    assert source.kind == "rows"
    content = '{"f":0.5,"n":3,"none":null,"t":"red","y":true}'
    assert [each.content for each in found(source)] == [content] * 2
    assert {each.hash for each in found(source)} == {hashlib.sha256(content.encode()).hexdigest()}


def test_columns_that_are_no_features_play_no_part_in_the_hash(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"x": 1, "y": 2, "note": "a"}, {"x": 1, "y": 2, "note": "b"}])
    one, other = found(open_source(path, features=["y", "x"]))
    assert one.hash == other.hash == found(open_source(path, features=["x", "y"]))[0].hash


def test_values_that_are_no_features_are_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        '{"x": 1}\n{"x": NaN}\n{"x": [1]}\n{"x": null}\n{"x": {}}\n{"x": Infinity}\n{"x": "\\udcff"}\n{"x": 1'
        + "0" * 400
        + "}\n",
    )
    source = open_source(path, features=["x"])
    assert [each.content for each in found(source)] == ['{"x":1}']
    assert list(reasons(source)) == [f"a.jsonl, line {number}" for number in range(2, 9)]


def test_dates_and_decimals_of_a_parquet_file_are_features(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [{"d": date(2026, 1, 2), "m": Decimal("1.50"), "b": b"x"}])
    assert found(open_source(path, features=["d", "m"]))[0].content == '{"d":"2026-01-02","m":1.5}'
    assert "'b'" in reasons(open_source(path, features=["b"]))["a.parquet, row 0"]


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(_TEXTS, _TEXTS), min_size=1, max_size=8), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@settings(deadline=None, max_examples=60)
def test_every_text_that_the_csv_module_writes_is_read_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, rows: Sequence[tuple[str, str]], quoting: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=quoting).writerows([("n", "text", "other"), *(("x", *row) for row in rows)])  # type: ignore[arg-type]
    source = open_source(path, text="text")
    assert [each.content for each in found(source)] == [text for text, _ in rows if text.strip()]
    assert len(list(source)) == len(rows)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=150)
def test_any_bytes_after_the_first_line_are_read_or_named(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name, head in (("a.csv", b"text,y\n"), ("a.tsv", b"text\ty\n"), ("a.jsonl", b'{"text": "a"}\n')):
        for each in open_source(write(folder / name, head + content), text="text"):
            assert each.content.encode() if isinstance(each, Found) else each.reason


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_one_record_is_in_memory_at_a_time(tmp_path: Path, name: str) -> None:
    path = WRITERS[name](tmp_path / name, [{"n": index, "text": f"{index} " + "word " * 200} for index in range(4000)])
    source = open_source(path, text="text", id="n")
    tracemalloc.start()
    try:
        assert sum(isinstance(each, Found) for each in source) == 4000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 10
    finally:
        tracemalloc.stop()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.xlsx", b"x"), tmp_path / "none.csv"):
        with pytest.raises(InputError) as caught:
            open_source(path, text="text")
        assert caught.value.argument == "path"
