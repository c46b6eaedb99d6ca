"""Labels that are predicted without themselves: suspects to train on, and a model of random labels alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lindley.contracts import Classification, Labels, Learner, Posterior, TrainingData
from lindley.labelling.labels_saved import MIN_LABELS, RandomLabels
from lindley.labelling.suspects import MIN_CLASS_LABELS, SuspectLabel, are_enough_labels, find_suspects
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head.head import HeadPosterior
from lindley.posteriors.head.head_fit import left_out_log_probs
from lindley.posteriors.temperature_scaling import TemperatureScaledPosterior
from lindley.shapes import Features

KEPT = 50
"""The number of suspects that an epoch keeps."""
_GROWTH = 1.1  # a model of random labels is fitted again when there are a tenth more of them


def find_suspect_labels(posterior: Posterior, items: Sequence[int], class_ids: Sequence[int]) -> list[SuspectLabel]:
    """Return the training labels that are probably wrong, the least likely first, at most KEPT.

    There are none where there are too few labels, and none of a class with fewer than MIN_CLASS_LABELS.

    Args:
        posterior: The model, calibrated or not; a model that is no head leaves no label out, and finds none.
        items: The items of the labels from which it learned, in the order of its fit, [L].
        class_ids: The ids of the classes, [C].
    """
    temperature = posterior.temperature if isinstance(posterior, TemperatureScaledPosterior) else 1.0
    head = posterior.posterior if isinstance(posterior, TemperatureScaledPosterior) else posterior
    if not isinstance(head, HeadPosterior):
        return []
    regression = head.fit_result.regression
    labels = regression.classes.numpy()
    counts = np.bincount(labels, minlength=len(class_ids))
    if not are_enough_labels(counts.tolist()):
        return []
    log_probs = left_out_log_probs(regression, head.fit_result.coefficients)  # [L, C]
    calibrated = (log_probs / temperature).log_softmax(1).numpy()
    classes = np.flatnonzero(counts >= MIN_CLASS_LABELS)
    places = np.flatnonzero(np.isin(labels, classes))
    found = find_suspects(calibrated[places][:, classes], np.searchsorted(classes, labels[places]))
    return [
        SuspectLabel(items[place], class_ids[labels[place]], class_ids[classes[each.likely]], each.margin)
        for each in found[:KEPT]
        for place in [places[each.place]]
    ]


def fit_random_labels(
    features: Features, labels: Mapping[int, int], learner: Learner, task: Classification, *, seed: int
) -> RandomLabels | None:
    """Fit a model to random labels alone, and return its prediction for each of them, learned from all others.

    Args:
        features: The features of all items, [N, D].
        labels: By item the index of its class: the test labels.
        learner: Fits the models that predict.
        task: The classes.
        seed: The seed of the fit.

    Returns:
        The predictions, as indices of classes; None where the learner's models leave no label out.
    """
    rows = sorted(labels)
    data = TrainingData(MemoryPool(features), Labels(rows, [labels[row] for row in rows]), task)
    head = learner.fit(data, seed=seed)
    if not isinstance(head, HeadPosterior):
        return None
    log_probs = left_out_log_probs(head.fit_result.regression, head.fit_result.coefficients)
    return RandomLabels(tuple(rows), tuple(log_probs.argmax(1).tolist()))


def are_random_labels_due(num_labels: int, before: int | None) -> bool:
    """Return whether a model of random labels shall be fitted: there are enough, and a tenth more than the last time.

    Args:
        num_labels: The number of test labels.
        before: Their number at the last fit; None: there was none.
    """
    return num_labels >= MIN_LABELS and (before is None or num_labels >= _GROWTH * before)
