"""Principal components: long vectors made short, so that a head on them is fitted in less time."""

from __future__ import annotations

import numpy as np

from lindley.features.method import LearntState, Transform
from lindley.features.state import state_array


def principal_components(
    features: np.ndarray, num_components: int, *, even: float | None = None
) -> dict[str, np.ndarray]:
    """Return the mean and the directions of the largest variance, as arrays of a state.

    Args:
        features: [n, D].
        num_components: The largest number of directions; there are no more than D or n.
        even: Divide each feature by its deviation first, to which this times the mean deviation is added, so that
            features that hardly vary stay small; None leaves them as they are.
    """
    mean = features.mean(0, dtype=np.float64)
    centred = features - mean
    deviation = centred.std(0)
    unit = np.ones_like(mean) if even is None or not deviation.any() else deviation + even * deviation.mean()
    scaled = centred / unit
    _, vectors = np.linalg.eigh(scaled.T @ scaled)  # in growing order of variance
    directions = vectors[:, ::-1][:, : min(num_components, *features.shape)]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(0)[None], axis=0)
    directions = directions * np.sign(largest)  # a direction and its reverse are the same: choose one
    return {"component_mean": mean, "component_directions": directions / unit[:, None]}


def restore_components(state: LearntState, transform: Transform) -> Transform:
    """Return the transform, its features projected on the components of a state.

    Args:
        state: A state with the arrays of `principal_components`.
        transform: The function to the long vectors.
    """
    mean = state_array(state, "component_mean", (None,))
    directions = state_array(state, "component_directions", (len(mean), None))
    return lambda contents: (transform(contents) - mean) @ directions
