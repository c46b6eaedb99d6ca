"""What a session's events say: their fold. No torch here, so that asking costs nothing."""

from __future__ import annotations

import copy
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.errors import JournalError
from lindley.session.events import Answer, Answered, Event, Fitted, Purpose, Queried, Resumed, Started, Withdrawn
from lindley.session.files import REMEDY
from lindley.session.journal_store import read_events

Consensus = Callable[[Sequence[Answer]], Answer | None]
"""From the answers to one row, the last of each annotator, to what counts; None where the row needs another answer."""


def majority(answers: Sequence[Answer]) -> Answer | None:
    """Return the most frequent answer; None where two are equally frequent.

    >>> said = [Answer(7, 0, annotator="ann"), Answer(7, 1, annotator="bob")]
    >>> majority(said) is None
    True
    >>> majority([*said, Answer(7, 1, annotator="cem")]).value
    1
    """
    counts = Counter((each.outcome, each.value) for each in answers).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return None
    return next(each for each in reversed(answers) if (each.outcome, each.value) == counts[0][0])


@dataclass(frozen=True)
class Round:
    """A fit, and what was queried after it; `query` is None where nothing was."""

    fit: Fitted
    query: Queried | None = None
    fingerprint: str = ""
    """Of the labels that it was fitted on: a fit on the same labels is the same round."""

    @property
    def index(self) -> int:
        """Its place among the rounds, from 0."""
        return self.fit.round

    @property
    def labels(self) -> int:
        """All labels known at the fit, validation labels too."""
        return self.fit.labels

    @property
    def metrics(self) -> Mapping[str, Any]:
        """What was measured after the fit."""
        return self.fit.metrics

    @property
    def rows(self) -> list[int]:
        """What was queried after the fit, in the order chosen."""
        return self.query.rows if self.query else []


@dataclass(frozen=True)
class SessionState:
    """What a session knows after some events."""

    key: str | None = None
    queries: tuple[Queried, ...] = ()
    """Those of no round: initial, validation and test rows."""
    rounds: tuple[Round, ...] = ()
    resolved: Mapping[int, Answer] = field(default_factory=dict)
    """What counts of each answered row: first the rows that were queried, in that order, then others as they came."""
    disputed: Mapping[int, tuple[Answer, ...]] = field(default_factory=dict)
    """The answers to rows on which there is no consensus yet."""
    purposes: Mapping[int, Purpose] = field(default_factory=dict)
    """What rows were queried for; answers to others count as "train"."""
    resumed: tuple[Resumed, ...] = ()

    @property
    def pending(self) -> tuple[int, ...]:
        """The rows that wait for an answer, or for one more: of the queries of no round, and of the last round."""
        last = self.rounds[-1].rows if self.rounds else ()
        wanted = (*(row for query in self.queries for row in query.rows), *last)
        return tuple(row for row in dict.fromkeys(wanted) if row not in self.resolved)

    @property
    def skipped(self) -> tuple[int, ...]:
        """The rows that were answered by "skip": they are not queried again."""
        return tuple(row for row, answer in self.resolved.items() if answer.outcome == "skip")

    @property
    def none_of_the_classes(self) -> tuple[int, ...]:
        """The rows that are of none of the classes: they are counted as labels, and no model learns from them."""
        return tuple(row for row, answer in self.resolved.items() if answer.outcome == "none_of_the_classes")

    @property
    def num_labels(self) -> int:
        """How many rows have a label, or are of none of the classes, whatever they were queried for."""
        return _num_labels(self.resolved)

    def answered(self, *purposes: Purpose) -> Iterator[Answer]:
        """What counts of the rows of these purposes, in order, without those that were skipped."""
        for row, answer in self.resolved.items():
            if answer.outcome != "skip" and self.purposes.get(row, "train") in purposes:
                yield answer

    def reaches(self, max_labels: int) -> bool:
        """True when a model was fitted on max_labels labels or more."""
        return any(each.labels >= max_labels for each in self.rounds)

    @property
    def next_round(self) -> int:
        """The index of the next fit: that of the round with the same labels, which it supersedes, else a new one."""
        now = _fingerprint(self.resolved, self.purposes)
        return next((each.index for each in self.rounds if each.fingerprint == now), len(self.rounds))


