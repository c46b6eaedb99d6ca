"""The parent's side of a worker: what it hears, and how it learns of a death."""

import queue

import pytest

from lindley.study.running import worker_process
from lindley.study.running.worker_process import Worker

SETTINGS = {"threads": 3}
ECHO = "import sys; [print(line, end='', flush=True) for line in sys.stdin]"
TORN = """
import os, signal, sys
sys.stdout.write('{"stage": "fit"}\\n{"stage": "ro')
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
FAILING = "import sys; sys.exit('no such device')"
THREADS = "import json, os; print(json.dumps(os.environ['OMP_NUM_THREADS']))"


@pytest.fixture
def start(monkeypatch):
    """Start a worker that runs a script instead; it is ended with the test."""
    inbox, workers = queue.Queue(), []

    def make(script):
        monkeypatch.setattr(worker_process, "_START", script)
        workers.append(Worker(SETTINGS, inbox))
        return workers[-1], inbox

    yield make
    for worker in workers:
        worker.stop()


def test_the_settings_come_first_then_what_is_sent(start):
    worker, inbox = start(ECHO)
    worker.send({"seed": 5})
    assert inbox.get(timeout=60) == (worker, SETTINGS)
    assert inbox.get(timeout=60) == (worker, {"seed": 5})


def test_a_line_torn_by_a_kill_is_dropped_and_the_death_is_told(start):
    worker, inbox = start(TORN)
    assert inbox.get(timeout=60) == (worker, {"stage": "fit"})
    assert inbox.get(timeout=60) == (worker, None)
    assert "SIGKILL (out of memory? Try fewer jobs)" in worker.exit_reason()


def test_the_exit_reason_of_a_worker_that_ended_by_itself_are_kept(start):
    worker, inbox = start(FAILING)
    assert inbox.get(timeout=60) == (worker, None)
    assert worker.exit_reason() == "the worker process ended with exit code 1; its last output: no such device"


def test_sending_to_a_dead_worker_does_nothing(start):
    worker, inbox = start(FAILING)
    inbox.get(timeout=60)
    worker.send({"seed": 5})
    assert inbox.empty()


def test_threads_are_set_before_the_worker_imports_anything(start):
    worker, inbox = start(THREADS)
    assert inbox.get(timeout=60) == (worker, "3")
