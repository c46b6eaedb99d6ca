"""The benchmarks still run, and their judge of batches is right; speed itself is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import lindley
from lindley.information import joint_information

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *map(str, arguments)]
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
    judged = import_module("judge").judge(batch, num_paths=20_000, seed=seed)
    assert abs(judged.information - joint_information(batch.double())) < 4 * judged.standard_error


def test_what_a_batch_leaves_keeps_its_digits() -> None:
    """Two draws, each sure of its own class but for a chance of ε in each of three rows: binary entropies by hand."""
    epsilon, num_rows = 1e-4, 3
    sure = torch.tensor([[1 - epsilon, epsilon], [epsilon, 1 - epsilon]], dtype=torch.float64).log()
    judged = import_module("judge").judge(sure.expand(num_rows, 2, 2), num_paths=400_000)
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
    assert result["rows"] == lindley.select(predictions[:66], "batchbald", 4).rows.tolist()
    assert result["seconds"] > 0


def test_added_memory_is_that_of_the_block() -> None:
    with import_module("memory").added_mib() as added:
        block = np.ones(40 << 20, dtype=np.uint8)
    assert 39 <= added[0] < 60
    del block


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
