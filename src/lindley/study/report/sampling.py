"""Location of the queried rows in the plane: near the model's boundary, and where the classes overlap."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lindley.datasets.moons import moons_class_probability, two_moons
from lindley.study.results import Arrays, ExperimentResults, TrialResults

UNDECIDED = (0.2, 0.8)
"""A mean probability in this range is near the boundary; a true one is ambiguous."""


@dataclass(frozen=True)
class Sampling:
    """Shares over the rounds of a trial, each in [0, 1]."""

    near: float
    """Share of the queried rows where the querying model's mean probability is in UNDECIDED (nearest grid point)."""
    near_pool: float
    """The same share of the unlabelled pool under the same models: the expectation of random queries."""
    ambiguous: float | None
    """Share of the queried rows where the true probability is in UNDECIDED; None where it is unknown."""
    picks: int


def measure_sampling(experiment: ExperimentResults, trial: TrialResults) -> Sampling | None:
    """Return the sampling of a trial; None where it stored no probability surface for a round that queried rows."""
    noise = moons_noise(experiment)
    first = trial.arrays(0, "grid") if trial.rounds else None
    if first is None:
        return None
    near: list[NDArray[np.bool_]] = []
    pool_shares, queried = [], []
    for number in range(len(trial.rounds)):
        grid = trial.arrays(number, "grid")
        if grid is None or len(grid["selected_inputs"]) == 0:
            continue
        near.append(_is_undecided(_nearest_probability(grid, grid["selected_inputs"])))
        unlabelled = _remove_labelled(first["pool_inputs"], grid["labelled_inputs"])
        pool_shares.append(float(_is_undecided(_nearest_probability(grid, unlabelled)).mean()))
        queried.append(grid["selected_inputs"])
    if not near:
        return None
    counts = [len(each) for each in near]
    points = np.concatenate(queried)
    ambiguous = None
    if noise is not None:
        truth = moons_class_probability(torch.from_numpy(np.asarray(points, dtype=np.float64)), noise).numpy()
        ambiguous = float(_is_undecided(truth).mean())
    return Sampling(
        float(np.concatenate(near).mean()), float(np.average(pool_shares, weights=counts)), ambiguous, len(points)
    )


def moons_noise(experiment: ExperimentResults) -> float | None:
    """Return the noise of the two moons of an experiment; None for other data, and without noise.

    None too where the pool has another distribution, by class imbalance or by noise on its duplicates.
    """
    pool = experiment.config["pool"]
    if experiment.config["data"]["name"] != "two-moons" or pool["class_imbalance"] or pool["duplicate_noise"]:
        return None
    default = inspect.signature(two_moons).parameters["noise"].default
    noise = float(experiment.config["data"]["options"].get("noise", default))
    return noise if noise > 0 else None


def _nearest_probability(grid: Arrays, points: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the mean probability at the grid point nearest to each point.  [n, 2] -> [n]"""
    xs, ys = grid["xs"], grid["ys"]
    column = np.abs(points[:, :1] - xs).argmin(1)
    row = np.abs(points[:, 1:] - ys).argmin(1)
    values: NDArray[np.floating] = grid["mean_prob"][row, column]
    return values


def _is_undecided(probabilities: NDArray[np.floating]) -> NDArray[np.bool_]:
    return (probabilities >= UNDECIDED[0]) & (probabilities <= UNDECIDED[1])


def _remove_labelled(pool: NDArray[np.floating], labelled: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the points of the pool that are not labelled."""
    taken = {tuple(point) for point in labelled.tolist()}
    return np.array([point for point in pool.tolist() if tuple(point) not in taken])
