"""A session: fit, select, ask, tell. The one shell with state, and that state is the fold of its events."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.checks import whole_number
from lindley.acquisition.specs import ACQUISITIONS
from lindley.arrays import ArrayLike, as_whole_numbers
from lindley.contracts import Acquisition, Classification, FeatureExtractor, Labels, Learner, Pool, Selection, Task
from lindley.errors import InputError, JournalError
from lindley.names import nearest
from lindley.session import answer_tables
from lindley.session.event_store import EventStore, MemoryStore, Refused
from lindley.session.events import Answer, Answered, Fitted, Purpose, Queried, Resumed, Started, Withdrawn
from lindley.session.journal_store import JournalStore
from lindley.session.progress import OnProgress, ignore_progress
from lindley.session.rounds import Known, Observer, RoundResult, RoundSettings, run_round, select_without_fit
from lindley.session.state import Consensus, SessionState, StateBuilder, majority
from lindley.session.subsets import initial_random_rows, validation_rows
from lindley.shapes import Rows

_STORES: WeakValueDictionary[str, JournalStore] = WeakValueDictionary()
"""By folder, what sessions of this process opened and still use."""


class Session:
    """A human in the loop, or a program in its place: `step` chooses rows, `ask` names them, `tell` takes answers.

    Everything that happens is an event in the store, and the session continues from its store: the same lines, run
    again, go on where they were stopped.

    Args:
        pool: Where the inputs live.
        learner: What fits a model to labels.
        acquisition: A name of the catalogue, or a function (context, batch_size, *, seed) -> Selection.
        task: What a label is.
        num_draws: K, the draws from each posterior.
        batch_size: Rows that `step` chooses.
        store: Where events are kept: a folder, an EventStore, or None for memory.
        initial_labels: Rows that are queried first, at random, before there is a model.
        validation_labels: Rows at random whose labels stop a fit and from which nothing is learned.
        features: What features come from where the acquisition requires them; None: from the posterior.
        consensus: What several answers to one row amount to.
        seed: Of everything random.
        options: Options of a named acquisition.
        requires: What an acquisition of one's own cannot do without: "targets", "features", "labelled_features".
        candidates: Rows that a step considers, at random, another set each round; 0: all.
        num_targets: Unlabelled rows that serve as targets, where the acquisition requires them.
        sources: [N] which input a row is a copy of, where rows are copies: copies are drawn together as candidates.
        observers: What is measured after each fit, by name.
        key: What the store must hold the session of; by default a hash of the task, the pool's size and the seed.
        on_progress: Told what happens, as `lindley.session.progress` has it.

    Raises:
        InputError: If an argument is wrong, or the acquisition requires what is not there.
        JournalError: If the store is damaged, or holds another session.
        HeldError: If another process has the folder open.

    >>> from lindley import Classification, Session
    >>> from lindley.pools.memory import MemoryPool
    >>> from lindley.posteriors import Forest
    >>> inputs = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    >>> task = Classification(("left", "right"))
    >>> session = Session(MemoryPool(inputs), Forest(), "bald", task=task, initial_labels=4, batch_size=2)
    >>> session.tell({row: "right" if inputs[row, 0] > 0 else "left" for row in session.ask().rows.tolist()})
    >>> session.step().selection.rows.tolist() == session.ask().rows.tolist()
    True
    """

    def __init__(
        self,
        pool: Pool,
        learner: Learner,
        acquisition: str | Acquisition = "batchbald",
        *,
        task: Task,
        num_draws: int = 100,
        batch_size: int = 10,
        store: str | os.PathLike[str] | EventStore | None = None,
        initial_labels: int = 0,
        validation_labels: int = 0,
        features: FeatureExtractor | None = None,
        consensus: Consensus = majority,
        seed: int = 0,
        options: Mapping[str, object] | None = None,
        requires: Set[str] = frozenset(),
        candidates: int = 0,
        num_targets: int = 100,
        sources: Rows | None = None,
        observers: Mapping[str, Observer] | None = None,
        key: str | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> None:
        numbers = {"initial_labels": initial_labels, "validation_labels": validation_labels, "candidates": candidates}
        for name, number in numbers.items():
            if whole_number(name, number) < 0:
                raise InputError(f"{name} must not be negative; got {number}")
        seed, num_draws = whole_number("seed", seed), whole_number("num_draws", num_draws)
        if not isinstance(task, Classification):
            raise InputError(f"task must be a Classification; a session of {type(task).__name__} is not served yet")
        if whole_number("batch_size", batch_size) < 1:
            raise InputError(f"batch_size must be at least 1; got {batch_size}")
        choose, needs, reads = _resolve(acquisition, options or {}, frozenset(requires))
        self._settings = RoundSettings(learner, choose, task, seed, num_draws, candidates, needs, num_targets, features)
        self._reads_predictions = reads
        self._pool = pool
        self._batch_size = batch_size
        self._sources = sources
        self._observers = dict(observers or {})
        self.on_progress = on_progress
        self._owned = store is None or isinstance(store, str | os.PathLike)
        self._store: EventStore = _open(store)
        events = list(self._store.read())
        self._num_events = len(events)
        try:
            self._builder = StateBuilder(events, consensus)
        except JournalError as error:
            self.close()
            raise JournalError(f"{error} A session is opened with the consensus that it was begun with.") from None
        self._lock, self._stepping = threading.RLock(), False
        self._state: SessionState | None = None
        key = key or _default_key(task, len(pool), seed)
        if self.state.key is None:
            self._append(Started(key=key))
        elif self.state.key != key:
            self.close()
            raise JournalError(
                f"the store holds another session (key {str(self.state.key)[:8]}, expected {key[:8]}): one of another "
                "task, pool or seed. Name another store."
            )
        if not self.state.queries and not self.state.rounds:
            self._query_first(initial_labels, validation_labels)

    @property
    def state(self) -> SessionState:
        """What is known now."""
        if self._state is None:
            self._state = self._builder.state
        return self._state

    @property
    def labels(self) -> Labels:
        """The labels that a model learns from, in the order in which their rows were queried."""
        return _labels(self.state, "initial", "train")

    def step(self, excluded: ArrayLike = (), *, batch_size: int | None = None) -> RoundResult:
        """Fit on what is known, choose rows among the others, and query them.

        What was queried before and is not answered is superseded. On the same labels a step repeats the round, and
        chooses the same rows.

        Args:
            excluded: [.] rows that are not to be chosen.
            batch_size: Rows to choose in place of the session's; 0 fits and observes only.

        Returns:
            The selection, the posterior and what was observed.

        Raises:
            InputError: If there is no label to learn from, or there are too few candidates.
        """
        size = self._batch_size if batch_size is None else whole_number("batch_size", batch_size)
        if size < 0:
            raise InputError(f"batch_size must not be negative; got {size}")
        with self._lock:
            if self._stepping:
                raise InputError("a step is under way: it cannot be begun again by what it observes")
            self._stepping = True
            try:
                return self._step(excluded, size)
            finally:
                self._stepping = False

    def _step(self, excluded: ArrayLike, size: int) -> RoundResult:
        self._sync()
        known, index = self._known(excluded), self.state.next_round
        if not len(known.labels) and not self._reads_predictions and size:
            if self.state.pending:  # the batch that waits already
                return RoundResult(0, self.ask(), None, known.num_labels)
            selection = select_without_fit(self._settings, self._pool, known, batch_size=size, sources=self._sources)
            self._append(_query(selection, 0, "initial"))
            return RoundResult(0, selection, None, known.num_labels)
        if not known.labelled_rows.numel():
            raise InputError(
                "there is no label to fit on: answer ask() by tell(), or query rows first, as with initial_labels=10"
            )
        result = run_round(
            self._settings,
            self._pool,
            known,
            self._observers,
            index=index,
            batch_size=size,
            sources=self._sources,
            on_stage=lambda stage: self.on_progress({"stage": stage, "round": index, "labels": known.num_labels}),
        )
        fitted = self._fitted(result)
        chosen = [] if result.selection is None else [_query(result.selection, index, "train")]
        self._append(fitted, *chosen)
        return result

    def ask(self) -> Selection:
        """Return what waits for an answer: initial and validation rows, then what the last step chose.

        Asked twice, the same; without a row where nothing waits.
        """
        state = self.state
        scores: dict[int, float] = {}
        for query in (*state.queries, *(each.query for each in state.rounds[-1:] if each.query)):
            scores |= dict(zip(query.rows, query.scores, strict=False))
        rows = state.pending
        return Selection(
            torch.tensor(rows, dtype=torch.int64),
            torch.tensor([scores.get(row, 0.0) for row in rows], dtype=torch.float64),
        )

    def query(self, rows: ArrayLike, purpose: Purpose) -> None:
        """Query rows of one's own choice: "initial", "validation" or "test" rows, which no acquisition chooses."""
        wanted = _row_list(rows, "rows")
        if purpose not in ("initial", "validation", "test"):
            raise InputError(f'purpose must be "initial", "validation" or "test"; got {purpose!r}')
        if len(set(wanted)) != len(wanted):
            raise InputError("rows must be queried once each")
        self._check_rows(wanted)
        if again := [row for row in wanted if row in self.state.resolved]:
            raise InputError(f"these rows are labelled already: {again[:10]}")
        self._append(Queried(round=0, purpose=purpose, rows=wanted))

    def tell(self, answers: Iterable[Answer] | Mapping[int, int | str], *, annotator: str = "") -> None:
        """Take answers, to some of what was asked or to other rows, in any order; they are durable on return.

        Args:
            answers: Answers, or by row a class: its name or its index.
            annotator: Who gave them, where they are a mapping.

        Raises:
            InputError: If a row is not in the pool, or a class not in the task; then none is taken.
        """
        given = self._answers(answers, annotator)
        self._check_rows([each.row for each in given])
        for each in given:
            if each.outcome == "label":
                self._class_index(each.row, each.value)
        if given:
            self._append(Answered.of(given))

    def withdraw(self, rows: ArrayLike) -> None:
        """Undo: what was answered of these rows counts no more, and what was queried waits again."""
        wanted = _row_list(rows, "rows")
        state = self.state
        if unknown := [row for row in wanted if row not in state.resolved and row not in state.disputed]:
            raise InputError(f"nothing was answered of these rows: {unknown[:10]}")
        self._append(Withdrawn(rows=wanted))

    def export(self, path: str | os.PathLike[str], items: Sequence[object] | None = None) -> int:
        """Write what waits for an answer to a CSV file: a line a row, with an empty cell for its class.

        Args:
            path: The file; it is replaced.
            items: [N] what a person reads of each row of the pool, such as its text or the name of its file.

        Returns:
            The number of rows written.
        """
        rows = self.state.pending
        answer_tables.write(Path(path), rows, None if items is None else [items[row] for row in rows])
        return len(rows)

    def tell_csv(self, path: str | os.PathLike[str], *, annotator: str = "") -> int:
        """Take the answers of a CSV file as `export` writes it, filled in: a class name, "skip" or "none".

        Lines without a class are left for later; those that this annotator answered alike before are not taken twice.

        Returns:
            The number of answers taken.

        Raises:
            InputError: If a cell is no class, or a row is not in the pool; it names the line, and none is taken.
        """
        task = self._settings.task
        answers = answer_tables.read(Path(path), task.class_names, len(self._pool), annotator)
        known = self._builder.latest(annotator)
        fresh = [each for each in answers if _said(known.get(each.row)) != _said(each)]
        self.tell(fresh)
        return len(fresh)

    def resume(self, changes: Mapping[str, list[Any]]) -> None:
        """Record that the session goes on under other conditions: by name, what there was and what there is."""
        state = self.state
        complete = not state.rounds or state.rounds[-1].query is not None
        first = len(state.rounds) if complete else state.next_round
        self._append(Resumed(round=first, changes=dict(changes)))

    def restart(self) -> None:
        """Begin anew in the same store: what happened before counts no more, and nothing is queried yet."""
        self._append(Started(key=str(self.state.key)))

    def close(self) -> None:
        """Let other processes open the folder."""
        if self._owned and isinstance(self._store, JournalStore):
            self._store.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _append(self, *events: Started | Fitted | Queried | Answered | Withdrawn | Resumed) -> None:
        with self._lock:
            if self._stepping and any(isinstance(event, Answered | Withdrawn) for event in events):
                raise InputError("a step is under way: answers cannot be changed by what it observes")
            self._sync()
            try:
                self._builder.check(events)
            except JournalError as error:
                raise InputError(f"this cannot follow what is known: {error}") from None
            refused = [each for each in self._store.append(events) or () if isinstance(each, Refused)]
            self._sync()
            if refused:
                raise InputError(f"the store refused it: {refused[0].reason}")

    def _sync(self) -> None:
        """Take what is in the store and not known yet."""
        for event in self._store.read(self._num_events):
            self._builder.add(event)
            self._num_events += 1
            self._state = None

    def _query_first(self, initial: int, validation: int) -> None:
        seed = self._settings.seed
        rows = torch.empty(0, dtype=torch.int64)
        queries = []
        if initial:
            rows = initial_random_rows(len(self._pool), initial, seed=seed)
            queries.append(Queried(round=0, purpose="initial", rows=self._unanswered(rows)))
        if validation:
            stopping = validation_rows(len(self._pool), rows, validation, seed=seed)
            queries.append(Queried(round=0, purpose="validation", rows=self._unanswered(stopping)))
        if queries:
            self._append(*queries)

    def _unanswered(self, rows: Rows) -> list[int]:
        return [row for row in rows.tolist() if row not in self.state.resolved]

    def _known(self, excluded: ArrayLike) -> Known:
        state = self.state
        no = [] if _is_empty(excluded) else _row_list(excluded, "excluded")
        self._check_rows(no)
        learned = [answer.row for answer in state.answered("initial", "train")]
        apart = [row for query in state.queries for row in query.rows]
        unavailable = dict.fromkeys([*state.resolved, *apart, *no])
        validation = _labels(state, "validation")
        some = next(state.answered("validation"), None)
        return Known(
            _labels(state, "initial", "train"),
            None if some is None else validation,
            torch.tensor(learned, dtype=torch.int64),
            torch.tensor(list(unavailable), dtype=torch.int64),
            state.num_labels,
        )

    def _fitted(self, result: RoundResult) -> Fitted:
        seen = result.observations
        names = [key for each in seen.values() for key in each.metrics]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"two observers measured {twice[0]!r}; each metric needs a name of its own")
        return Fitted(
            round=result.index,
            labels=result.num_labels,
            metrics={key: value for each in seen.values() for key, value in each.metrics.items()},
            arrays={
                name: self._store.save_arrays(f"round-{result.index:03d}-{name}", each.arrays)
                for name, each in seen.items()
                if each.arrays
            },
            seconds=dict(result.seconds),
            compute_path=result.compute_path,
            hyperparameters=dict(result.hyperparameters),
        )

    def _answers(self, answers: Iterable[Answer] | Mapping[int, int | str], annotator: str) -> list[Answer]:
        if not isinstance(answers, Mapping):
            given = list(answers) if isinstance(answers, Iterable) else [answers]
            if wrong := [each for each in given if not isinstance(each, Answer)]:
                raise InputError(f"tell takes Answers, or a mapping from rows to classes; got {wrong[0]!r}")
            return given
        return [
            Answer(whole_number("a row", row), self._class_index(row, value), annotator=annotator)
            for row, value in answers.items()
        ]

    def _class_index(self, row: int, value: object) -> int:
        names = self._settings.task.class_names
        if isinstance(value, str):
            if value not in names:
                raise InputError(f"row {row}: there is no class {value!r}.{nearest(value, names)}")
            return names.index(value)
        index = whole_number(f"the class of row {row}", value)
        if not 0 <= index < len(names):
            raise InputError(f"the class of row {row} must be from 0 to {len(names) - 1}; got {index}")
        return index

    def _check_rows(self, rows: Iterable[int]) -> None:
        if outside := [row for row in rows if not 0 <= row < len(self._pool)]:
            raise InputError(f"rows must be from 0 to {len(self._pool) - 1}, those of the pool; got {outside[:10]}")


