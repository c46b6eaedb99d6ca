"""One label from several people, and how far they agree."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from lindley.errors import InputError
from lindley.labelling.consensus import (
    ItemLabel,
    agreement,
    dawid_skene,
    item_label,
    pairwise_agreement,
)
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.records import EventKind, ProjectEvent

CLASSES = [
    ProjectEvent(name, "class", class_id=index, payload={"action": "add", "name": name})
    for index, name in enumerate(("cat", "dog", "cow"))
]


def told(*answers: tuple[EventKind, int, str, int | None]) -> ProjectState:
    events = [ProjectEvent(f"e{place}", *each) for place, each in enumerate(answers)]
    return fold([*CLASSES, *events])


def test_the_majority_counts() -> None:
    state = told(("label", 7, "ann", 0), ("label", 7, "bob", 1), ("label", 7, "cem", 1))
    assert item_label(state, 7) == ItemLabel(1, "people")


def test_a_tie_is_disputed_until_somebody_decides() -> None:
    votes = ("label", 7, "ann", 0), ("label", 7, "bob", 1)
    disputed = item_label(told(*votes), 7)
    assert disputed is not None
    assert disputed.is_disputed
    assert item_label(told(*votes, ("adjudicate", 7, "eve", 2)), 7) == ItemLabel(2, "adjudicated")


def test_a_skip_is_no_vote() -> None:
    assert item_label(told(("skip", 7, "ann", None), ("label", 7, "bob", 1)), 7) == ItemLabel(1, "people")
    assert item_label(told(("skip", 7, "ann", None)), 7) is None


def test_people_outrank_imports() -> None:
    imported = ("import", 7, "", 0)
    assert item_label(told(imported), 7) == ItemLabel(0, "import")
    assert item_label(told(imported, ("label", 7, "bob", 1)), 7) == ItemLabel(1, "people")


def test_votes_for_merged_classes_are_votes_for_one() -> None:
    merge = ProjectEvent("m", "class", class_id=0, payload={"action": "merge", "into": 1})
    state = fold([merge], told(("label", 7, "ann", 0), ("label", 7, "bob", 1), ("label", 7, "cem", 2)))
    assert item_label(state, 7) == ItemLabel(1, "people")


def test_kappa_of_a_table_worked_by_hand() -> None:
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.7 observed, 0.5 by chance
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = agreement(*map(list, zip(*pairs, strict=True)))
    assert (found.num_items, found.observed) == (50, pytest.approx(0.7))
    assert found.kappa == pytest.approx(0.4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
@settings(deadline=None)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = map(list, zip(*pairs, strict=True))
    found = agreement(first, second)
    if len({*first, *second}) == 1:
        assert math.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)
        assert found.low <= found.kappa + 1e-12
        assert found.kappa <= found.high + 1e-12


def kappa(shares: np.ndarray) -> float:
    chance = shares.sum(1) @ shares.sum(0)
    return float((np.trace(shares) - chance) / (1 - chance))


def test_the_interval_of_kappa_is_the_delta_method_s() -> None:
    counts = np.array([[30, 4, 2], [6, 25, 5], [1, 3, 24]])
    shares, total, step = counts / counts.sum(), counts.sum(), 1e-6
    gradient = np.zeros_like(shares)
    for place in np.ndindex(shares.shape):
        change = np.zeros_like(shares)
        change[place] = step
        gradient[place] = (kappa(shares + change) - kappa(shares - change)) / (2 * step)
    variance = ((shares * gradient**2).sum() - (shares * gradient).sum() ** 2) / total
    pairs = [place for place in np.ndindex(counts.shape) for _ in range(counts[place])]
    found = agreement([a for a, _ in pairs], [b for _, b in pairs])
    assert found.high - found.low == pytest.approx(2 * 1.959964 * math.sqrt(variance), rel=1e-4)


def test_full_agreement_has_kappa_one() -> None:
    found = agreement([0, 1, 2], [0, 1, 2])
    assert (found.kappa, found.low, found.high) == (1, 1, 1)


@pytest.mark.parametrize("second", [[], [1]])
def test_people_who_share_no_items_have_no_agreement(second: list[int]) -> None:
    with pytest.raises(InputError) as caught:
        agreement([1, 2] if second else [], second)
    assert caught.value.argument == "second"


def test_each_two_people_are_compared_on_what_both_labelled() -> None:
    state = told(
        ("label", 0, "ann", 0),
        ("label", 0, "bob", 0),
        ("label", 1, "ann", 1),
        ("label", 1, "bob", 2),
        ("label", 2, "cem", 1),
        ("label", 2, "ann", 1),
    )
    found = pairwise_agreement(state)
    assert {key: (each.num_items, each.observed) for key, each in found.items()} == {
        ("ann", "bob"): (2, 0.5),
        ("ann", "cem"): (1, 1.0),
    }


VOTES = [{0: 0, 1: 0}, {0: 1, 1: 0, 2: 1}, {1: 1, 2: 1}, {0: 0, 2: 1}]


def enumerated(prior: np.ndarray, confusion: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the posterior of each item and the log-likelihood, by all configurations of true classes."""
    posterior, total = np.zeros((len(VOTES), 2)), 0.0
    for truth in itertools.product(range(2), repeat=len(VOTES)):
        chance = math.prod(
            prior[true] * math.prod(confusion[person, true, each] for person, each in found.items())
            for true, found in zip(truth, VOTES, strict=True)
        )
        total += chance
        posterior[range(len(VOTES)), truth] += chance
    return posterior / total, math.log(total)


