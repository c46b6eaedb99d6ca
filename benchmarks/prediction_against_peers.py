"""MC-dropout prediction beside other libraries: image-draws a second and added memory, Gal's and BatchBALD's CNN.

    python benchmarks/prediction_against_peers.py [--images N] [--draws K] [--rounds R] [--out DIR]

needs the peers' own environment (`make peers`; --peers without names leaves them out). Images and weights are random
and the same for all; what the libraries predict on average is compared, so that all do compute the same. In every round
each library runs once, in a process of its own (prediction_worker.py), one after the other, so that all see the same
machine; of all its repetitions the best counts. Other libraries predict fewer images: their rate does not depend on how
many there are. Each repetition is a row of prediction_speed.csv, appended as it comes; the same command continues where
it was stopped, and --redo begins anew. Compare ratios within one run. About 20 minutes on 2 quiet cores.
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

from lindley.networks.catalogue import NETWORKS

PEERS = ("baal", "batchbald_redux", "baal-channels-last", "batchbald_redux-shared")
"""As prediction_worker.py describes them."""
PRECISIONS = ("float32", "bfloat16")
NAMES = ("gal-cnn", "batchbald-cnn")
WORKER = Path(__file__).parent / "prediction_worker.py"
SHARPENED = 8.0
"""The last layer's weights are multiplied by this, so that random networks do not just say 1/10 of every class."""
FARTHEST = 0.6
"""Times 1 / sqrt(K): by how much the average predictions of two libraries may differ, whose masks are not the same."""


def main() -> None:
    options = _parser().parse_args()
    file = options.out / "prediction_speed.csv"
    if options.redo:
        file.unlink(missing_ok=True)
    if options.peers and not Path(options.peers_python).exists():
        sys.exit(f"{options.peers_python} is missing: make it with `make peers`, or pass --peers without names")
    ours = [("lindley", precision) for precision in options.precisions]
    cases = [*ours[:1], *((peer, "float32") for peer in options.peers[:1]), *ours[1:]]
    cases += [(peer, "float32") for peer in options.peers[1:]]
    with tempfile.TemporaryDirectory() as folder:
        _write_inputs(Path(folder), max(options.images, options.peer_images))
        for network in options.networks:
            for round_ in range(options.rounds):
                for library, precision in cases:
                    case = {"network": network, "library": library, "precision": precision, "K": options.draws}
                    if not records.is_done(records.read(file), **case, round=round_):
                        _run(case, round_, Path(folder), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--draws", type=int, default=100, help="K (default 100)")
    parser.add_argument("--images", type=int, default=2000, help="of ours (default 2000)")
    parser.add_argument("--peer-images", type=int, default=128, help="of the others (default 128)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each library (default 3)")
    parser.add_argument("--repetitions", type=int, default=3, help="in each process (default 3)")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), help="of ours")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peers-python", default=".venv-peers/bin/python", help="the peers' interpreter")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    parser.add_argument("--redo", action="store_true", help="delete what was measured before")
    return parser


def _write_inputs(folder: Path, num_images: int) -> None:
    """Random images and weights, from fixed seeds."""
    images = torch.rand(num_images, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    np.save(folder / "images.npy", images.numpy())
    for name in NAMES:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = NETWORKS[name](input_shape=(1, 28, 28), num_classes=10)
        state = {key: value.numpy() for key, value in module.state_dict().items()}
        last = [key for key in state if key.endswith("weight")][-1]
        np.savez(folder / f"weights-{name}.npz", **{**state, last: SHARPENED * state[last]})


def _run(case: dict[str, object], round_: int, folder: Path, options: argparse.Namespace) -> None:
    """One process; its repetitions are recorded."""
    is_peer = case["library"] != "lindley"
    num_images = options.peer_images if is_peer else options.images
    command = [options.peers_python if is_peer else sys.executable, str(WORKER), str(case["library"]), str(folder)]
    command += ["--network", str(case["network"]), "--draws", str(options.draws), "--images", str(num_images)]
    command += ["--precision", str(case["precision"]), "--repetitions", str(options.repetitions)]
    process = subprocess.run([*command, "--threads", str(options.threads)], capture_output=True, text=True)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{process.stderr[-2000:]}")
    for line in process.stdout.splitlines():
        result = json.loads(line)
        _check_agreement(case, result["predictive"], options)
        image_draws, product_seconds = num_images * options.draws, result["product_seconds"]
        row = {
            **case,
            "round": round_,
            "images": num_images,
            "seconds": result["seconds"],
            "rate": image_draws / result["seconds"],
            "added_mib": result["added_mib"],
            "product_rate": image_draws / product_seconds if product_seconds else "",
            "setting": result["setting"],
            "rates": result["rates"],
            "predictive": result["predictive"],
            "at": records.now(),
            "machine": records.machine(options.threads),
        }
        records.append(options.out / "prediction_speed.csv", row)
        of_products = f", products alone {row['product_rate']:,.0f}" if product_seconds else ""
        said = f"{row['rate']:10,.0f} image-draws/s, {row['added_mib']:.0f} MiB{of_products} ({row['setting']})"
        print(f"{case['network']} {case['library']} {case['precision']}: {said}", flush=True)


def _check_agreement(case: dict[str, object], predictive: list[float], options: argparse.Namespace) -> None:
    for row in records.read(options.out / "prediction_speed.csv"):
        if row["network"] == case["network"] and row["K"] == str(case["K"]):
            before = json.loads(row["predictive"])
            if max(abs(a - b) for a, b in zip(before, predictive, strict=True)) > FARTHEST / options.draws**0.5:
                sys.exit(
                    f"{case} predicts {predictive} on average, {row['library']} {before}: they differ in what they do"
                )
            return


if __name__ == "__main__":
    main()
