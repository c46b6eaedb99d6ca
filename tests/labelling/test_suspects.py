"""Labels that a model which did not see them finds unlikely."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.labelling.suspects import find_suspects


def confident(truth: np.ndarray, num_classes: int, sure: float = 0.8) -> np.ndarray:
    probs = np.full((len(truth), num_classes), (1 - sure) / (num_classes - 1))
    probs[np.arange(len(truth)), truth] = sure
    return np.log(probs)


def test_labels_that_were_changed_are_found_with_the_class_they_had() -> None:
    truth = np.arange(60) % 3
    labels = truth.copy()
    labels[[4, 17]] = (labels[[4, 17]] + 1) % 3
    found = find_suspects(confident(truth, 3), labels)
    assert [(each.place, each.likely) for each in found] == [(4, truth[4]), (17, truth[17])]
    assert [each.margin for each in found] == pytest.approx([math.log(0.8 / 0.1)] * 2)


def test_labels_that_the_model_shares_are_not_suspect() -> None:
    truth = np.arange(30) % 3
    assert find_suspects(confident(truth, 3), truth) == []
    assert find_suspects(np.empty((0, 3)), np.empty(0, int)) == []


def test_a_model_that_is_never_sure_of_a_class_still_finds_its_wrong_labels() -> None:
    # class 1 is told at 0.5 in the mean, and its wrong label has 0.55: suspect; one at 0.45 is not
    probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.44, 0.56], [0.55, 0.45]])
    found = find_suspects(np.log(probs), np.array([0, 1, 1, 0, 0]))
    assert [(each.place, each.likely) for each in found] == [(3, 1)]


def test_the_least_likely_label_comes_first_and_impossible_ones_before_all() -> None:
    probs = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.95, 0.05], [1.0, 0.0]])
    with np.errstate(divide="ignore"):
        found = find_suspects(np.log(probs), np.array([0, 1, 0, 1, 1]))
    assert [each.place for each in found] == [4, 3]
    assert found[0].margin == math.inf


def test_the_numbers_of_classes_play_no_part() -> None:
    rng = np.random.default_rng(0)
    log_probs = np.log(rng.dirichlet(np.ones(3), 50))
    labels = rng.integers(0, 3, 50)
    order = np.array([2, 0, 1])
    one = find_suspects(log_probs, labels)
    other = find_suspects(log_probs[:, np.argsort(order)], order[labels])
    assert one
    assert [(each.place, order[each.likely]) for each in one] == [(each.place, each.likely) for each in other]


def test_predictions_that_are_not_numbers_are_named() -> None:
    with pytest.raises(InputError) as caught:
        find_suspects(np.array([[0.0, 0.0], [np.nan, 0.0]]), np.array([0, 1]))
    assert caught.value.rows == (1,)
    with pytest.raises(InputError):
        find_suspects(np.zeros((2, 2)), np.zeros(3, int))
