"""The benchmarks still run, and their judge of batches is right; speed itself is not tested."""

from __future__ import annotations

import argparse
import json
import mmap
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import lindley
from lindley.datasets.data_folders import find_file
from lindley.datasets.image_files import MNIST
from lindley.information import joint_information
from lindley.networks.catalogue import NETWORKS
from lindley.posteriors.dropout.masks import dropout_masks
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PEERS_PYTHON = Path(__file__).parents[1] / ".venv-peers" / "bin" / "python"
needs_peers = pytest.mark.skipif(not PEERS_PYTHON.exists(), reason="no .venv-peers: make it with `make peers`")


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def run(script: str, *arguments: object, python: str | Path = sys.executable) -> str:
    command = [str(python), str(BENCHMARKS / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def some_predictions(num_rows: int, num_draws: int = 7, num_classes: int = 3, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(num_rows, num_draws, num_classes, generator=generator)).log_softmax(-1)


@pytest.mark.parametrize("seed", range(5))
def test_judged_information_agrees_with_enumeration(seed: int) -> None:
    batch = some_predictions(4, seed=seed)
    batch[0, :3] = torch.tensor([0.0, -torch.inf, -torch.inf])
    judged = import_module("judge").judge(batch, num_configurations=20_000, seed=seed)
    assert abs(judged.information - joint_information(batch.double())) < 4 * judged.standard_error


def test_what_a_batch_leaves_keeps_its_digits() -> None:
    """Two draws, each sure of its own class but for a chance of ε in each of three rows: binary entropies by hand."""
    epsilon, num_rows = 1e-4, 3
    sure = torch.tensor([[1 - epsilon, epsilon], [epsilon, 1 - epsilon]], dtype=torch.float64).log()
    judged = import_module("judge").judge(sure.expand(num_rows, 2, 2), num_configurations=400_000)
    odds = (epsilon / (1 - epsilon)) ** num_rows  # of the other draw, where all labels are those of one
    agreed = np.log1p(odds) - odds / (1 + odds) * np.log(odds)
    least = (1 - epsilon) ** num_rows * agreed
    one_differs = num_rows * epsilon * (np.log1p(odds ** (1 / 3)) - odds ** (1 / 3) * np.log(odds ** (1 / 3)))
    assert least <= judged.left == pytest.approx(least + one_differs, abs=4 * judged.standard_error)


def test_growth_measures_a_case_and_draws_it(tmp_path: Path) -> None:
    case = '{"N": 40, "b": 3, "K": 5, "C": 3}'
    lines = run("growth.py", "--case", case, "--repetitions", 1, "--threads", 1).splitlines()
    rows = [{key: str(value) for key, value in json.loads(line).items()} for line in lines]
    assert [row["method"] for row in rows] == ["bald", "batchbald"]
    assert import_module("growth_figure").draw_growth(rows, tmp_path) == tmp_path / "growth.png"
    assert (tmp_path / "growth.png").stat().st_size > 10_000
    assert (tmp_path / "growth.pdf").exists()


def test_worker_selects_the_rows_that_lindley_selects(tmp_path: Path) -> None:
    predictions = some_predictions(70, num_draws=10)
    np.save(tmp_path / "p.npy", predictions.numpy())
    lines = run("batchbald_worker.py", "lindley", tmp_path / "p.npy", "--rows", 66, "--batch-size", 4, "--threads", 1)
    result = json.loads(lines)
    assert result["rows"] == lindley.select(predictions[:66], "batchbald-logdet", 4).rows.tolist()
    assert result["seconds"] > 0


def test_claims_of_a_store_are_measured(tmp_path: Path) -> None:
    lines = run("store_claims.py", "--items", 60, "--threads", 2, "--labels", 20, "--out", tmp_path).splitlines()
    assert lines[-1].startswith("| 60 |")
    (row,) = import_module("records").read(tmp_path / "store_claims.csv")
    assert 0 < float(row["p50"]) <= float(row["p95"]) <= float(row["max"])


def test_added_memory_is_that_of_the_block() -> None:
    with import_module("memory").added_mib() as added:
        block = mmap.mmap(-1, 40 << 20)  # of the kernel: an allocator may hand out what is resident already
        np.frombuffer(block, dtype=np.uint8)[:] = 1
    assert 39 <= added[0] < 60


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    records = import_module("records")
    records.append(tmp_path / "t.csv", {"N": 3, "rows": [1, 2]})
    records.append(tmp_path / "t.csv", {"N": 4, "rows": []})
    rows = records.read(tmp_path / "t.csv")
    assert rows == [{"N": "3", "rows": "[1, 2]"}, {"N": "4", "rows": "[]"}]
    assert records.is_done(rows, N=4)
    assert not records.is_done(rows, N=5)
    with pytest.raises(SystemExit, match="columns"):
        records.append(tmp_path / "t.csv", {"N": 5, "other": 1})


def test_summary_says_which_bars_are_met(tmp_path: Path) -> None:
    records, summary = import_module("records"), import_module("summary")
    for library, seconds in (("lindley", 0.5), ("batchbald_redux", 100.0)):
        case = {"library": library, "K": 100, "b": 10, "N": 6000, "status": "done"}
        records.append(tmp_path / "batchbald_speed.csv", {**case, "seconds": seconds, "added_mib": 3.0})
    text = summary.summarise(tmp_path).read_text(encoding="utf-8")
    assert "| 200 × (100.0 s, 0.5 s) | **no** |" in text
    assert "| 100 | 10 | 6000 | batchbald_redux | 100 | 200 | 3 |" in text


def test_summary_holds_predictions_and_whole_runs_against_their_bars(tmp_path: Path) -> None:
    records, summary = import_module("records"), import_module("summary")
    for library, precision, rate, products in (
        ("lindley", "float32", 130_000.0, 200_000.0),
        ("lindley", "bfloat16", 300_000.0, 1_000_000.0),
        ("baal", "float32", 3000.0, ""),
    ):
        case = {"network": "gal-cnn", "library": library, "precision": precision, "K": 100, "rate": rate}
        row = {**case, "added_mib": 1.0, "product_rate": products, "setting": "any"}
        records.append(tmp_path / "prediction_speed.csv", row)
    recipe = {"K": 20, "epochs": 50, "pool": 10_000, "initial_labels": 20, "query": 10, "max_labels": 120}
    peers = (("baal", 600.0, 0.9), ("baal-channels-last", 450.0, 0.945))  # whichever of a peer is faster counts
    for library, seconds, accuracy in (("lindley", 30.0, 0.93), *peers):
        stages = {f"{name}_seconds": seconds for name in ("wall", "fit", "predict", "select")}
        case = {"library": library, "precision": "float32", "seed": 1, **recipe}
        records.append(tmp_path / "end_to_end.csv", {**case, **stages, "accuracy": accuracy})
    text = summary.summarise(tmp_path).read_text(encoding="utf-8")
    assert "bfloat16: at least 150 × baal | 100.0 × (300,000 and 3,000 image-draws/s) | **no** |" in text
    assert "float32: at least 40 × baal | 43.3 × (130,000 and 3,000 image-draws/s) | yes |" in text
    assert "bfloat16: at least 40 % of the rate of its matrix products | 30 % | **no** |" in text
    assert "float32: at least 10 × faster than baal | 15.0 × (median of 1 seeds) | yes |" in text
    assert "of baal's | 93.0 and 94.5 % (medians of 1 seeds; means 93.0 and 94.5) | **no** |" in text


@pytest.mark.parametrize("name", ["gal-cnn", "batchbald-cnn"])
def test_products_are_those_of_the_units_that_the_draws_keep(name: str) -> None:
    """Multiplications counted from the masks alone."""
    num_draws, num_images, seed = 3, 5, 7
    draws = MCDropoutPosterior(NETWORKS[name](input_shape=(1, 28, 28), num_classes=10)).draw(num_draws, seed=seed)
    draws.predict(torch.zeros(1, 1, 28, 28))

    def kept(site: int, shape: tuple[int, ...]) -> list[int]:
        masks = dropout_masks(0.5, shape, num_draws=num_draws, site=str(site), seed=seed)
        return [int(mask.count_nonzero()) for mask in masks]

    if name == "gal-cnn":
        expected = 3872 * sum(kept(9, (128,)))
    else:
        units = zip(kept(1, (32, 1, 1)), kept(5, (64, 1, 1)), kept(10, (128,)), strict=True)
        expected = sum(8 * 8 * 25 * first * second + 4 * 4 * second * third for first, second, third in units)
    products = import_module("prediction_products")._products(draws, num_images, 2)
    assert sum(rows * factor.numel() for rows, _, factor in products) == num_images * expected
    assert import_module("prediction_products").seconds_of_products(draws, num_images, 2) > 0


def test_prediction_worker_predicts_with_frozen_draws() -> None:
    worker = import_module("prediction_worker")
    module = worker.fresh_network("gal-cnn").eval()
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    (setting,) = worker.LIBRARIES["lindley"](module, images, 4, "float32")
    assert torch.equal(setting.predict(), MCDropoutPosterior(module).draw(4, seed=0).predict(images).log_probs)


@needs_peers
@pytest.mark.parametrize("library", ["baal", "batchbald_redux-shared"])
def test_peers_predict_on_average_what_lindley_predicts(library: str, tmp_path: Path) -> None:
    import_module("prediction_against_peers")._write_inputs(tmp_path, 2)
    arguments = (library, tmp_path, "--draws", 60, "--repetitions", 1, "--threads", 1)
    theirs = json.loads(run("prediction_worker.py", *arguments, python=PEERS_PYTHON))
    worker = import_module("prediction_worker")
    images = torch.from_numpy(np.load(tmp_path / "images.npy"))
    (ours,) = worker.LIBRARIES["lindley"](worker._network("gal-cnn", tmp_path), images, 60, "float32")
    expected = ours.predict().exp().mean((0, 1))
    assert torch.tensor(theirs["predictive"]) == pytest.approx(expected, abs=0.6 / 60**0.5)
    assert theirs["seconds"] > 0


def few_images(num_rows: int) -> dict[str, torch.Tensor]:
    images = torch.rand(num_rows, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    classes = torch.arange(num_rows) % 10
    initial = torch.arange(2)
    return {"inputs": images, "classes": classes, "test_inputs": images, "test_classes": classes, "initial": initial}


def test_whole_runs_go_to_the_last_label() -> None:
    options = argparse.Namespace(epochs=1, batch_size=2, draws=2, query=2, max_labels=6, precision="float32", seed=0)
    seconds = dict.fromkeys(("fit", "predict", "select", "test"), 0.0)
    accuracies, path = import_module("end_to_end_worker").LIBRARIES["lindley"](few_images(12), options, seconds)
    assert len(accuracies) == 3
    assert path == "folded"
    assert min(seconds[stage] for stage in ("fit", "predict", "test")) > 0


@needs_peers
def test_whole_runs_of_baal_go_to_the_last_label(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", **{name: array.numpy() for name, array in few_images(12).items()})
    sizes = ("--epochs", 1, "--batch-size", 2, "--draws", 2, "--query", 2, "--max-labels", 6, "--threads", 1)
    result = json.loads(run("end_to_end_worker.py", "baal", tmp_path / "data.npz", *sizes, python=PEERS_PYTHON))
    assert len(result["accuracies"]) == 3
    assert result["wall"] == pytest.approx(result["fit"] + result["predict"] + result["select"])


def test_equal_predictions_lose_nothing() -> None:
    """The batches of two equal predictions are the same; those of others are judged by the first."""
    choice, predictions = import_module("bfloat16_choice"), some_predictions(60, num_draws=20)
    same = {method: (chosen, best) for method, chosen, best in choice._choices(predictions, predictions, 0, 3)}
    assert [*same] == [*choice.METHODS]
    assert all(same[method][0] == same[method][1] for method in choice.METHODS[:2])
    other = some_predictions(60, num_draws=20, seed=1)
    for method, chosen, best in choice._choices(predictions, other, 0, 3):
        if method == "BALD, top-k":
            assert chosen == lindley.select(other, "bald", 3).rows.tolist()
            assert best == lindley.select(predictions, "bald", 3).rows.tolist()


@pytest.mark.skipif(
    not all(find_file(file, None) for file in MNIST), reason="MNIST is not there: `make data`, or LINDLEY_DATA"
)
@pytest.mark.parametrize(
    ("name", "sizes", "cases"),
    [
        ("mnist_round", "--rounds 1 --candidates 30", ["folded"]),
        ("bfloat16_choice", "--seeds 1 --rows 30 --judge-configurations 100", ["BatchBALD", "BALD, top-k"]),
    ],
)
def test_rounds_on_mnist_are_measured_once(
    name: str, sizes: str, cases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = f"{sizes} --steps 2 --draws 3 --batch-size 2 --labels 10 --threads 1 --out".split()
    monkeypatch.setattr(sys, "argv", [name, *small, str(tmp_path)])
    import_module(name).main()
    rows = import_module("records").read(tmp_path / f"{name}.csv")
    assert [row.get("path") or row["method"] for row in rows][:2] == cases
    for row in rows if name == "mnist_round" else ():
        stages = [float(row[f"{stage}_seconds"]) for stage in ("fit", "predict", "select")]
        assert 0 < sum(stages) <= float(row["seconds"])
    import_module(name).main()  # nothing is left to do
    assert import_module("records").read(tmp_path / f"{name}.csv") == rows
