"""The predictions of a model of two-dimensional data over the plane, for the figures of the two moons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Draws
from lindley.datasets.dataset import Dataset
from lindley.errors import ConfigurationError
from lindley.information import conditional_entropy, mean_log_probs, predictive_entropy
from lindley.pools.memory import MemoryPool
from lindley.session.pool_predictions import PoolPredictions
from lindley.session.rounds import Observation, RoundView

GRID_POINTS = 81
"""Points along each axis."""
_MARGIN = 0.15
"""Of the pool's extent, added on each side."""


def observe_grid(dataset: Dataset, *, initial_labels: int, batch_size: int) -> Callable[[RoundView], Observation]:
    """Return the observer of the probability surface and of BALD's two terms over the plane of the pool's inputs.

    Its arrays, G = GRID_POINTS: xs, ys [G]; mean_prob (of class 1), predictive_entropy, conditional_entropy (nats)
    [G, G], indexed [y, x]; labelled_inputs [L, 2], labelled_classes and labelled_round [L] (-1: initial);
    selected_inputs [B, 2]; in round 0 pool_inputs [N, 2] and pool_classes [N].

    Args:
        dataset: The pool, and what its oracle answers.
        initial_labels: Labels before the first query.
        batch_size: Labels of a round.

    Raises:
        ConfigurationError: If the data are not two-dimensional, of two classes.
    """
    num_classes, shape = dataset.task.num_classes, dataset.input_shape
    inputs = dataset.pool.read(torch.arange(len(dataset.pool))) if shape == (2,) and num_classes == 2 else None
    if not isinstance(inputs, Tensor):
        raise ConfigurationError(
            f"observe.grid requires inputs [N, 2] of 2 classes; {dataset.name} has inputs {[*shape]} of {num_classes} "
            "classes. Set it to false.",
            argument="observe.grid",
            got=True,
        )
    classes = dataset.classes
    xs, ys = (_axis(inputs[:, axis]) for axis in (0, 1))  # [G], [G]
    points = torch.cartesian_prod(ys, xs).flip(1).to(inputs.dtype)  # [G*G, 2] as (x, y), x runs fastest

    def observe(view: RoundView) -> Observation:
        rows = view.labels.rows
        queried_after = torch.arange(rows.numel()) - initial_labels
        selected = view.selection.rows.cpu() if view.selection is not None else torch.empty(0, dtype=torch.int64)
        arrays = {
            "xs": xs.numpy(),
            "ys": ys.numpy(),
            **_surfaces(points, view.draws, num_classes),
            "labelled_inputs": inputs[rows].numpy(),
            "labelled_classes": view.labels.values.numpy(),
            "labelled_round": queried_after.div(batch_size, rounding_mode="floor").clamp(min=-1).numpy(),
            "selected_inputs": inputs[selected].numpy(),
        }
        if view.index == 0:
            arrays |= {"pool_inputs": inputs.numpy(), "pool_classes": classes.numpy()}
        return Observation(arrays=arrays)

    return observe


def _axis(values: Tensor) -> Tensor:
    """Return points over the values and a margin.  [N] -> [G]"""
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low)
    return torch.linspace(low - margin, high + margin, GRID_POINTS, dtype=torch.float64)


def _surfaces(points: Tensor, draws: Draws, num_classes: int) -> dict[str, np.ndarray]:
    predictions = PoolPredictions(
        MemoryPool(points), torch.arange(len(points)), draws, num_classes=num_classes, hold_bytes=0
    )
    parts = [
        torch.stack([mean_log_probs(chunk)[:, 1].exp(), predictive_entropy(chunk), conditional_entropy(chunk)], dim=1)
        for chunk in scan_log_probs(predictions, num_classes)
    ]
    surfaces = torch.cat(parts).cpu().T.reshape(3, GRID_POINTS, GRID_POINTS).numpy()
    return dict(zip(("mean_prob", "predictive_entropy", "conditional_entropy"), surfaces, strict=True))
