"""Real predictions for the other benchmarks: Gal's CNN fitted on 100 labels of MNIST, by the package's own parts.

    python benchmarks/real_predictions.py [--out DIR] [--data-dir DIR] [--rows N] [--wide-rows N]

For each data set (mnist, and repeated-mnist with every image three times) it leaves in DIR

    NAME-network.npz    the fitted weights, the labelled rows, and the recipe's seed
    NAME-K100.npy       [60000, 100, 10] log-probabilities, float32; row i is row ROWS[i] of the pool (NAME-rows.npy)
    NAME-K1000.npy      [6000, 1000, 10] of the first 6,000 of those rows (mnist only)

and skips what is there already. The weights give as many FRESH draws of any row as wanted (`fresh_log_probs`): draws
that no selection has seen, to judge batches by. About ten minutes on 2 cores, all in float32.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lindley.contracts import Labels, TrainingData
from lindley.datasets import catalogue
from lindley.datasets.dataset import Dataset
from lindley.errors import DataError
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.seeds import derive_seed
from lindley.session.subsets import candidate_rows, initial_balanced_rows
from lindley.training.config import TrainingConfig

DEFAULT_FOLDER = Path(__file__).parent / "predictions"
RECIPE = TrainingConfig(steps=1000, batch_size=32, learning_rate=2e-3, schedule="cosine")
NUM_LABELS = 100
SEED = 0
SLICE_DRAWS = 100
"""Draws whose weights are folded at a time: 2 MB each."""
CHUNK_ROWS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="the folder (default benchmarks/predictions)")
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies (default: $LINDLEY_DATA, then the cache)")
    parser.add_argument("--names", nargs="+", default=["mnist", "repeated-mnist"])
    parser.add_argument("--rows", type=int, default=60_000, help="rows predicted under 100 draws")
    parser.add_argument("--wide-rows", type=int, default=6_000, help="rows of mnist predicted under 1,000 draws")
    parser.add_argument("--steps", type=int, default=RECIPE.steps, help="steps of the fit (default 1000)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        _make(name, options)


def loaded(folder: Path, name: str, num_draws: int, num_rows: int | None = None) -> tuple[Tensor, Tensor]:
    """The first rows' predictions and what rows of the pool they are.  -> [N, K, C], [N]"""
    path = folder / f"{name}-K{num_draws}.npy"
    if not path.exists():
        sys.exit(f"{path} is missing: make it with `python benchmarks/real_predictions.py --out {folder}`")
    log_probs = torch.from_numpy(np.load(path, mmap_mode="r")[:num_rows].copy())
    return log_probs, torch.from_numpy(np.load(folder / f"{name}-rows.npy"))[: len(log_probs)]


def fresh_log_probs(
    folder: Path, name: str, rows: Tensor, num_draws: int, *, data_dir: Path | None = None, seed: int = 0
) -> Tensor:
    """Rows of the pool under draws that no selection has seen.  [n] -> [n, K, C] float32"""
    data = data_set(name, data_dir)
    posterior = _posterior(data, folder / f"{name}-network.npz")
    return predicted(data, posterior, rows, num_draws, seed=derive_seed(SEED, "fresh", seed))


def source_images(name: str, rows: Tensor, data_dir: Path | None = None) -> Tensor | None:
    """The image that each row of the pool shows, where the pool repeats images.  [n] -> [n]"""
    sources = data_set(name, data_dir).sources
    return None if sources is None else sources[rows]


def fitted(data: Dataset, steps: int, *, seed: int) -> tuple[MCDropoutPosterior, Tensor]:
    """Gal's CNN fitted on 100 balanced labels, and which rows those are."""
    rows = initial_balanced_rows(data.classes, NUM_LABELS, seed=seed)
    learner = MCDropout(_network(data), replace(RECIPE, steps=steps))
    return learner.fit(TrainingData(data.pool, Labels(rows, data.classes[rows]), data.task), seed=seed), rows


def _make(name: str, options: argparse.Namespace) -> None:
    data = data_set(name, options.data_dir)
    weights = options.out / f"{name}-network.npz"
    if not weights.exists():
        _timed(f"{name}: fit on {NUM_LABELS} labels", lambda: _fit(data, options.steps, weights))
    posterior = _posterior(data, weights)
    with np.load(weights) as saved:
        labelled = torch.from_numpy(saved["labelled_rows"])
    rows = _candidates(data, labelled, options.rows)
    np.save(options.out / f"{name}-rows.npy", rows.numpy())
    sizes = [(100, len(rows))] + ([(1000, min(options.wide_rows, len(rows)))] if name == "mnist" else [])
    for num_draws, num_rows in sizes:
        path = options.out / f"{name}-K{num_draws}.npy"
        if path.exists():
            continue
        predict = partial(predicted, data, posterior, rows[:num_rows], num_draws, seed=derive_seed(SEED, "draws"))
        log_probs = _timed(f"{name}: {num_rows} rows x {num_draws} draws", predict)
        part = path.with_suffix(".part.npy")
        np.save(part, log_probs.numpy())
        part.rename(path)


def data_set(name: str, data_dir: Path | None) -> Dataset:
    try:
        return catalogue.load(name, data_dir=data_dir, seed=SEED)
    except DataError as error:
        sys.exit(f"the benchmarks on real predictions need {name}: {error}")


def _candidates(data: Dataset, labelled: Tensor, count: int) -> Tensor:
    """All rows in a seeded order, or, where a pool repeats images, images with all their copies.

    The labelled rows of a pool without copies are left in: N stays a round number, and what a network has been told
    carries next to no information.
    """
    known = labelled if data.sources is not None else labelled[:0]
    rows = candidate_rows(len(data.pool), known, count=count, seed=SEED, sources=data.sources)
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED))
    return rows[order]


def _fit(data: Dataset, steps: int, path: Path) -> None:
    posterior, rows = fitted(data, steps, seed=SEED)
    state = posterior._module.state_dict()
    np.savez(path, labelled_rows=rows.numpy(), **{f"weight:{key}": value.numpy() for key, value in state.items()})


def _posterior(data: Dataset, path: Path) -> MCDropoutPosterior:
    module = _network(data)().eval()
    with np.load(path) as saved:
        named = {key.removeprefix("weight:"): saved[key] for key in saved.files if key.startswith("weight:")}
    module.load_state_dict({key: torch.from_numpy(value) for key, value in named.items()})
    return MCDropoutPosterior(module)


def _network(data: Dataset) -> Callable[[], torch.nn.Module]:
    return build_network("gal-cnn", input_shape=data.input_shape, num_classes=data.task.num_classes)


def predicted(data: Dataset, posterior: MCDropoutPosterior, rows: Tensor, num_draws: int, *, seed: int) -> Tensor:
    """[n] -> [n, K, C], by slices of draws: all weights of 10,000 draws would take 20 GB."""
    log_probs = torch.empty(len(rows), num_draws, data.task.num_classes)
    for first in range(0, num_draws, SLICE_DRAWS):
        count = min(SLICE_DRAWS, num_draws - first)
        draws = posterior.draw(count, seed=derive_seed(seed, "slice", first))
        for start in range(0, len(rows), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            log_probs[part, first : first + count] = draws.predict(data.pool.read(rows[part])).log_probs
    return log_probs


def _timed(what: str, work: Callable[[], Tensor | None]) -> Tensor:
    start = time.perf_counter()
    result = work()
    print(f"{what}: {time.perf_counter() - start:.0f} s", flush=True)
    return result  # type: ignore[return-value]


if __name__ == "__main__":
    main()
