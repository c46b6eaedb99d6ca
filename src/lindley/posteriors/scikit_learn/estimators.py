"""One estimator of scikit-learn: what is required of it, its fit to a bootstrap, and its probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.scikit_learn.training_sets import TrainingSet
from lindley.seeds import derive_seed
from lindley.training.random_state import fork_rng


@dataclass(frozen=True)
class Member:
    """A fitted estimator, or None for a bootstrap of one class, and the classes of its columns."""

    estimator: Any
    classes: np.ndarray

    def probs(self, examples: Any, num_classes: int) -> Tensor:
        """Return class probabilities [n, C] float64, 0 for classes that the member was not fitted to."""
        number = len(examples) if isinstance(examples, list) else examples.shape[0]
        probs = torch.zeros(number, num_classes, dtype=torch.float64)
        if self.estimator is None:
            probs[:, self.classes] = 1.0
            return probs
        name = type(self.estimator).__name__
        if not hasattr(self.estimator, "predict_proba"):
            raise InputError(argument="estimator", expected="one with predict_proba after its fit", got=name)
        try:
            columns = np.asarray(self.estimator.predict_proba(examples), dtype=np.float64)
        except Exception as error:  # whatever an estimator raises
            raise InputError(f"predict_proba of {name} failed: {error}", argument="estimator", got=name) from error
        if columns.shape != (number, len(self.classes)):
            expected = f"[{number}, {len(self.classes)}], a column for each of its classes {self.classes.tolist()}"
            raise InputError(argument=f"predict_proba of {name}", expected=expected, got=[*columns.shape])
        probs[:, self.classes] = torch.from_numpy(columns)
        return probs


def check_estimator(estimator: Any) -> None:
    """Raise InputError for what is no classifier with probabilities in the manner of scikit-learn."""
    name = type(estimator).__name__
    if isinstance(estimator, type) or not all(hasattr(estimator, method) for method in ("fit", "get_params")):
        expected = "a classifier in the manner of scikit-learn, such as GaussianNB()"
        raise InputError(argument="estimator", expected=expected, got=name)
    if not _has_predict_proba(estimator):
        raise InputError(
            "CalibratedClassifierCV makes probabilities of decisions, with at least cv labels of each class in every "
            "bootstrap.",
            argument="estimator",
            expected="a classifier with predict_proba",
            got=name,
        )


def check_takes_weights(estimator: Any, argument: str) -> None:
    """Raise InputError where an argument weighs labels and the estimator takes no weights; "" weighs none."""
    from sklearn.utils.validation import has_fit_parameter

    if argument and not has_fit_parameter(estimator, "sample_weight"):
        name = type(estimator).__name__
        raise InputError(
            f"{argument} requires an estimator whose fit takes sample_weight; that of {name} does not. Leave it out, "
            "or set the estimator's own class_weight.",
            argument=argument,
            got=name,
        )


def fit_member(estimator: Any, training: TrainingSet, member: int) -> Member:
    """Fit a clone of an estimator to the bootstrap of a member.

    Args:
        estimator: The estimator, which stays as it is.
        training: The labels.
        member: The number of the member, from 0.

    Raises:
        InputError: If its fit raises an error, or it has no predict_proba afterwards.
    """
    from sklearn.base import clone

    places = training.bootstrap(member)
    classes = training.classes.numpy()[places]
    if len(np.unique(classes)) == 1:
        return Member(None, classes[:1])
    estimator = clone(estimator)
    own = [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
    estimator.set_params(**{name: derive_seed(training.seed, "member", member, name) % 2**32 for name in own})
    weights = {"sample_weight": training.sample_weight.numpy()[places]} if training.weighted else {}
    examples = training.examples
    chosen = [examples[place] for place in places] if isinstance(examples, list) else examples[places]
    known, numbers = np.unique(classes, return_inverse=True)
    if _has_class_weights(estimator):
        known, numbers = np.arange(training.num_classes), classes
    # Some estimators have no random_state and draw from a global generator.
    with fork_rng(derive_seed(training.seed, "member", member) % 2**32, "cpu"):
        try:
            estimator.fit(chosen, numbers, **weights)
        except Exception as error:  # whatever an estimator raises
            counts = dict(zip(*(each.tolist() for each in np.unique(classes, return_counts=True)), strict=True))
            name = type(estimator).__name__
            raise InputError(
                f"{name} could not be fitted to a bootstrap with these numbers of labels by class: {counts}. "
                f"{type(error).__name__}: {error}",
                argument="estimator",
                got=name,
            ) from error
        fitted = Member(estimator, known[_columns(estimator, numbers)])
        fitted.probs(chosen[:1], training.num_classes)  # before the other members are fitted
    return fitted


def _columns(estimator: Any, numbers: np.ndarray) -> np.ndarray:
    """Return the class number of each column of predict_proba: classes_, or the fitted numbers in order."""
    fitted = np.unique(numbers)
    classes = np.asarray(getattr(estimator, "classes_", fitted))
    if not np.isin(classes, fitted).all():
        argument = f"classes_ of {type(estimator).__name__}"
        expected = f"among {fitted.tolist()}, the classes of its fit"
        raise InputError(argument=argument, expected=expected, got=classes.tolist())
    return classes.astype(np.int64)


def _has_class_weights(estimator: Any) -> bool:
    """Whether a parameter gives each class a weight, by its number."""
    parameters = estimator.get_params().items()
    return any(name.split("__")[-1] == "class_weight" and isinstance(value, Mapping) for name, value in parameters)


def _has_predict_proba(estimator: Any) -> bool:
    """Whether an estimator has predict_proba, or will have it after its fit, as stacking does."""
    if hasattr(estimator, "predict_proba"):
        return True
    if hasattr(estimator, "steps"):
        return _has_predict_proba(estimator.steps[-1][1])
    if hasattr(estimator, "final_estimator"):  # None: a logistic regression, made when it is fitted
        return estimator.final_estimator is None or _has_predict_proba(estimator.final_estimator)
    within = getattr(estimator, "estimator", None)
    return within is not None and hasattr(type(estimator), "predict_proba") and _has_predict_proba(within)
