"""The same active learning by lindley and by baal on MNIST: wall time, fit and prediction apart, and accuracy.

    python benchmarks/end_to_end.py [--seeds S ...] [--data-dir DIR] [--out DIR]

needs MNIST and the peers' own environment (`make peers`). Gal's CNN, 50 epochs of minibatches of 10, Adam at 1e-3,
K = 20 draws, a pool of 10,000, from 20 balanced labels to 120 by 10, top-k BALD; 2,000 test images. The pool, the test
images and the first labels are the same for all libraries of a seed. For each seed the libraries run one after the
other, each in a process of its own (end_to_end_worker.py), and leave one row of end_to_end.csv; the same command
continues where it was stopped, and --redo begins anew. 8 to 15 minutes a seed on 2 quiet cores, nearly all of it
baal's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import records
import torch
from mnist_round import mnist

from lindley.contracts import Inputs
from lindley.datasets.dataset import Dataset
from lindley.noise import torch_generator
from lindley.session.subsets import initial_balanced_rows

PEERS = ("baal", "baal-channels-last")
WORKER = Path(__file__).parent / "end_to_end_worker.py"


def main() -> None:
    options = _parser().parse_args()
    file = options.out / "end_to_end.csv"
    if options.redo:
        file.unlink(missing_ok=True)
    if options.peers and not Path(options.peers_python).exists():
        sys.exit(f"{options.peers_python} is missing: make it with `make peers`, or pass --peers without names")
    data = mnist(options.data_dir)
    ours = [("lindley", precision) for precision in options.precisions]
    libraries = [*ours[:1], *((peer, "float32") for peer in options.peers), *ours[1:]]
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            inputs = Path(folder) / "data.npz"
            for library, precision in libraries:
                case = {"library": library, "precision": precision, "seed": seed, **_recipe(options)}
                if not records.is_done(records.read(file), **case):
                    if not inputs.exists():
                        _write_inputs(data, seed, inputs, options)
                    _run(case, inputs, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=10, help="of the fit; labels come in multiples of it")
    parser.add_argument("--draws", type=int, default=20, help="K")
    parser.add_argument("--pool", type=int, default=10_000, help="images of the pool")
    parser.add_argument("--initial-labels", type=int, default=20)
    parser.add_argument("--query", type=int, default=10, help="labels a round")
    parser.add_argument("--max-labels", type=int, default=120)
    parser.add_argument("--test-images", type=int, default=2000)
    parser.add_argument("--precisions", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["baal"])
    parser.add_argument("--peers-python", default=".venv-peers/bin/python", help="the peers' interpreter")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def _recipe(options: argparse.Namespace) -> dict[str, object]:
    return {
        "K": options.draws,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "pool": options.pool,
        "initial_labels": options.initial_labels,
        "query": options.query,
        "max_labels": options.max_labels,
        "test_images": options.test_images,
    }


def _write_inputs(data: Dataset, seed: int, path: Path, options: argparse.Namespace) -> None:
    """A pool and test images drawn from those of MNIST, and the first labels, all from the seed."""
    rows = torch.randperm(len(data.pool), generator=torch_generator(seed, "pool"))[: options.pool]
    test = torch.randperm(len(data.test_classes), generator=torch_generator(seed, "test"))[: options.test_images]
    classes = data.classes[rows]
    np.savez(
        path,
        inputs=_array(data.pool.read(rows)),
        classes=classes.numpy(),
        test_inputs=data.test_inputs[test].numpy(),
        test_classes=data.test_classes[test].numpy(),
        initial=initial_balanced_rows(classes, options.initial_labels, seed=seed).numpy(),
    )


def _array(inputs: Inputs) -> np.ndarray:
    assert isinstance(inputs, torch.Tensor)
    return inputs.contiguous().numpy()


def _run(case: dict[str, object], inputs: Path, options: argparse.Namespace) -> None:
    python = sys.executable if case["library"] == "lindley" else options.peers_python
    command = [python, str(WORKER), str(case["library"]), str(inputs)]
    for name in ("seed", "epochs", "batch_size", "query", "max_labels", "precision"):
        command += [f"--{name.replace('_', '-')}", str(case[name])]
    command += ["--draws", str(case["K"]), "--threads", str(options.threads)]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{process.stderr[-2000:]}")
    result = json.loads(process.stdout.splitlines()[-1])
    stages = {f"{name}_seconds": result[name] for name in ("wall", "fit", "predict", "select", "test")}
    accuracies = result["accuracies"]
    row = {**case, **stages, "accuracy": accuracies[-1], "accuracies": accuracies, "setting": result["setting"]}
    row |= {"at": records.now(), "machine": records.machine(options.threads)}
    records.append(options.out / "end_to_end.csv", row)
    seconds = ", ".join(f"{name.removesuffix('_seconds')} {value:.1f} s" for name, value in stages.items())
    print(f"{case['library']} {case['precision']} seed {case['seed']}: {seconds}; {accuracies[-1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
