"""A session: fit, select, ask, tell. It is the one shell with state, and its state is the fold of its events."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import torch

from lindley.arrays import ArrayLike
from lindley.contracts import Acquisition, Classification, FeatureExtractor, Labels, Learner, Pool, Selection, Task
from lindley.errors import InputError
from lindley.session import answer_tables
from lindley.session.answers import read_answers, read_rows, warn_of_dropped
from lindley.session.consensus import Consensus, majority
from lindley.session.event_store import EventStore
from lindley.session.events import Answer, Answered, Event, Purpose, Queried, Resumed, Withdrawn
from lindley.session.journal_file import JournalStore
from lindley.session.progress import OnProgress, ignore_progress
from lindley.session.round_events import (
    build_first_queries,
    build_fitted,
    build_query,
    build_round_labels,
    select_labels,
)
from lindley.session.rounds import Observer, RoundLabels, RoundResult, RoundSettings, run_round, select_without_fit
from lindley.session.session_arguments import (
    check_kinds,
    default_key,
    open_store,
    read_sources,
    resolve_acquisition,
)
from lindley.session.state import SessionState
from lindley.session.stored_state import StoredState
from lindley.session.validated_records import build_record
from lindley.value_checks import whole_number


class Session:
    """A human in the loop, or a program in its place: `step` selects rows, `ask` names them, `tell` takes answers.

    Everything that happens is an event in the store, and the session continues from its store: run the same lines
    again, and they continue where they were stopped.

    Args:
        pool: Holds the inputs.
        learner: Fits a model to the labels.
        acquisition: A name of the catalogue, or a function (context, batch_size, *, seed) -> Selection.
        task: The classes.
        num_draws: The number of draws from each posterior, K.
        batch_size: The number of rows that `step` selects.
        store: Keeps the events: a folder, an EventStore, or None for memory.
        initial_labels: The number of rows that are queried first, at random, before there is a model.
        validation_labels: The number of random rows whose labels stop a fit; no model learns from them.
        features: Computes features where the acquisition requires them; None: the posterior does.
        consensus: Makes one answer of several to a row. A store is opened with the consensus it was written with.
        seed: Seed of everything random.
        options: Options of a named acquisition.
        requires: The parts of the context that your own acquisition requires: "targets", "features",
            "labelled_features".
        candidates: The number of rows that a step considers, another random set each round; 0: all.
        num_targets: The number of unlabelled rows that serve as targets, where the acquisition requires them.
        sources: The input of which each row is a copy, [N], where rows are copies: copies are candidates together.
        observers: By name, what is measured after each fit.
        key: The key of the session in the store; None: a hash of the classes, the pool's size and the seed.
        on_progress: Called with each progress event of `lindley.session.progress`.

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
        sources: ArrayLike | None = None,
        observers: Mapping[str, Observer] | None = None,
        key: str | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> None:
        check_kinds(
            pool=pool,
            learner=learner,
            acquisition=acquisition,
            task=task,
            store=store,
            features=features,
            consensus=consensus,
            options=options,
            requires=requires,
            observers=observers,
            key=key,
            on_progress=on_progress,
        )
        assert isinstance(task, Classification)
        seed = whole_number("seed", seed)
        num_draws = whole_number("num_draws", num_draws, least=1)
        self._batch_size = whole_number("batch_size", batch_size, least=1)
        initial_labels = whole_number("initial_labels", initial_labels, least=0)
        validation_labels = whole_number("validation_labels", validation_labels, least=0)
        candidates = whole_number("candidates", candidates, least=0)
        num_targets = whole_number("num_targets", num_targets, least=1)
        choose, parts, reads = resolve_acquisition(acquisition, options or {}, frozenset(requires))
        self._settings = RoundSettings(learner, choose, task, seed, num_draws, candidates, parts, num_targets, features)
        self._reads_predictions = reads
        self._pool = pool
        self._sources = read_sources(sources, len(pool))
        self._observers = dict(observers or {})
        self.on_progress = on_progress
        self._stepping = False
        self._owned = store is None or isinstance(store, str | os.PathLike)
        self._store: EventStore = open_store(store)
        try:
            self._stored = StoredState(
                self._store,
                key or default_key(task, len(pool), seed),
                consensus,
                num_rows=len(pool),
                num_classes=task.num_classes,
            )
            if not self.state.queries and not self.state.rounds:
                self._query_first(initial_labels, validation_labels)
        except BaseException:
            self.close()
            raise

    @property
    def state(self) -> SessionState:
        """The state now: answers, what waits, and the rounds."""
        return self._stored.state

    @property
    def labels(self) -> Labels:
        """The labels from which a model learns, in the order in which their rows were queried."""
        return select_labels(self.state, "initial", "train")

    def step(self, excluded: ArrayLike = (), *, batch_size: int | None = None) -> RoundResult:
        """Fit on the labels, select rows among the others, and query them.

        Rows that were queried before and not answered are superseded. On the same labels a step repeats the round, and
        selects the same rows.

        Args:
            excluded: Rows that are not to be selected, [n].
            batch_size: The number of rows to select in place of the session's; 0 fits and observes only.

        Returns:
            The selection, the posterior and the measurements.

        Raises:
            InputError: If there is no label to learn from, or there are too few candidates.
        """
        size = self._batch_size if batch_size is None else whole_number("batch_size", batch_size, least=0)
        with self._stored.lock:
            if self._stepping:
                raise InputError("A step is under way; an observer cannot begin another.", argument="step")
            self._stepping = True
            try:
                return self._step(excluded, size)
            finally:
                self._stepping = False

    def ask(self) -> Selection:
        """Return the rows that wait for an answer: initial and validation rows, then those of the last step.

        Asked twice, it returns the same; without a row where nothing waits.
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
        """Query rows of your own choice: "initial", "validation" or "test" rows, which no acquisition selects."""
        wanted = self._rows(rows, "rows")
        if purpose not in ("initial", "validation", "test"):
            raise InputError(argument="purpose", expected='"initial", "validation" or "test"', got=purpose)
        if twice := sorted({row for row in wanted if wanted.count(row) > 1}):
            raise InputError(argument="rows", expected="different from each other", rows=twice)
        if again := [row for row in wanted if row in self.state.answers]:
            raise InputError(argument="rows", expected="without a label", rows=again)
        self._stored.append(Queried(round=0, purpose=purpose, rows=wanted))

    def tell(self, answers: Answer | Iterable[Answer] | Mapping[int, int | str], *, annotator: str = "") -> None:
        """Take answers, to some of the queried rows or to others, in any order; they are durable on return.

        An answer whose uuid was stored before is not stored again. A warning names the row where that answer was
        withdrawn meanwhile: a new answer needs a new uuid.

        Args:
            answers: Answers, or by row a class: its name or its index.
            annotator: Who gave them, where they are a mapping.

        Raises:
            InputError: If a row is not in the pool, or a class not in the task; then none is taken.
        """
        task = self._settings.task
        given = read_answers(answers, annotator, task.class_names, len(self._pool))
        if given:
            warn_of_dropped(given, self._append_answers(Answered.from_answers(given)), self._stored.latest_answers)

    def withdraw(self, rows: ArrayLike) -> None:
        """Undo answers: all answers to these rows count no more, and queried rows wait again."""
        wanted = self._rows(rows, "rows")
        state = self.state
        if unknown := [row for row in wanted if row not in state.answers and row not in state.disputed]:
            raise InputError(argument="rows", expected="rows that have an answer", rows=unknown)
        self._append_answers(Withdrawn(rows=wanted))

    def export(self, path: str | os.PathLike[str], items: Sequence[object] | None = None) -> int:
        """Write the rows that wait for an answer to a CSV file: a line a row, with an empty cell for its class.

        Args:
            path: The file; it is replaced.
            items: For each row of the pool what a person reads, [N], such as its text or the name of its file.

        Returns:
            The number of rows written.
        """
        rows = self.state.pending
        answer_tables.write(path, rows, items, len(self._pool))
        return len(rows)

    def tell_csv(self, path: str | os.PathLike[str], *, annotator: str = "") -> int:
        """Take the answers of a CSV file as `export` writes it, filled in: a class name, "skip" or "none".

        Lines without a class are left for later. An answer that equals the annotator's last one is not taken twice.

        Returns:
            The number of answers taken.

        Raises:
            InputError: If a cell is no class, or a row is not in the pool; it names the line, and none is taken.
        """
        names = self._settings.task.class_names
        answers = answer_tables.read(path, names, len(self._pool), annotator)
        before = self._stored.latest_answers(annotator)
        fresh = [each for each in answers if _content(before.get(each.row)) != _content(each)]
        self.tell(fresh)
        return len(fresh)

    def record_changes(self, changes: Mapping[str, list[Any]]) -> None:
        """Record that the session continues under other conditions: by name, [the value before, the value now]."""
        state = self.state
        complete = not state.rounds or state.rounds[-1].query is not None
        first = len(state.rounds) if complete else state.next_round
        self._stored.append(build_record(Resumed, round=first, changes=changes))

    def restart(self) -> None:
        """Begin anew in the same store: what happened before counts no more, and nothing is queried yet."""
        self._stored.restart()

    def close(self) -> None:
        """Let other processes open the folder."""
        if self._owned and isinstance(self._store, JournalStore):
            self._store.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _query_first(self, initial: int, validation: int) -> None:
        queries = build_first_queries(self.state, len(self._pool), initial, validation, seed=self._settings.seed)
        if queries:
            self._stored.append(*queries)

    def _step(self, excluded: ArrayLike, size: int) -> RoundResult:
        state = self._stored.read_new()
        labels, index = build_round_labels(state, self._rows(excluded, "excluded")), state.next_round
        if not len(labels.labels) and not self._reads_predictions and size:
            return self._first_batch(labels, size)
        if not labels.labelled_rows.numel():
            raise InputError(
                "There is no label to fit on. Answer ask() by tell(), or query rows first, as with initial_labels=10.",
                argument="labels",
            )
        result = run_round(
            self._settings,
            self._pool,
            labels,
            self._observers,
            index=index,
            batch_size=size,
            sources=self._sources,
            on_stage=lambda stage: self.on_progress({"stage": stage, "round": index, "labels": labels.num_labels}),
        )
        fitted = build_fitted(result, self._store)
        self._stored.append(
            fitted, *([] if result.selection is None else [build_query(result.selection, index, "train")])
        )
        return result

    def _first_batch(self, labels: RoundLabels, size: int) -> RoundResult:
        """Select a batch before there is a model; the batch that waits already is that batch."""
        if self.state.pending:
            return RoundResult(0, self.ask(), None, labels.num_labels)
        selection = select_without_fit(self._settings, self._pool, labels, batch_size=size, sources=self._sources)
        self._stored.append(build_query(selection, 0, "initial"))
        return RoundResult(0, selection, None, labels.num_labels)

    def _append_answers(self, event: Answered | Withdrawn) -> list[Event]:
        with self._stored.lock:
            if self._stepping:
                raise InputError("A step is under way; an observer cannot change answers.", argument="answers")
            return self._stored.append(event)

    def _rows(self, rows: ArrayLike, name: str) -> list[int]:
        return read_rows(rows, name, len(self._pool))


def _content(answer: Answer | None) -> tuple[object, ...]:
    return () if answer is None else (answer.outcome, answer.value, answer.reason)
