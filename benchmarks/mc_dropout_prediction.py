"""MC-dropout prediction with frozen draws: image-draws a second, beside the matrix product it cannot avoid.

    python benchmarks/mc_dropout_prediction.py --draws 100 --threads 2

All figures come from one run, interleaved, best of several: compare them as ratios. "naive" is what a loop over
forward passes with dropout on does (the way of most libraries), measured on fewer images and draws.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from lindley.networks.catalogue import NETWORKS
from lindley.posteriors.mc_dropout import MCDropoutPosterior

CHUNK = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100, help="K (default 100)")
    parser.add_argument("--images", type=int, default=2000, help="images a repetition (default 2000)")
    parser.add_argument("--repetitions", type=int, default=5, help="best of so many (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = torch.rand(options.images, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    print(f"K = {options.draws}, {options.images} images, {options.threads} threads, best of {options.repetitions}")
    for name in ("gal-cnn", "batchbald-cnn"):
        _compare(name, images, options.draws, options.repetitions)


def _compare(name: str, images: torch.Tensor, num_draws: int, repetitions: int) -> None:
    network = NETWORKS[name](input_shape=(1, 28, 28), num_classes=10).eval()
    cases: dict[str, tuple[Callable[[], None], float]] = {"naive, 10 draws": (_naive(network, images[:500]), 500 * 10)}
    for precision in ("float32", "bfloat16"):
        draws = MCDropoutPosterior(network, precision=precision).draw(num_draws, seed=0)
        cases[f"frozen {precision}"] = (_frozen(draws, images), len(images) * num_draws)
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(repetitions):
        for case, (run, _) in cases.items():
            start = time.perf_counter()
            run()
            best[case] = min(best[case], time.perf_counter() - start)
    base = cases["naive, 10 draws"][1] / best["naive, 10 draws"]
    for case, (_, work) in cases.items():
        rate = work / best[case]
        print(f"{name:14s} {case:18s} {rate:12,.0f} image-draws/s  {rate / base:7.1f} x naive")
    if name == "gal-cnn":
        for dtype in (torch.float32, torch.bfloat16):
            seconds = _matrix_product(dtype, num_draws, repetitions)
            print(f"{name:14s} product {dtype!s:15s} {CHUNK * num_draws / seconds:7,.0f} image-draws/s if it were all")


def _naive(network: torch.nn.Module, images: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        network.train()
        with torch.no_grad():
            for _ in range(10):
                network(images).log_softmax(-1)
        network.eval()

    return run


def _frozen(draws: object, images: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        for chunk in images.split(CHUNK):
            draws.log_probs(chunk)  # type: ignore[attr-defined]

    return run


def _matrix_product(dtype: torch.dtype, num_draws: int, repetitions: int) -> float:
    """Seconds of the one product of Gal's CNN whose size grows with K: [n, 3872] @ [3872, K * 128]."""
    features, weights = torch.rand(CHUNK, 3872).to(dtype), torch.rand(num_draws * 128, 3872).to(dtype)
    best = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        torch.nn.functional.linear(features, weights)
        best = min(best, time.perf_counter() - start)
    return best


if __name__ == "__main__":
    main()
