"""`lindley select`: every kind of file leads to the same choice, and what cannot be used is one clear message."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from lindley import select
from lindley.acquisition import ACQUISITIONS
from lindley.apps.cli import app
from lindley.apps.select_command import selection_summary
from lindley.contracts import Selection

GENERATOR = torch.Generator().manual_seed(0)
LOG_PROBS = (2 * torch.randn(60, 8, 4, generator=GENERATOR)).log_softmax(-1)
TARGETS = (2 * torch.randn(9, 8, 4, generator=GENERATOR)).log_softmax(-1)
FEATURES = torch.randn(60, 3, generator=GENERATOR)
IDS = [f"image {row}, ä.png" for row in range(60)]
NESTED = pa.list_(pa.list_(pa.float32()))


def lindley(*arguments: object) -> Result:
    ran = CliRunner().invoke(app, ["select", *map(str, arguments)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran


def table_of(ran: Result) -> list[dict[str, str]]:
    assert ran.exit_code == 0, ran.stderr
    return list(csv.DictReader(io.StringIO(ran.stdout)))


def expected(name="bald", count=5, **options) -> list[str]:
    return [str(row) for row in select(LOG_PROBS, name, count, **options).rows.tolist()]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    array, generator = LOG_PROBS.numpy(), np.random.default_rng(0)
    np.save(folder / "p.npy", array)
    np.save(folder / "t.npy", TARGETS.numpy())
    np.save(folder / "probs.npy", np.exp(array))
    np.save(folder / "knc.npy", array.transpose(1, 0, 2))
    np.save(folder / "half.npy", array.astype(np.float16))
    np.savez(folder / "all.npz", log_probs=array, targets=TARGETS, features=FEATURES, ids=np.array(IDS))
    np.savez_compressed(folder / "c.npz", log_probs=array)
    np.save(folder / "labelled.npy", generator.normal(size=(4, 3)).astype(np.float32))
    save_file({"log_probs": LOG_PROBS, "targets": TARGETS}, folder / "p.safetensors")
    columns = {"id": IDS, "log_probs": pa.array(array.tolist(), NESTED)}
    parquet.write_table(pa.table(columns), folder / "p.parquet", row_group_size=25)
    flat = pa.array(array.reshape(60, -1).tolist(), pa.list_(pa.float32()))
    parquet.write_table(pa.table({"log_probs": flat}), folder / "flat.parquet")
    (folder / "ids.txt").write_text("\n".join(IDS), encoding="utf-8")
    bad = array.copy()
    bad[[3, 7], 0, 0] = np.nan
    np.save(folder / "bad.npy", bad)
    return folder


@pytest.mark.parametrize("name", ["bald", "batchbald", "margin"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["p.npy"],
        ["probs.npy", "--inputs", "probs"],
        ["knc.npy", "--axes", "KNC"],
        ["all.npz"],
        ["all.npz:log_probs"],
        ["all.npz", "--array", "log_probs"],
        ["c.npz"],
        ["p.safetensors"],
        ["p.parquet"],
        ["flat.parquet", "--num-draws", "8"],
    ],
    ids=" ".join,
)
def test_every_kind_of_file_leads_to_the_choice_of_the_library(files, name, arguments):
    table = table_of(lindley(files / arguments[0], *arguments[1:], "--acquisition", name, "--batch-size", 5))
    assert [line["id"] for line in table] == expected(name)
    assert [line["rank"] for line in table] == ["1", "2", "3", "4", "5"]
    scores = select(LOG_PROBS, name, 5).scores
    assert torch.allclose(torch.tensor([float(line["score"]) for line in table]), scores, atol=1e-5)


def test_half_precision_is_read(files):
    assert len(table_of(lindley(files / "half.npy", "--acquisition", "bald", "--batch-size", 5))) == 5


@pytest.mark.parametrize(
    "arguments", [["all.npz", "--ids", "ids"], ["p.parquet", "--ids", "id"], ["p.npy", "--ids", "ids.txt"]]
)
def test_ids_are_written_where_they_are_known(files, arguments, monkeypatch):
    monkeypatch.chdir(files)
    table = table_of(lindley(*arguments, "--acquisition", "bald", "--batch-size", 5))
    assert [line["id"] for line in table] == [IDS[int(row)] for row in expected()]


def test_jsonl_and_csv_files_hold_the_same(files, tmp_path):
    ask = ["--acquisition", "bald", "--batch-size", 5]
    for name in ("a.csv", "a.jsonl"):
        ran = lindley(files / "p.npy", *ask, "--out", tmp_path / name)
        assert (ran.exit_code, ran.stdout) == (0, "")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    table = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [{key: str(value) for key, value in line.items()} for line in lines] == table
    assert [line["id"] for line in lines] == [int(row) for row in expected()]
    assert lindley(files / "p.npy", *ask, "--format", "jsonl").stdout == (tmp_path / "a.jsonl").read_text()


def test_options_reach_the_method(files):
    table = table_of(lindley(files / "p.npy", "--batch-size", 4, "--option", "num_configurations=16", "--seed", 3))
    assert [line["id"] for line in table] == expected("batchbald", 4, num_configurations=16, seed=3)


@pytest.mark.parametrize("name", [name for name, method in ACQUISITIONS.items() if method.requires])
def test_what_a_method_needs_is_read_from_files(files, name):
    more = ["--targets", files / "all.npz", "--features", files / "all.npz:features"]
    more += ["--labelled-features", files / "labelled.npy"]
    given = {"targets": TARGETS, "features": FEATURES, "labelled_features": np.load(files / "labelled.npy")}
    table = table_of(lindley(files / "all.npz", "--acquisition", name, "--batch-size", 5, *more))
    assert [line["id"] for line in table] == expected(name, **given)


def test_the_summary_is_one_line_on_stderr(files):
    ran = lindley(files / "p.npy", "--batch-size", 3)
    assert "BatchBALD chose 3 of 60 candidates under 8 draws" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("array", "arguments", "advice"),
    [
        (LOG_PROBS.exp(), [], ["--inputs probs"]),
        (LOG_PROBS.exp().transpose(1, 2), [], ["--axes NCK", "--inputs probs"]),
        (LOG_PROBS.exp().transpose(1, 2), ["--inputs", "probs"], ["--axes NCK"]),
        (LOG_PROBS.transpose(1, 2), [], ["--axes NCK"]),
        (LOG_PROBS.exp().transpose(1, 2), ["--axes", "NCK"], ["--inputs probs"]),
        (LOG_PROBS - 1, [], ["--inputs logits"]),
        (LOG_PROBS.abs() + 1, [], ["--inputs probs", "--inputs logits"]),
        (LOG_PROBS.exp() / 2, ["--inputs", "probs"], ["--inputs log_probs", "--inputs logits"]),
    ],
)
def test_the_advice_for_other_numbers_names_the_likely_options(tmp_path, array, arguments, advice):
    np.save(tmp_path / "p.npy", array.numpy())
    ran = lindley(tmp_path / "p.npy", *arguments)
    assert ran.exit_code == 2
    assert re.findall(r"--\w+ \w+", ran.stderr) == advice


def test_information_is_summarised_in_bits_and_the_unit_of_scores_is_named():
    diagnostics = {"joint_information": np.log(4), "joint_information_se": np.log(2) / 10, "share_of_log_k": 0.5}
    selection = Selection(
        torch.arange(3), torch.zeros(3), {**diagnostics, "gains": [1.0], "rule": "top", "picks": 1234}
    )
    assert selection_summary("batchbald", selection, 60, 16) == (  # golden message
        "BatchBALD chose 3 of 60 candidates under 16 draws (scores in nats); their labels together carry 2 ± 0.1 bits; "
        "50% of what 16 draws can show; rule top; picks 1,234."
    )


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_summary_names_the_units_of_information(files, name):
    more = ["--targets", files / "all.npz", "--features", files / "all.npz:features"]
    more += ["--labelled-features", files / "labelled.npy"]
    ran = lindley(files / "all.npz", "--acquisition", name, "--batch-size", 5, *more)
    assert ran.exit_code == 0, ran.stderr
    assert ("scores in nats" in ran.stderr) == (ACQUISITIONS[name].unit == "log C")
    for part in ran.stderr.strip().rstrip(".").split("; "):
        assert part.endswith(" bits") or "information" not in part


def test_one_draw_is_warned_of_in_words(files, tmp_path):
    np.save(tmp_path / "one.npy", LOG_PROBS[:, :1].numpy())
    ran = lindley(tmp_path / "one.npy", "--acquisition", "bald")
    assert ran.exit_code == 0
    assert ran.stderr.startswith("lindley: bald compares draws")


def test_draws_given_as_rows_are_warned_of_unless_the_axes_or_the_ids_say_otherwise(files, tmp_path):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(200, 1, 4, generator=generator) + 0.3 * torch.randn(200, 20, 4, generator=generator)
    np.save(tmp_path / "p.npy", logits.log_softmax(-1).transpose(0, 1).numpy())
    (tmp_path / "ids.txt").write_text("\n".join(map(str, range(20))))
    ask = [tmp_path / "p.npy", "--acquisition", "bald", "--batch-size", 3]
    assert "--axes KNC" in lindley(*ask).stderr
    for more in (["--axes", "NKC"], ["--axes", "KNC"], ["--ids", tmp_path / "ids.txt"]):
        ran = lindley(*ask, *more)
        assert (ran.exit_code, "looks like" in ran.stderr) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["nothing.npy"], ["nothing.npy"]),
        (["p.npy", "--acquisition", "blad"], ["blad", '"bald"']),
        (["p.npy", "--option", "num_configuration=9"], ["num_configuration", '"num_configurations"']),
        (["p.npy", "--option", "num_configurations=many"], ["num_configurations", "many"]),
        (["p.npy", "--option", "num_configurations"], ["--option", "NAME=VALUE", "num_configurations"]),
        (
            ["p.npy", "--option", "num_configurations=9", "--option", "num_configurations=8"],
            ["--option", "num_configurations"],
        ),
        (["p.npy", "--inputs", "prob"], ["inputs", '"probs"']),
        (["p.npy", "--inputs", "probs"], ["p.npy", "--inputs log_probs"]),
        (["probs.npy"], ["probs.npy", "--inputs probs"]),
        (["p.npy", "--axes", "NKL"], ["axes", "NKL"]),
        (["p.parquet", "--axes", "KNC"], ["--axes", "p.parquet", "KNC"]),
        (["flat.parquet"], ["--num-draws", "flat.parquet", "32"]),
        (["p.npy", "--num-draws", "8"], ["--num-draws", "p.npy"]),
        (["p.npy", "--batch-size", "61"], ["--batch-size", "61", "60"]),
        (["p.npy", "--batch-size", "0"], ["--batch-size"]),
        (["t.npy", "--ids", "ids.txt"], ["--ids", "ids.txt", "60", "9"]),
        (["bad.npy"], ["bad.npy", "[3, 7]"]),
        (["bad.npy", "--ids", "ids.txt"], ["bad.npy", "['image 3, ä.png', 'image 7, ä.png']"]),
        (["all.npz:nothing"], ["all.npz", "'nothing'"]),
        (["p.npy", "--format", "xml"], ["--format", "xml"]),
        (["p.npy", "--out", "x.txt"], ["--out", "txt"]),
        (["p.npy", "--out", "nowhere/x.csv"], ["--out", "nowhere"]),
        (["p.npy", "--targets", "probs.npy:x"], ["probs.npy", "'x'"]),
        (["p.npy", "--targets", "nowhere.npy"], ["--targets", "nowhere.npy"]),
        (["p.npy", "--features", "t.npy"], ["features", "[60, D]", "[9, 8, 4]"]),
    ],
)
def test_wrong_usage_is_one_message_and_exit_code_2(files, monkeypatch, arguments, names):
    monkeypatch.chdir(files)
    ran = lindley(*arguments)
    assert ran.exit_code == 2
    assert [name for name in names if name not in ran.stderr] == []
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "name", [name for name, method in ACQUISITIONS.items() if method.requires - {"labelled_features"}]
)
def test_a_file_that_an_acquisition_requires_is_named_by_its_option(files, name):
    ran = lindley(files / "p.npy", "--acquisition", name)
    assert ran.exit_code == 2
    assert name in ran.stderr
    assert "--targets" in ran.stderr or "--features" in ran.stderr


@pytest.mark.parametrize("name", ["p.npy", "all.npz", "c.npz", "p.safetensors", "p.parquet"])
def test_damaged_files_are_named_with_exit_code_1(files, tmp_path, name):
    content = (files / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    ran = lindley(tmp_path / name)
    assert ran.exit_code == 1
    assert name in ran.stderr
    assert ran.stdout == ""


def test_acquisitions_are_listed_with_their_requirements():
    ran = CliRunner().invoke(app, ["acquisitions"])
    assert ran.exit_code == 0
    assert [
        name for name, method in ACQUISITIONS.items() if name not in ran.stdout or method.reference not in ran.stdout
    ] == []
    assert "options: num_configurations" in ran.stdout
    assert "requires targets" in ran.stdout


@pytest.mark.parametrize("name", ["bald", "batchbald", "badge"])
def test_excluded_candidates_are_not_selected(files, tmp_path, name):
    first = lindley(files / "p.npy", "--acquisition", "bald", "--batch-size", 7)
    (tmp_path / "labels.csv").write_text(first.stdout)  # a selection, with its column id
    labelled = {row["id"] for row in table_of(first)}
    np.save(tmp_path / "features.npy", FEATURES.numpy())
    more = ["--features", tmp_path / "features.npy"] if name == "badge" else []
    said = lindley(
        files / "p.npy", "--acquisition", name, "--batch-size", 50, "--exclude", tmp_path / "labels.csv", *more
    )
    again = [row["id"] for row in table_of(said)]
    assert len(set(again)) == 50
    assert not labelled & set(again)
    if name != "bald":
        return
    left = [row for row in range(60) if str(row) not in labelled]
    expected = select(LOG_PROBS[left], name, 50, rows=left)
    assert again == [str(row) for row in expected.rows.tolist()]


def test_excluded_ids_are_those_of_the_candidates(files, tmp_path):
    (tmp_path / "ids.txt").write_text("\n".join(IDS), encoding="utf-8")
    (tmp_path / "known.txt").write_text("\n".join([*IDS[:50], "no such image"]), encoding="utf-8")
    arguments = [files / "p.npy", "--acquisition", "bald", "--ids", tmp_path / "ids.txt"]
    said = lindley(*arguments, "--exclude", tmp_path / "known.txt", "--batch-size", 10)
    assert sorted(row["id"] for row in table_of(said)) == sorted(IDS[50:])
    assert "['no such image']" in said.stderr
    (tmp_path / "all.txt").write_text("\n".join(IDS), encoding="utf-8")
    said = lindley(*arguments, "--exclude", tmp_path / "all.txt")
    assert said.exit_code == 2
    assert "--exclude: all 60 candidates" in said.stderr


@pytest.fixture
def features(tmp_path):
    np.save(tmp_path / "features.npy", FEATURES.numpy())
    (tmp_path / "ids.txt").write_text("\n".join(IDS), encoding="utf-8")
    return tmp_path / "features.npy"


@pytest.mark.parametrize("name", ["typiclust", "coreset", "probcover"])
def test_before_there_is_a_model_features_are_enough(features, tmp_path, name):
    options = {"delta": 0.5} if name == "probcover" else {}
    more = ["--option", "delta=0.5"] if options else []
    arguments = ["--acquisition", name, "--features", features, "--batch-size", 5, *more]
    said = lindley(*arguments, "--ids", tmp_path / "ids.txt")
    chosen = select(None, name, 5, features=FEATURES, **options).rows.tolist()
    assert [row["id"] for row in table_of(said)] == [IDS[row] for row in chosen]
    assert "chose 5 of 60 candidates;" in said.stderr


@pytest.mark.parametrize("predicted", [True, False])
def test_what_is_excluded_counts_as_labelled_where_features_are_looked_at(files, features, tmp_path, predicted):
    (tmp_path / "labels.csv").write_text("id\n" + "\n".join(map(str, range(20))))
    np.save(tmp_path / "other.npy", FEATURES[:1].numpy())
    arguments = [*([files / "p.npy"] if predicted else []), "--acquisition", "coreset", "--features", features]
    arguments += ["--batch-size", 4, "--exclude", tmp_path / "labels.csv"]
    for more, labelled in (([], FEATURES[:20]), (["--labelled-features", tmp_path / "other.npy"], FEATURES[:1])):
        said = lindley(*arguments, *more)
        expected = select(
            None, "coreset", 4, features=FEATURES[20:], labelled_features=labelled, rows=torch.arange(20, 60)
        )
        assert [int(row["id"]) for row in table_of(said)] == expected.rows.tolist()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "FILE"),
        (["--acquisition", "typiclust"], "--features"),
        (["--acquisition", "random"], "--features"),
        (["--acquisition", "typiclust", "--features", "F", "--array", "a"], "--array"),
        (["--acquisition", "typiclust", "--features", "F", "--num-draws", 3], "--num-draws"),
        (["--acquisition", "typiclust", "--features", "F", "--inputs", "probs"], "--inputs"),
        (["--acquisition", "typiclust", "--features", "F", "--targets", "F"], "--targets"),
        (["--acquisition", "probcover", "--features", "F"], "--option delta=0.4"),
        (["--acquisition", "coreset", "--features", "F", "--ids", "SHORT"], "--ids"),
    ],
)
def test_without_predictions_a_missing_or_useless_option_is_named(features, tmp_path, arguments, name):
    (tmp_path / "short.txt").write_text("\n".join(IDS[:59]), encoding="utf-8")
    places = {"F": features, "SHORT": tmp_path / "short.txt"}
    said = lindley(*(places.get(each, each) for each in arguments))
    assert said.exit_code == 2
    assert name in said.stderr


def test_a_row_whose_features_are_broken_may_be_excluded_and_is_named(features, tmp_path):
    broken = FEATURES.clone()
    broken[3] = torch.nan
    np.save(features, broken.numpy())
    (tmp_path / "labels.txt").write_text("\n".join(IDS[:5]), encoding="utf-8")
    arguments = ["--acquisition", "coreset", "--features", features, "--ids", tmp_path / "ids.txt", "--batch-size", 4]
    said = lindley(*arguments, "--exclude", tmp_path / "labels.txt")
    assert repr([IDS[3]]) in said.stderr
    rows = torch.arange(5, 60)
    expected = select(None, "coreset", 4, features=FEATURES[5:], labelled_features=FEATURES[[0, 1, 2, 4]], rows=rows)
    assert [row["id"] for row in table_of(said)] == [IDS[row] for row in expected.rows.tolist()]
    assert lindley(*arguments).exit_code == 2


def test_a_labelled_row_without_direction_is_named_by_its_row(features, tmp_path):
    zero = FEATURES.clone()
    zero[3] = 0
    np.save(features, zero.numpy())
    (tmp_path / "labels.txt").write_text("\n".join(map(str, range(5))))
    said = lindley("--acquisition", "typiclust", "--features", features, "--exclude", tmp_path / "labels.txt")
    assert said.exit_code == 2
    assert "rows [3]" in said.stderr


def test_features_of_what_is_left_alone_say_that_nothing_counts_as_labelled(files, tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join(map(str, range(20))))
    np.save(tmp_path / "left.npy", FEATURES[20:].numpy())
    said = lindley(
        files / "p.npy", "--acquisition", "coreset", "--features", tmp_path / "left.npy", "--exclude",
        tmp_path / "labels.txt",
    )  # fmt: skip
    assert said.exit_code == 0
    assert "--labelled-features FILE" in said.stderr


ASK = ["--acquisition", "bald", "--batch-size", 5]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]], ids=["", "overwrite"])
def test_what_is_read_is_never_written_over(files, tmp_path, overwrite):
    (tmp_path / "mine.csv").write_text("id,label\n" + "".join(f'"{each}",cat\n' for each in IDS[:9]), encoding="utf-8")
    (tmp_path / "ids.csv").write_bytes((files / "ids.txt").read_bytes())
    (tmp_path / "link.csv").symlink_to(tmp_path / "mine.csv")
    for out in ("mine.csv", "link.csv"):
        before = (tmp_path / "mine.csv").read_bytes()
        arguments = ["--ids", files / "ids.txt", "--exclude", f"{tmp_path}/mine.csv:id", "--out", tmp_path / out]
        ran = lindley(files / "p.npy", *ASK, *arguments, *overwrite)
        assert (ran.exit_code, "--out: " in ran.stderr) == (2, True)
        assert (tmp_path / "mine.csv").read_bytes() == before


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("spreadsheet", [[], ["--spreadsheet"]], ids=["", "spreadsheet"])
def test_a_selection_is_replaced_until_somebody_adds_to_it(files, tmp_path, form, spreadsheet):
    if spreadsheet and form == "jsonl":
        assert lindley(files / "p.npy", *ASK, "--format", "jsonl", *spreadsheet).exit_code == 2
        return
    out = tmp_path / f"ask.{form}"
    arguments = [files / "p.npy", "--ids", files / "ids.txt", *ASK, "--out", out, *spreadsheet]
    assert lindley(*arguments).exit_code == 0
    assert lindley(*arguments, "--seed", 1).exit_code == 0
    written = out.read_text()
    for changed in (
        written.replace(",1,", ",1,cat", 1) if form == "csv" else written.replace('"rank": 1', '"rank": 1, "label": 2'),
        written + "note to myself\n", written[:-1], "my own\n",
    ):  # fmt: skip
        out.write_text(changed)
        ran = lindley(*arguments)
        assert (ran.exit_code, "--overwrite" in ran.stderr) == (2, True), changed
        assert out.read_text() == changed
    assert lindley(*arguments, "--overwrite").exit_code == 0
    assert out.read_text() == written
    out.write_text("")
    assert lindley(*arguments).exit_code == 0


def test_all_files_of_excluded_ids_are_used(files, tmp_path):
    for name, ids in (("a.txt", range(20)), ("b.txt", range(20, 40))):
        (tmp_path / name).write_text("\n".join(map(str, ids)))
    more = ["--exclude", tmp_path / "a.txt", "--exclude", tmp_path / "b.txt"]
    said = lindley(files / "p.npy", "--acquisition", "bald", "--batch-size", 20, *more)
    assert sorted(int(row["id"]) for row in table_of(said)) == list(range(40, 60))


@pytest.mark.parametrize("spreadsheet", [[], ["--spreadsheet"]], ids=["", "spreadsheet"])
def test_no_id_is_queried_again_whatever_it_holds(files, tmp_path, spreadsheet):
    marks = ["\u2028", "\x85", "\x0c", "\x0b", "\x1c", "\x1d", "\x1e", ",", '"', "'=", "''=", "'", "\t"]
    starts = ["=1+1", "+1", "-1", "@x", "\t=", "'=1+1", "''=1+1"]
    ids = [*starts, *(f"a{mark}b" for mark in marks)]
    ids += [f"plain {number}" for number in range(60 - len(ids))]
    (tmp_path / "ids.txt").write_text("\n".join(ids), encoding="utf-8")
    arguments = [files / "p.npy", "--ids", tmp_path / "ids.txt", "--acquisition", "bald", *spreadsheet]
    assert lindley(*arguments, "--batch-size", 40, "--out", tmp_path / "ask.csv").exit_code == 0
    rest = lindley(*arguments, "--batch-size", 20, "--exclude", tmp_path / "ask.csv", "--out", tmp_path / "rest.csv")
    assert rest.exit_code == 0
    assert "are no candidates" not in rest.stderr
    text = (tmp_path / "ask.csv").read_bytes().decode() + (tmp_path / "rest.csv").read_bytes().decode()
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline="")) if row[1] != "rank"]
    assert len(set(cells)) == 60
    assert any(cell[0] in "=+-@\t" for cell in cells) == (not spreadsheet)
    assert spreadsheet or sorted(cells) == sorted(ids)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, "{" * 100_000, "9" * 5000, "9" * 4000, "1e999", "NaN", "null", '"a"', "", "-1"]
)
@pytest.mark.parametrize("name", ["num_configurations", "beta", "delta"])
def test_hostile_values_of_options_are_refused(files, name, value):
    acquisition = {"num_configurations": "batchbald", "beta": "power-bald", "delta": "probcover"}[name]
    features = ["--features", files / "all.npz:features"]
    ran = lindley(files / "all.npz", "--acquisition", acquisition, *features, "--option", f"{name}={value}")
    assert ran.exit_code == 2 or (name, value) == ("beta", "1e999"), ran.stderr
    assert len(ran.stderr) < 10_000
