"""All benchmarks, one after the other, and their summary: what `make bench` runs.

    python benchmarks/run_all.py [--only PART ...] [--skip PART ...] [--quick] [--redo] [--out DIR]

The long parts append to CSV files in DIR as they go, so the same command continues where it was stopped; --redo begins
anew.
--quick takes small sizes, to see that all works (minutes). Without MNIST the parts that need real predictions are left
out, and a message says so. A part that fails does not stop the others; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import records
from real_predictions import DEFAULT_FOLDER
from summary import summarise

from lindley.datasets.data_folders import find_file
from lindley.datasets.image_files import MNIST

HERE = Path(__file__).parent
PEERS_PYTHON = Path(".venv-peers/bin/python")


@dataclass(frozen=True)
class Part:
    """A script, what it understands beside --threads, and what makes it quick."""

    script: str
    understands: frozenset[str]
    quick: str = ""


_REAL = frozenset({"predictions", "data-dir", "out", "redo"})
_MNIST = frozenset({"data-dir", "out", "redo"})
PARTS: Mapping[str, Part] = {
    "predictions": Part(
        "real_predictions.py", frozenset({"data-dir", "predictions as out"}), "--rows 3000 --wide-rows 500 --steps 100"
    ),
    "peers": Part(
        "batchbald_against_peers.py",
        _REAL,
        "--sizes 500 1000 --full-size 3000 --batch-sizes 3 10 --draws 100 --configurations 1000 "
        "--fresh-draws 1000 --judge-configurations 10000 --long-seeds 2",
    ),
    "large-batches": Part(
        "large_batches.py", _REAL, "--batch-sizes 10 20 --seeds 2 --fresh-draws 1000 --judge-configurations 5000"
    ),
    "continuations": Part(
        "continuations.py", _REAL, "--rows 1000 --seeds 1 --sizes 8 12 --fresh-draws 500 --judge-configurations 2000"
    ),
    "switch": Part(
        "switch_point.py", _MNIST, "--networks 1 --rows 1000 --steps 100 --fresh-draws 500 --judge-configurations 2000"
    ),
    "scores": Part("score_bandwidth.py", frozenset({"out", "file", "peers-python"}), "--rows 5000"),
    "epig": Part("epig_speed.py", frozenset({"out", "file"}), "--rows 2000 --repeats 2"),
    "growth": Part("growth.py", frozenset({"out", "redo"}), "--most-rows 1000 --repetitions 1"),
    "diverse": Part("diverse_speed.py", frozenset(), "--rows 3000"),
    "prediction": Part(
        "prediction_against_peers.py",
        frozenset({"out", "redo", "peers-python"}),
        "--images 300 --peer-images 16 --draws 20 --rounds 1 --repetitions 1",
    ),
    "layouts": Part("channels_last.py", frozenset({"out"}), "--rounds 1"),
    "nonzero-features": Part("nonzero_features.py", frozenset({"data-dir", "out"}), "--rounds 1"),
    "mnist-round": Part("mnist_round.py", _MNIST, "--rounds 1 --candidates 2000 --steps 50"),
    "bfloat16": Part("bfloat16_choice.py", _MNIST, "--seeds 1 --rows 2000 --steps 100 --judge-configurations 10000"),
    "head": Part("head_speed.py", frozenset({"out"}), "--rows 5000 --labels 200 --features 64 --repeats 1"),
    "label-server": Part("label_server.py", frozenset({"out"}), "--items 2000 --labels 40"),
    "end-to-end": Part(
        "end_to_end.py",
        _MNIST | {"peers-python"},
        "--seeds 1 --epochs 5 --draws 5 --pool 500 --max-labels 40 --test-images 200",
    ),
}
NEED_PREDICTIONS = ("peers", "large-batches", "continuations")
NEED_MNIST = ("switch", "nonzero-features", "mnist-round", "bfloat16", "end-to-end")


def main() -> None:
    options = _options()
    chosen = [name for name in options.only or PARTS if name not in options.skip]
    failed = []
    for name in chosen:
        if name in NEED_PREDICTIONS and not (options.predictions / "mnist-K100.npy").exists():
            print(f"\n{name}: left out, since {options.predictions} holds no predictions on MNIST", flush=True)
        elif name in NEED_MNIST and not all(find_file(file, options.data_dir) for file in MNIST):
            print(f"\n{name}: left out, since MNIST is not there (`make data`)", flush=True)
        elif (HERE / PARTS[name].script).exists() and not _run(PARTS[name], options):
            failed.append(name)
    print(f"\n{summarise(options.out)}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="only these parts")
    parser.add_argument("--skip", nargs="+", choices=PARTS, default=[], help="not these parts")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all works")
    parser.add_argument("--redo", action="store_true", help="delete what was measured before (not the predictions)")
    parser.add_argument("--out", type=Path, help="default reports/benchmarks, with --quick runs/benchmarks-quick")
    parser.add_argument("--predictions", type=Path, help="the folder of real_predictions.py (default in benchmarks/)")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    quick_out = Path("runs/benchmarks-quick")
    options.out = options.out or (quick_out if options.quick else records.DEFAULT_FOLDER)
    options.predictions = options.predictions or (quick_out / "predictions" if options.quick else DEFAULT_FOLDER)
    return options


def _run(part: Part, options: argparse.Namespace) -> bool:
    """Whether the script ended well; what it prints is shown as it comes."""
    arguments = ["--threads", str(options.threads), *(part.quick.split() if options.quick else ())]
    values = {"out": options.out, "predictions": options.predictions, "data-dir": options.data_dir}
    values["peers-python"] = PEERS_PYTHON if PEERS_PYTHON.exists() else None
    for name, value in values.items():
        if name in part.understands and value:
            arguments += [f"--{name}", str(value)]
    if "file" in part.understands and (file := options.predictions / "mnist-K100.npy").exists():
        arguments.append(str(file))  # without one it generates predictions
    if "predictions as out" in part.understands:
        arguments += ["--out", str(options.predictions)]
    if "redo" in part.understands:
        arguments += ["--redo"] * options.redo
    elif "out" in part.understands:  # it appends, and takes a minute: measured anew each time
        (options.out / part.script).with_suffix(".csv").unlink(missing_ok=True)
    print(f"\n{part.script} {' '.join(arguments)}", flush=True)
    return subprocess.run([sys.executable, str(HERE / part.script), *arguments]).returncode == 0


if __name__ == "__main__":
    main()
