"""The one writer of a process: a thread that runs functions in transactions, in the order in which they came.

Threads that write at once on connections of their own wait for SQLite's lock, which is not fair: measured with 8 of
them, some waited for longer than the time allowed. In a queue nobody is overtaken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from lindley.errors import JournalError
from lindley.labelling.sql import sa, translated_errors

T = TypeVar("T")
_Job = tuple[Callable[[sa.Connection], Any], "Future[Any]"]


class Writer:
    """Runs each function in a transaction of its own; its result, or its error, goes back to who asked for it.

    Args:
        engine: Opens connections whose transactions may write from their beginning.
        path: The database, for messages.
    """

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine, self._path = engine, path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._mutex = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run_jobs, name="lindley-writer", daemon=True)
        self._thread.start()

    def run(self, function: Callable[[sa.Connection], T]) -> T:
        """Run the function in a transaction, and return its result once that is durable; an error undoes all of it."""
        assert threading.current_thread() is not self._thread, "a transaction cannot wait for another one"
        result: Future[T] = Future()
        with self._mutex:
            if self._closed:
                raise JournalError(f"{self._path} was closed. Open the project again.", path=self._path)
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
        while (job := self._jobs.get()) is not None:
            function, result = job
            try:
                with translated_errors(self._path), self._engine.begin() as connection:
                    value = function(connection)
            except BaseException as error:  # whatever it is, it belongs to who asked
                result.set_exception(error)
            else:
                result.set_result(value)
        self._engine.dispose()
