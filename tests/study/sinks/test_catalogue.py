"""Sinks by name."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from journal_fakes import experiment_table, make_study

from lindley.errors import InputError
from lindley.session.locks import find_holder
from lindley.study.sinks import catalogue
from lindley.study.sinks.catalogue import SINKS, open_sink

STUDY = make_study(experiment_table("digits", ["random"]))


def test_an_unknown_sink_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(InputError) as caught:
        open_sink("tensorbord:logs", STUDY, tmp_path)
    assert (caught.value.argument, caught.value.got) == ("sink", "tensorbord")


@pytest.mark.parametrize("name", SINKS)
def test_a_program_that_is_not_installed_is_named_with_how_to_get_it(tmp_path, monkeypatch, name):
    def absent(module: str) -> Any:
        raise ModuleNotFoundError("No module named 'it'", name="it")

    monkeypatch.setattr(catalogue, "import_module", absent)
    with pytest.raises(InputError, match=rf"pip install \"lindley\[{name}\]\"") as caught:  # golden message
        open_sink(name, STUDY, tmp_path)
    assert (caught.value.argument, caught.value.got) == ("sink", name)


def test_a_place_that_the_program_refuses_is_one_message(tmp_path, monkeypatch):
    def refused(where: str, study: Any, out: Any) -> Any:
        raise ConnectionError(f"nobody listens at {where}")

    monkeypatch.setattr(catalogue, "import_module", lambda name: SimpleNamespace(open_sink=refused))
    with pytest.raises(InputError) as caught:
        open_sink("mlflow:http://x", STUDY, tmp_path)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert (caught.value.argument, caught.value.got) == ("sink", "mlflow:http://x")


def test_one_process_at_a_time_opens_a_sink(tmp_path, monkeypatch):
    held: list[str | None] = []

    def refused(where: str, study: Any, out: Any) -> Any:
        held.append(find_holder(out / "study"))
        raise ConnectionError

    monkeypatch.setattr(catalogue, "import_module", lambda name: SimpleNamespace(open_sink=refused))
    with pytest.raises(InputError):
        open_sink("mlflow", STUDY, tmp_path)
    assert [*held, find_holder(tmp_path / "study")] == [f"process {os.getpid()}", None]


def test_neither_program_is_imported_unless_it_is_asked_for():
    check = "import sys, lindley.apps.run_command; print({'mlflow', 'tensorboard'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
