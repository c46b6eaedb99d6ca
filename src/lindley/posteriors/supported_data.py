"""Refusal of training data that a learner cannot use as a whole; nothing of it is ignored."""

from __future__ import annotations

from lindley.contracts import Classification, TrainingData
from lindley.errors import InputError

_LEARNERS_WITH_SAMPLE_WEIGHT = "BayesianHead, GaussianProcess, Forest and Bagging use it"


def check_supported(
    learner: object,
    data: TrainingData,
    *,
    sample_weight: bool = False,
    validation: bool = False,
    no_labels: bool = False,
) -> None:
    """Raise InputError for training data that a learner cannot use as a whole.

    Args:
        learner: The learner, whose class the message names.
        data: The training data.
        sample_weight: Whether the learner weighs labels.
        validation: Whether it uses validation labels.
        no_labels: Whether it can be fitted without any label.
    """
    name = type(learner).__name__
    if len(data.labels) == 0 and not no_labels:
        raise InputError(
            "there are no labels to learn from; label at least one row", argument="labels", got=len(data.labels)
        )
    if not isinstance(data.task, Classification):
        kind = type(data.task).__name__
        raise InputError(
            f"{name} learns classes and cannot use a {kind}; give it a Classification", argument="task", got=kind
        )
    if data.prior is not None:
        raise InputError(
            f"{name} cannot use prior, the log-probabilities of a teacher; leave it out. BayesianHead takes them as "
            "features: see teacher_prior_mean.",
            argument="prior",
        )
    if data.labels.sample_weight is not None and not sample_weight:
        raise InputError(
            f"{name} cannot use sample_weight; leave it out ({_LEARNERS_WITH_SAMPLE_WEIGHT})",
            argument="sample_weight",
            got=name,
        )
    if data.validation is not None and not validation:
        raise InputError(f"{name} cannot use validation labels; put them among the labels", argument="validation")
    if data.validation is not None and data.validation.sample_weight is not None:
        raise InputError(
            f"{name} cannot use sample_weight of validation labels; leave it out",
            argument="validation.sample_weight",
            got=name,
        )
