"""One label from several people, and how far they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lindley.errors import InputError
from lindley.labelling.fold import ProjectState
from lindley.labelling.records import ProjectEvent
from lindley.session.consensus import majority
from lindley.session.events import Answer


@dataclass(frozen=True)
class ItemLabel:
    """The label of an item that counts."""

    class_id: int | None
    """None where people disagree, and nobody has decided."""
    origin: Literal["adjudicated", "people", "import"]

    @property
    def is_disputed(self) -> bool:
        """Whether people disagree, so that no label counts."""
        return self.class_id is None


def item_label(state: ProjectState, item: int) -> ItemLabel | None:
    """Return the label of an item that counts; None where it has none.

    An adjudication outranks people's labels, and these outrank imported ones. Of several people the majority counts.
    """
    adjudicated = _last_class(state, item, "adjudicate")
    if adjudicated is not None:
        return ItemLabel(adjudicated, "adjudicated")
    if votes := list(state.votes(item).values()):
        return ItemLabel(majority_class(item, votes), "people")
    if (decided := find_imported_adjudication(state, item)) is not None:
        return ItemLabel(state.class_of(decided), "import")
    imported = [state.class_of(each) for each in imports_by_person(state, item).values()]
    classes = [each for each in imported if each is not None]
    return ItemLabel(majority_class(item, classes), "import") if classes else None


def majority_class(item: int, classes: Sequence[int]) -> int | None:
    """Return the class that most people give an item; None where several classes tie."""
    if len(set(classes)) == 1:  # most items have one label, and projects a hundred thousand of them
        return classes[0]
    answer = majority([Answer(item, each, annotator=str(place)) for place, each in enumerate(classes)])
    return None if answer is None else int(answer.value or 0)


def imports_by_person(state: ProjectState, item: int) -> dict[str, ProjectEvent]:
    """Return by person the imported label of an item, the last of each; a skip of the same person replaces it."""
    answers = [each for each in state.standing.get(item, ()) if each.kind in ("import", "skip")]
    last = {each.person: each for each in answers if each.imported.get("kind") != "adjudicate"}
    return {person: each for person, each in last.items() if each.kind == "import"}


def find_imported_adjudication(state: ProjectState, item: int) -> ProjectEvent | None:
    """Return the last imported label that decided between people where it comes from; None where there is none."""
    found = [each for each in state.events_of(item, "import") if each.imported.get("kind") == "adjudicate"]
    return found[-1] if found and state.class_of(found[-1]) is not None else None


@dataclass(frozen=True)
class Agreement:
    """The agreement of two people on the items that both labelled."""

    num_items: int
    observed: float
    """The share of items on which they agree."""
    kappa: float
    """Cohen's kappa: 1 for full agreement, 0 for that of chance; NaN where both use one class only."""
    low: float
    high: float
    """The interval of kappa, NaN where it is not defined."""


def agreement(first: Sequence[int], second: Sequence[int], *, level: float = 0.95) -> Agreement:
    """Return the agreement of two people's classes, item by item.

    Source: Cohen 1960; the large-sample standard error of Fleiss, Cohen and Everitt 1969, eq. 13.

    Args:
        first: The classes that one person gave, [n].
        second: The classes that the other gave to the same items, [n].
        level: Probability with which the interval covers kappa.

    Raises:
        InputError: If they are not of one length of at least 1.
    """
    from scipy.special import ndtri

    if len(first) != len(second) or not first:
        raise InputError(argument="second", expected=f"as long as first ({len(first)}), at least 1", got=len(second))
    index = {each: place for place, each in enumerate(sorted({*first, *second}))}
    shares = np.zeros((len(index), len(index)))
    np.add.at(shares, ([index[each] for each in first], [index[each] for each in second]), 1 / len(first))
    rows, columns = shares.sum(1), shares.sum(0)
    observed, chance = float(np.trace(shares)), float(rows @ columns)
    if math.isclose(chance, 1):
        return Agreement(len(first), observed, math.nan, math.nan, math.nan)
    kappa = (observed - chance) / (1 - chance)
    margin = float(ndtri((1 + level) / 2)) * _kappa_error(shares, kappa) / math.sqrt(len(first))
    return Agreement(len(first), observed, kappa, max(-1.0, kappa - margin), min(1.0, kappa + margin))