def _resolve(
    acquisition: str | Acquisition, options: Mapping[str, object], requires: frozenset[str]
) -> tuple[Acquisition, frozenset[str], bool]:
    """The acquisition, what it requires, and whether it reads predictions of the candidates."""
    if isinstance(acquisition, str):
        chosen = acquisition_named(acquisition, options)
        return chosen, ACQUISITIONS[acquisition].requirements(options), not ACQUISITIONS[acquisition].prediction_free
    if options:
        raise InputError(
            f"an acquisition of your own takes no options; got {', '.join(options)}. Bind them beforehand."
        )
    if not callable(acquisition):
        raise InputError(
            f"acquisition must be a name, or a function (context, batch_size, *, seed); got {acquisition!r}"
        )
    return acquisition, requires, True


def _open(store: str | os.PathLike[str] | EventStore | None) -> EventStore:
    """The store. A folder that an earlier session of this process has open is taken over: a cell is run again."""
    if store is None:
        return MemoryStore()
    if not isinstance(store, str | os.PathLike):
        return store
    place = os.path.realpath(store)
    if earlier := _STORES.pop(place, None):
        earlier.close()
    opened = _STORES[place] = JournalStore(Path(store))
    return opened


def _default_key(task: Classification, num_rows: int, seed: int) -> str:
    what = json.dumps({"classes": task.class_names, "rows": num_rows, "seed": seed})
    return hashlib.sha256(what.encode()).hexdigest()


def _query(selection: Selection, index: int, purpose: Purpose) -> Queried:
    return Queried(
        round=index,
        purpose=purpose,
        rows=selection.rows.tolist(),
        scores=selection.scores.double().tolist(),
        diagnostics=dict(selection.diagnostics),
    )


def _labels(state: SessionState, *purposes: Purpose) -> Labels:
    known = [answer for answer in state.answered(*purposes) if answer.outcome == "label"]
    rows = torch.tensor([answer.row for answer in known], dtype=torch.int64)
    return Labels(rows, torch.tensor([answer.value for answer in known], dtype=torch.int64))


def _row_list(rows: ArrayLike, name: str) -> list[int]:
    whole = as_whole_numbers(rows, name)
    if whole.dim() != 1:
        raise InputError(f"{name} must be whole numbers [n]; got {[*whole.shape]}")
    return [int(row) for row in whole.tolist()]


def _said(answer: Answer | None) -> tuple[object, ...]:
    return () if answer is None else (answer.outcome, answer.value, answer.reason)


def _is_empty(rows: ArrayLike) -> bool:
    return isinstance(rows, Sequence) and not len(rows)
