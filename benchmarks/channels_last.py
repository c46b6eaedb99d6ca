"""What images and weights channels-last are worth: a step of a fit, and convolutions of a prediction, either way.

    python benchmarks/channels_last.py [--rounds 5] [--threads 2] [--out DIR]

Gal's and BatchBALD's CNN on random images of MNIST's size, in float32 and, where the processor has it, bfloat16; both
layouts in turn, the best of several rounds. Writes channels_last.csv. A minute on two cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import records
import torch
from torch import nn

from lindley.networks.batchbald_cnn import batchbald_cnn
from lindley.networks.gal_cnn import gal_cnn
from lindley.training.precision import has_bfloat16

NETWORKS: dict[str, Callable[[], nn.Module]] = {"Gal's CNN": gal_cnn, "BatchBALD's CNN": batchbald_cnn}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
FIT_IMAGES, PREDICTED_IMAGES, REPETITIONS = 32, 500, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    file = options.out / "channels_last.csv"
    file.unlink(missing_ok=True)
    for network in NETWORKS:
        for precision in ("float32", "bfloat16") if has_bfloat16("cpu") else ("float32",):
            for work, images in (("a step of a fit", FIT_IMAGES), ("a prediction, dropout off", PREDICTED_IMAGES)):
                best = {layout: float("inf") for layout in LAYOUTS}
                calls = {layout: _call(network, layout, precision, images) for layout in LAYOUTS}
                for _ in range(options.rounds):
                    for layout, call in calls.items():
                        best[layout] = min(best[layout], _seconds(call))
                row = {
                    "network": network,
                    "work": work,
                    "images": images,
                    "precision": precision,
                    "threads": options.threads,
                    **{f"{layout} ms": f"{1e3 * seconds:.2f}" for layout, seconds in best.items()},
                    "times as fast": f"{best['contiguous'] / best['channels-last']:.2f}",
                }
                records.append(file, row)
                print(", ".join(map(str, row.values())), flush=True)


def _call(network: str, layout: str, precision: str, images: int) -> Callable[[], None]:
    torch.manual_seed(0)
    module = NETWORKS[network]().to(memory_format=LAYOUTS[layout])
    inputs = torch.rand(images, 1, 28, 28).to(memory_format=LAYOUTS[layout])
    classes = torch.randint(10, (images,))
    optimizer = torch.optim.Adam(module.parameters(), fused=True)
    half = precision == "bfloat16"

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = module(inputs)
        nn.functional.cross_entropy(logits.float(), classes).backward()
        optimizer.step()

    def predict() -> None:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            module(inputs)

    if images == FIT_IMAGES:
        return step
    module.eval()
    return predict


def _seconds(call: Callable[[], None]) -> float:
    call()
    began = time.perf_counter()
    for _ in range(REPETITIONS):
        call()
    return (time.perf_counter() - began) / REPETITIONS


if __name__ == "__main__":
    main()