def test_the_posterior_of_dawid_and_skene_is_that_of_enumeration() -> None:
    found = dawid_skene(VOTES, 3, 2, max_steps=4, tolerance=0.0)
    posterior, log_likelihood = enumerated(found.prior, found.confusion)
    np.testing.assert_allclose(found.posterior, posterior, rtol=1e-9)
    assert found.log_likelihoods[-1] == pytest.approx(log_likelihood)


def test_the_likelihood_never_falls() -> None:
    rng = np.random.default_rng(0)
    votes = [{person: int(rng.integers(3)) for person in range(4)} for _ in range(30)]
    found = np.array(dawid_skene(votes, 4, 3, smoothing=0.0, max_steps=60, tolerance=0.0).log_likelihoods)
    assert (np.diff(found) >= -1e-9).all()


def test_at_the_end_the_parameters_are_the_expected_shares() -> None:
    found = dawid_skene(VOTES, 3, 2, smoothing=0.5, max_steps=5000, tolerance=1e-15)
    counts = np.full((3, 2, 2), 0.5)
    for weights, votes in zip(found.posterior, VOTES, strict=True):
        for person, each in votes.items():
            counts[person, :, each] += weights
    np.testing.assert_allclose(found.confusion, counts / counts.sum(2, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(found.prior, found.posterior.mean(0), atol=1e-5)


def test_a_person_who_is_mostly_right_outweighs_two_who_guess() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 400)
    told_by = [truth, rng.integers(0, 2, 400), rng.integers(0, 2, 400), truth]
    told_by[3] = np.where(rng.random(400) < 0.1, 1 - truth, truth)
    votes = [{person: int(each[item]) for person, each in enumerate(told_by)} for item in range(400)]
    found = dawid_skene(votes, 4, 2)
    counted = np.array([sum(each.values()) for each in votes])
    majority_right = ((counted > 2) == truth)[counted != 2].sum()
    assert (found.posterior.argmax(1) == truth).sum() > majority_right
    assert found.confusion[0].diagonal().min() > 0.8 > found.confusion[1].diagonal().max()


def test_the_numbers_of_people_and_classes_play_no_part() -> None:
    found = dawid_skene(VOTES, 3, 2)
    people, classes = [2, 0, 1], [1, 0]
    other = dawid_skene([{people[p]: classes[c] for p, c in each.items()} for each in VOTES], 3, 2)
    np.testing.assert_allclose(other.posterior[:, classes], found.posterior, atol=1e-12)


def test_an_item_without_a_vote_is_named() -> None:
    with pytest.raises(InputError) as caught:
        dawid_skene([{0: 1}, {}], 1, 2)
    assert caught.value.rows == (1,)