class StateBuilder:
    """The fold of events, one at a time: `add` takes the next, `state` is what is known after it.

    A fit of round r supersedes round r and all later ones; the labels stay. Raises JournalError for an event that
    cannot follow those before it.
    """

    def __init__(self, events: Iterable[Event] = (), consensus: Consensus = majority) -> None:
        self._consensus = consensus
        self._begin(None)
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Started):
            self._begin(event.key)
        elif self._key is None:
            raise JournalError(f"a journal begins with the event {event.event!r} instead of its start. {REMEDY}")
        elif isinstance(event, Answered):
            for answer in event.answers:
                self._answers.setdefault(answer.row, {}).pop(answer.annotator, None)
                self._answers[answer.row][answer.annotator] = answer
            self._resolve(each.row for each in event.answers)
        elif isinstance(event, Withdrawn):
            for row in event.rows:
                self._answers.pop(row, None)
            self._resolve(event.rows)
        elif isinstance(event, Fitted):
            self._fit(event)
        elif isinstance(event, Queried):
            self._query(event)
        else:
            self._resumed.append(event)

    def check(self, events: Iterable[Event]) -> None:
        """Raise JournalError where these events cannot follow; nothing is taken."""
        if any(isinstance(event, Fitted | Queried) for event in events):
            trial = copy.copy(self)
            trial._queries, trial._rounds, trial._resumed = [*self._queries], [*self._rounds], [*self._resumed]
            for event in events:
                if isinstance(event, Fitted | Queried):
                    trial.add(event)

    @property
    def state(self) -> SessionState:
        """What is known now."""
        purposes = self._purposes()
        resolved = {row: self._resolved[row] for row in purposes if row in self._resolved}
        disputed = {row: tuple(each.values()) for row, each in self._answers.items() if row not in self._resolved}
        return SessionState(
            self._key,
            tuple(self._queries),
            tuple(self._rounds),
            {**resolved, **self._resolved},
            disputed,
            purposes,
            tuple(self._resumed),
        )

    def latest(self, annotator: str) -> dict[int, Answer]:
        """What one annotator said last of each row."""
        return {row: said[annotator] for row, said in self._answers.items() if annotator in said}

    def _begin(self, key: str | None) -> None:
        self._key = key
        self._queries: list[Queried] = []
        self._rounds: list[Round] = []
        self._answers: dict[int, dict[str, Answer]] = {}
        self._resolved: dict[int, Answer] = {}
        self._resumed: list[Resumed] = []

    def _resolve(self, rows: Iterable[int]) -> None:
        for row in rows:
            answers = tuple(self._answers.get(row, {}).values())
            if answer := self._consensus(answers) if answers else None:
                self._resolved[row] = answer
            else:
                self._resolved.pop(row, None)

    def _purposes(self) -> dict[int, Purpose]:
        """By row in the order of the queries that stand; a row that is in several has the purpose of the first."""
        queries = (*self._queries, *(each.query for each in self._rounds if each.query))
        purposes: dict[int, Purpose] = {}
        for query in queries:
            for row in query.rows:
                purposes.setdefault(row, query.purpose)
        return purposes

    def _fit(self, event: Fitted) -> None:
        if event.round > len(self._rounds):
            raise JournalError(
                f"a journal tells of round {event.round}, but round {len(self._rounds)} is missing. {REMEDY}"
            )
        state = self.state
        if event.labels != state.num_labels:
            raise JournalError(
                f"round {event.round} of a journal counts {event.labels} labels, but {state.num_labels} were given "
                f"before it. {REMEDY}"
            )
        fingerprint = _fingerprint(state.resolved, state.purposes)
        self._rounds[event.round :] = [Round(event, None, fingerprint)]

    def _query(self, event: Queried) -> None:
        again = [row for row in event.rows if row in self._resolved]
        if again:
            raise JournalError(f"a journal queries rows that are labelled already: {again[:10]}. {REMEDY}")
        if event.purpose != "train":
            self._queries.append(event)
        elif event.round != len(self._rounds) - 1:
            raise JournalError(f"a journal queries rows of round {event.round}, which is not the last fit. {REMEDY}")
        else:
            last = self._rounds[-1]
            self._rounds[-1] = Round(last.fit, event, last.fingerprint)


def fold(events: Iterable[Event], consensus: Consensus = majority) -> SessionState:
    """Return the state after these events. Raises JournalError for an event that cannot follow those before it."""
    return StateBuilder(events, consensus).state


def read_state(folder: Path) -> SessionState:
    """What the journal of a folder, which need not exist, says. Raises JournalError where it is damaged."""
    return fold(read_events(folder))


def _num_labels(resolved: Mapping[int, Answer]) -> int:
    return sum(answer.outcome != "skip" for answer in resolved.values())


def _fingerprint(resolved: Mapping[int, Answer], purposes: Mapping[int, Purpose]) -> str:
    """A hash of all labels in order, with what they were queried for."""
    known = [(row, purposes.get(row, "train"), each.outcome, each.value) for row, each in resolved.items()]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()
