"""The state of a session: the fold of its events. No torch here, so that reading it costs nothing."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lindley.errors import InputError, JournalError
from lindley.session.consensus import Consensus, apply_consensus, consensus_name, majority
from lindley.session.events import Answer, Answered, Event, Fitted, Purpose, Queried, Resumed, Started, Withdrawn
from lindley.session.files import REMEDY
from lindley.session.journal_file import FILE_NAME, read_events


@dataclass(frozen=True)
class Round:
    """A fit and the query after it; `query` is None where nothing was queried."""

    fit: Fitted
    query: Queried | None = None
    fingerprint: str = ""
    """A hash of the labels of the fit: a fit on the same labels is the same round."""

    @property
    def index(self) -> int:
        """Its place among the rounds, from 0."""
        return self.fit.round

    @property
    def labels(self) -> int:
        """The number of all labels known at the fit, validation labels too."""
        return self.fit.labels

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics measured after the fit."""
        return self.fit.metrics

    @property
    def rows(self) -> list[int]:
        """The rows queried after the fit, in the order chosen."""
        return self.query.rows if self.query else []


@dataclass(frozen=True)
class SessionState:
    """The state of a session after some events."""

    key: str | None = None
    queries: tuple[Queried, ...] = ()
    """The queries that belong to no round: initial, validation and test rows."""
    rounds: tuple[Round, ...] = ()
    answers: Mapping[int, Answer] = field(default_factory=dict)
    """By row the answer that counts: first the rows that were queried, in the order of the queries, those superseded
    last; then rows that were never queried, in the order of their answers."""
    disputed: Mapping[int, tuple[Answer, ...]] = field(default_factory=dict)
    """By row the answers on which there is no consensus yet."""
    purposes: Mapping[int, Purpose] = field(default_factory=dict)
    """By row what it was queried for; answers to other rows count as "train"."""
    resumptions: tuple[Resumed, ...] = ()

    @property
    def pending(self) -> tuple[int, ...]:
        """The rows that wait for an answer, or for one more: those of no round, then those of the last round."""
        last = self.rounds[-1].rows if self.rounds else ()
        wanted = (*(row for query in self.queries for row in query.rows), *last)
        return tuple(row for row in dict.fromkeys(wanted) if row not in self.answers)

    @property
    def skipped(self) -> tuple[int, ...]:
        """The rows that were skipped; they are not queried again."""
        return tuple(row for row, answer in self.answers.items() if answer.outcome == "skip")

    @property
    def none_of_the_classes(self) -> tuple[int, ...]:
        """The rows that are of none of the classes; they count as labels, and no model learns from them."""
        return tuple(row for row, answer in self.answers.items() if answer.outcome == "none_of_the_classes")

    @property
    def num_labels(self) -> int:
        """The number of rows that have a label or are of none of the classes, whatever they were queried for."""
        return _num_labels(self.answers)

    def answers_for(self, *purposes: Purpose) -> Iterator[Answer]:
        """Yield the answers that count to the rows of these purposes, in order, without skipped rows."""
        for row, answer in self.answers.items():
            if answer.outcome != "skip" and self.purposes.get(row, "train") in purposes:
                yield answer

    def is_complete(self, max_labels: int) -> bool:
        """Return whether a model was fitted on max_labels labels or more."""
        return any(each.labels >= max_labels for each in self.rounds)

    @property
    def next_round(self) -> int:
        """The index of the next fit: that of the round with the same labels, which it supersedes, else a new one."""
        now = _fingerprint(self.answers, self.purposes)
        return next((each.index for each in self.rounds if each.fingerprint == now), len(self.rounds))