def pairwise_agreement(state: ProjectState) -> dict[tuple[str, str], Agreement]:
    """Return the agreement of each two people who labelled an item both."""
    pairs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for item in sorted(state.standing):
        votes = sorted(state.votes(item).items())
        for place, (one, class_one) in enumerate(votes):
            for other, class_other in votes[place + 1 :]:
                pairs.setdefault((one, other), []).append((class_one, class_other))
    return {key: agreement(*map(list, zip(*found, strict=True))) for key, found in sorted(pairs.items())}


@dataclass(frozen=True)
class DawidSkene:
    """The estimates of Dawid and Skene's model from several people's labels."""

    posterior: np.ndarray
    """The probability of each class for each item, [N, C]."""
    prior: np.ndarray
    """The probability of each class, [C]."""
    confusion: np.ndarray
    """The probability of each label, by person and true class, [P, C, C]."""
    log_likelihoods: tuple[float, ...]
    """The log-likelihood of all labels before each step, in nats; it never falls where there is no smoothing."""


def dawid_skene(
    votes: Sequence[Mapping[int, int]],
    num_people: int,
    num_classes: int,
    *,
    smoothing: float = 0.01,
    max_steps: int = 100,
    tolerance: float = 1e-8,
) -> DawidSkene:
    """Estimate the true classes and each person's errors together, by expectation-maximisation.

    Source: Dawid and Skene 1979, Applied Statistics 28(1).

    Args:
        votes: For each item the label of each person, [N]; people and classes are numbered from 0.
        num_people: The number of people, P.
        num_classes: The number of classes, C.
        smoothing: Added to each count of a person's confusion; 0: maximum likelihood.
        max_steps: The largest number of steps.
        tolerance: The change of the log-likelihood, in nats an item, below which it stops.

    Raises:
        InputError: If an item has no vote.
    """
    empty = [item for item, each in enumerate(votes) if not each]
    if empty or not votes:
        raise InputError(argument="votes", expected="items with at least one vote each", got="none", rows=empty)
    labels = np.array([(item, person, each) for item, found in enumerate(votes) for person, each in found.items()])
    labels = labels.reshape(-1, 3).T
    posterior = np.zeros((len(votes), num_classes))
    np.add.at(posterior, (labels[0], labels[2]), 1.0)
    posterior /= posterior.sum(1, keepdims=True)
    found: list[float] = []
    while True:
        prior, confusion = _maximise(posterior, labels, num_people, smoothing)
        posterior, log_likelihood = _expect(prior, confusion, labels, len(votes))
        found.append(log_likelihood)
        settled = len(found) > 1 and abs(found[-1] - found[-2]) <= tolerance * len(votes)
        if settled or len(found) == max_steps:
            return DawidSkene(posterior, prior, confusion, tuple(found))


def _maximise(
    posterior: np.ndarray, labels: np.ndarray, num_people: int, smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    num_classes = posterior.shape[1]
    counts = np.zeros((num_people, num_classes, num_classes))
    np.add.at(counts.transpose(0, 2, 1), (labels[1], labels[2]), posterior[labels[0]])
    counts += smoothing
    total = counts.sum(2, keepdims=True)
    even = np.full_like(counts, 1 / num_classes)  # of a class that a person never met
    return posterior.mean(0), np.divide(counts, total, out=even, where=total > 0)


def _expect(prior: np.ndarray, confusion: np.ndarray, labels: np.ndarray, num_items: int) -> tuple[np.ndarray, float]:
    with np.errstate(divide="ignore"):  # log 0 is -inf: impossible
        joint = np.tile(np.log(prior), (num_items, 1))  # [N, C]
        np.add.at(joint, labels[0], np.log(confusion)[labels[1], :, labels[2]])
    evidence = np.logaddexp.reduce(joint, axis=1, keepdims=True)
    return np.exp(joint - evidence), float(evidence.sum())


def _kappa_error(shares: np.ndarray, kappa: float) -> float:
    """Return the standard error of kappa, times the root of the number of items.  [C, C] -> number"""
    rows, columns = shares.sum(1), shares.sum(0)
    chance = rows @ columns
    weights = -(1 - kappa) * (columns[:, None] + rows[None, :]) + np.eye(len(shares))
    mean = kappa - chance * (1 - kappa)
    variance = (shares * weights**2).sum() - mean**2
    return math.sqrt(max(0.0, float(variance))) / (1 - float(chance))


def _last_class(state: ProjectState, item: int, kind: Literal["adjudicate"]) -> int | None:
    found = state.events_of(item, kind)
    return state.class_of(found[-1]) if found else None
