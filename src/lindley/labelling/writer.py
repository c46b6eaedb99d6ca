"""The one writer of a process: a thread that runs functions in transactions, in the order in which they came.

Threads that write at once on connections of their own wait for SQLite's lock, which is not fair: measured with 8 of
them, some waited for longer than the time allowed. In a queue nobody is overtaken, and those who wait together share
one transaction: the disk is waited for once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from lindley.errors import JournalError
from lindley.labelling.sql import Storage, sa, translate_errors

T = TypeVar("T")
_MOST_AT_ONCE = 32
_Job = tuple[Callable[[sa.Connection], Any], "Future[Any]"]


class Writer:
    """Runs functions in transactions; a function's result, or its error, goes back to who asked for it.

    Args:
        engine: Opens connections whose transactions may write from their beginning.
        storage: The database, whose errors are translated.
    """

    def __init__(self, engine: sa.Engine, storage: Storage) -> None:
        self._engine, self._storage = engine, storage
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._mutex = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run_jobs, name="lindley-writer", daemon=True)
        self._thread.start()

    def run(self, function: Callable[[sa.Connection], T]) -> T:
        """Run the function in a transaction, and return its result once that is durable; an error undoes all of it.

        It may be run again: the first time is undone where another function of the same transaction fails.
        """
        assert threading.current_thread() is not self._thread, "a transaction cannot wait for another one"
        result: Future[T] = Future()
        with self._mutex:
            if self._closed:
                raise JournalError(
                    f"{self._storage.describe()} was closed. Open the project again.", path=self._storage.path
                )
            self._jobs.put((function, result))
        return result.result()

    def close(self) -> None:
        """Finish what was asked for, and take no more."""
        with self._mutex:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run_jobs(self) -> None:
        jobs = self._take()
        while jobs:
            self._run(jobs)
            jobs = self._take()
        self._engine.dispose()

    def _take(self) -> list[_Job]:
        """Wait for functions, and return all that are there; none once the writer is closed."""
        jobs: list[_Job] = []
        while not (jobs and self._jobs.empty()) and len(jobs) < _MOST_AT_ONCE:
            if (job := self._jobs.get()) is None:
                self._jobs.put(None)  # the last one: it is met again when these are done
                break
            jobs.append(job)
        return jobs

    def _run(self, jobs: Sequence[_Job]) -> None:
        """Run functions in one transaction, and each in one of its own where one of them fails."""
        try:
            with translate_errors(self._storage), self._engine.begin() as connection:
                values = [function(connection) for function, _ in jobs]
        except BaseException as error:  # whatever it is, it belongs to who asked
            if len(jobs) == 1:
                jobs[0][1].set_exception(error)
            else:
                for each in jobs:
                    self._run([each])
        else:
            for (_, result), value in zip(jobs, values, strict=True):
                result.set_result(value)