class StateBuilder:
    """The fold of events, one at a time: `add` takes the next event, `state` is the state after it.

    A fit of round r supersedes round r and all later ones; the labels stay.

    Args:
        events: The first events.
        consensus: Makes one answer of several to a row.
        path: The journal that holds the events, for messages; None: they lie in no file.

    Raises:
        JournalError: If an event cannot follow those before it, or if the events were written with another consensus.
            `path` and `line` say where it stands.
    """

    def __init__(
        self, events: Iterable[Event] = (), consensus: Consensus = majority, *, path: Path | None = None
    ) -> None:
        self._consensus, self._path, self._line = consensus, path, 0
        self._reset(None)
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Take the next event."""
        self._line += 1
        try:
            self._add(event)
        except _EventCannotFollowError as error:
            where = f"event {self._line} of the store" if self._path is None else f"{self._path}, line {self._line}"
            raise JournalError(f"{where}: {error}. {REMEDY}", path=self._path, line=self._line) from None

    def check_can_follow(self, events: Iterable[Event]) -> None:
        """Raise InputError where these events cannot follow; none is taken."""
        trial = copy.copy(self)
        trial._queries, trial._rounds = [*self._queries], [*self._rounds]
        try:
            for event in events:
                if isinstance(event, Fitted | Queried):
                    trial._add(event)
                elif isinstance(event, Answered) and self._consensus is not majority:
                    self._check_consensus(event)
        except _EventCannotFollowError as error:
            raise InputError(f"This cannot follow what is known: {error}.") from None

    @property
    def state(self) -> SessionState:
        """The state after the events so far."""
        purposes = self._row_purposes()
        in_order = (*purposes, *self._superseded)
        answers = {row: self._answers[row] for row in in_order if row in self._answers}
        disputed = {row: tuple(each.values()) for row, each in self._latest.items() if row not in self._answers}
        return SessionState(
            self._key,
            tuple(self._queries),
            tuple(self._rounds),
            {**answers, **self._answers},
            disputed,
            purposes,
            tuple(self._resumptions),
        )

    def latest_answers(self, annotator: str) -> dict[int, Answer]:
        """Return by row the last answer of one annotator."""
        return {row: given[annotator] for row, given in self._latest.items() if annotator in given}

    def _add(self, event: Event) -> None:
        if isinstance(event, Started):
            self._add_start(event)
        elif self._key is None:
            raise _EventCannotFollowError(f"the first event is {event.event!r}, and must be 'started'")
        elif isinstance(event, Answered):
            for answer in event.answers:
                self._latest.setdefault(answer.row, {}).pop(answer.annotator, None)
                self._latest[answer.row][answer.annotator] = answer
            self._update_answers(each.row for each in event.answers)
        elif isinstance(event, Withdrawn):
            for row in event.rows:
                self._latest.pop(row, None)
            self._update_answers(event.rows)
        elif isinstance(event, Fitted):
            self._add_fit(event)
        elif isinstance(event, Queried):
            self._add_query(event)
        else:
            self._resumptions.append(event)

    def _reset(self, key: str | None) -> None:
        self._key = key
        self._queries: list[Queried] = []
        self._rounds: list[Round] = []
        self._superseded: dict[int, None] = {}  # rows of queries that stand no more, in the order queried
        self._latest: dict[int, dict[str, Answer]] = {}  # by row and annotator, the last answer
        self._answers: dict[int, Answer] = {}
        self._resumptions: list[Resumed] = []

    def _add_start(self, event: Started) -> None:
        if (name := consensus_name(self._consensus)) != event.consensus:
            where = "the store" if self._path is None else str(self._path)
            raise JournalError(
                f"{where} was written with the consensus {event.consensus!r}; got {name!r}. Open it with that "
                "consensus, or begin a session in another store.",
                path=self._path,
                line=self._line,
                entry="consensus",
            )
        self._reset(event.key)

    def _update_answers(self, rows: Iterable[int]) -> None:
        for row in rows:
            if answer := apply_consensus(self._consensus, tuple(self._latest.get(row, {}).values())):
                self._answers[row] = answer
            else:
                self._answers.pop(row, None)

    def _check_consensus(self, event: Answered) -> None:
        given: dict[int, dict[str, Answer]] = {}
        for answer in event.answers:
            of_row = given.setdefault(answer.row, dict(self._latest.get(answer.row, {})))
            of_row.pop(answer.annotator, None)
            of_row[answer.annotator] = answer
        for of_row in given.values():
            apply_consensus(self._consensus, tuple(of_row.values()))

    def _row_purposes(self) -> dict[int, Purpose]:
        """Return by row, in the order of the queries that stand, the purpose of the first that holds the row."""
        queries = (*self._queries, *(each.query for each in self._rounds if each.query))
        purposes: dict[int, Purpose] = {}
        for query in queries:
            for row in query.rows:
                purposes.setdefault(row, query.purpose)
        return purposes

    def _add_fit(self, event: Fitted) -> None:
        if event.round > len(self._rounds):
            raise _EventCannotFollowError(f"round {event.round} is fitted, but round {len(self._rounds)} is missing")
        state = self.state
        if event.labels != state.num_labels:
            raise _EventCannotFollowError(
                f"round {event.round} counts {event.labels} labels, but {state.num_labels} were given before it"
            )
        fingerprint = _fingerprint(state.answers, state.purposes)
        gone = [row for each in self._rounds[event.round :] for row in each.rows]
        self._superseded = {**self._superseded, **dict.fromkeys(gone)}
        self._rounds[event.round :] = [Round(event, None, fingerprint)]

    def _add_query(self, event: Queried) -> None:
        again = [row for row in event.rows if row in self._answers]
        if again:
            raise _EventCannotFollowError(f"rows are queried that are labelled already: {again[:10]}")
        if event.purpose != "train":
            self._queries.append(event)
        elif event.round != len(self._rounds) - 1:
            raise _EventCannotFollowError(f"rows of round {event.round} are queried, which is not the last fit")
        else:
            last = self._rounds[-1]
            self._rounds[-1] = Round(last.fit, event, last.fingerprint)


class _EventCannotFollowError(Exception):
    """Why an event cannot follow those before it."""


def fold_events(events: Iterable[Event], consensus: Consensus = majority, *, path: Path | None = None) -> SessionState:
    """Return the state after these events.

    Args:
        events: All events of a session, from its start.
        consensus: Makes one answer of several to a row.
        path: The journal that holds the events, for messages.

    Raises:
        JournalError: If an event cannot follow those before it.
    """
    return StateBuilder(events, consensus, path=path).state


def read_state(folder: Path) -> SessionState:
    """Return the state of the journal in a folder, which need not exist. Raises JournalError where it is damaged."""
    return fold_events(read_events(folder), path=folder / FILE_NAME)


def _num_labels(answers: Mapping[int, Answer]) -> int:
    return sum(answer.outcome != "skip" for answer in answers.values())


def _fingerprint(answers: Mapping[int, Answer], purposes: Mapping[int, Purpose]) -> str:
    """Return a hash of all labels in order, with the purposes of their rows."""
    known = [(row, purposes.get(row, "train"), each.outcome, each.value) for row, each in answers.items()]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()
