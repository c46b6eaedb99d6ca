"""What a learner uses of its training data. The rest is refused by name, never ignored."""

from __future__ import annotations

from lindley.contracts import Classification, TrainingData
from lindley.errors import InputError

_WEIGHED_BY = "BayesianHead, GaussianProcess, Forest and Bagging take it"


def check_supported(
    learner: object, data: TrainingData, *, sample_weight: bool = False, validation: bool = False
) -> None:
    """Raise InputError for training data that a learner cannot use as a whole.

    Args:
        learner: The learner, whose class the message names.
        data: What it is given.
        sample_weight: Whether it weighs labels.
        validation: Whether it looks at validation labels.
    """
    name = type(learner).__name__
    if len(data.labels) == 0:
        raise InputError("there are no labels to learn from; label at least one row")
    if not isinstance(data.task, Classification):
        raise InputError(f"{name} learns classes and cannot use a {type(data.task).__name__}; give it a Classification")
    if data.prior is not None:
        raise InputError(f"{name} cannot use prior, the log-probabilities of a teacher; leave it out")
    if data.labels.sample_weight is not None and not sample_weight:
        raise InputError(f"{name} cannot use sample_weight; leave it out ({_WEIGHED_BY})")
    if data.validation is not None and not validation:
        raise InputError(f"{name} cannot use validation labels; put them among the labels")
    if data.validation is not None and data.validation.sample_weight is not None:
        raise InputError(f"{name} cannot use sample_weight of validation labels; leave it out")
