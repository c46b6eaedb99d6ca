"""Two moons: two interleaved half circles with Gaussian noise, generated; and how far their classes overlap."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lindley.datasets.catalogue import DATASETS
from lindley.datasets.dataset import Dataset, array_hashes
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.seeds import derive_seed


def two_moons(*, seed: int, num_pool: int = 500, num_test: int = 1000, noise: float = 0.2) -> Dataset:
    """Return a pool and a test set from the same distribution, each from a seed of its own.

    Args:
        seed: The seed of the trial.
        num_pool: The number of rows of the pool.
        num_test: The number of test rows.
        noise: Standard deviation of the Gaussian noise on both coordinates; the moons have radius 1.
    """
    inputs, classes = _generate(num_pool, noise, derive_seed(seed, "two-moons", "pool"))
    test_inputs, test_classes = _generate(num_test, noise, derive_seed(seed, "two-moons", "test"))
    return Dataset(
        name="two-moons",
        task=DATASETS["two-moons"].task,
        pool=MemoryPool(inputs),
        classes=classes,
        test_inputs=test_inputs,
        test_classes=test_classes,
        input_shape=(2,),
        hashes=array_hashes(
            pool_inputs=inputs, pool_classes=classes, test_inputs=test_inputs, test_classes=test_classes
        ),
    )


def moons_class_probability(points: Tensor, noise: float) -> Tensor:
    """P(class 1 | x) under the distribution that generates the moons, by quadrature.  [n, 2] -> [n] float64

    An angle t is uniform on [0, π]; class 0 lies at (cos t, sin t), class 1 at (1 - cos t, 1/2 - sin t), both
    as likely, plus N(0, noise² I). The two densities are integrated over t in log space, so that points far
    from both moons have an answer too.
    """
    if points.dim() != 2 or points.shape[1] != 2:
        raise InputError(argument="points", expected="[n, 2]", got=[*points.shape])
    if not noise > 0:
        raise InputError("Without noise there is no density.", argument="noise", expected="above 0", got=noise)
    x, y = points.to(torch.float64).unbind(1)
    upper = _log_arc_density(x, y, noise)
    # Turning the plane by half a turn about (1/2, 1/4) carries the lower moon onto the upper one.
    lower = _log_arc_density(1 - x, 0.5 - y, noise)
    return torch.sigmoid(lower - upper)


def _log_arc_density(x: Tensor, y: Tensor, noise: float) -> Tensor:
    """log ∫ exp(-|x - (cos t, sin t)|² / 2 noise²) dt/π, without the constant of the Gaussian.  [n], [n] -> [n]"""
    angles, log_weights = _arc_quadrature(noise)
    result = torch.empty_like(x)
    for part in torch.arange(len(x)).split(4096):  # otherwise a grid of 200 x 200 points takes 400 MB and more
        squared = (x[part, None] - angles.cos()) ** 2 + (y[part, None] - angles.sin()) ** 2  # [n, nodes]
        result[part] = (log_weights - squared / (2 * noise**2)).logsumexp(1)
    return result


def _arc_quadrature(noise: float) -> tuple[Tensor, Tensor]:
    """Nodes and log weights of dt/π on [0, π]: Gauss-Legendre of 8 points on panels no wider than the noise."""
    panels = max(4, math.ceil(math.pi / noise))
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(0, math.pi, panels + 1)
    angles = edges[:-1, None] + (nodes + 1) / 2 * np.diff(edges)[:, None]  # [panels, 8]
    log_weights = np.log(np.tile(weights / (2 * panels), (panels, 1)))
    return torch.from_numpy(angles.ravel()), torch.from_numpy(log_weights.ravel())


def _generate(num_rows: int, noise: float, seed: int) -> tuple[Tensor, Tensor]:
    from sklearn.datasets import make_moons

    # scikit-learn takes seeds of 32 bits
    inputs, classes = make_moons(num_rows, noise=noise, random_state=seed % 2**32)
    return torch.from_numpy(inputs.astype(np.float32)), torch.from_numpy(classes.astype(np.int64))
