"""What `lindley.study` gives, and that a study built in Python is refused where its file would be."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from lindley import study as public
from lindley.errors import ConfigurationError
from lindley.study import (
    Data,
    Experiment,
    Information,
    Model,
    Observe,
    Schedule,
    Study,
    check_study,
    load_study,
    run_study,
)
from lindley.study.config.schema import TABLES

FILE = """
seeds = 2
data = { name = "digits" }
model = { network = "digits-mlp" }
schedule = { initial_labels = 20, batch_size = 10, max_labels = 100 }
acquisitions = { random = {}, batchbald = { num_configurations = 500 } }
"""


def study(**changes: Any) -> Study:
    """The study of the file, built in Python."""
    experiment = {
        "name": "mine",
        "seeds": 2,
        "data": Data(name="digits"),
        "model": Model(network="digits-mlp"),
        "schedule": Schedule(initial_labels=20, batch_size=10, max_labels=100),
        "acquisitions": {"random": {}, "batchbald": {"num_configurations": 500}},
    }
    return Study(name="mine", experiments=[Experiment(**{**experiment, **changes})])


def test_public_names_are_sorted_and_there():
    assert public.__all__ == sorted(public.__all__) == sorted(public._HOMES) == dir(public)
    for name in public.__all__:
        assert getattr(public, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        public.nothing  # noqa: B018


def test_every_table_of_a_study_file_is_there_as_a_class():
    assert {table.__name__ for table in TABLES.values()} <= set(public.__all__)


def test_the_status_of_a_study_is_there_without_torch():
    check = "import sys; from lindley.study import Study, Trial, study_status; print({'torch'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_a_study_built_in_python_is_that_of_its_file(tmp_path):
    (tmp_path / "mine.toml").write_text(FILE)
    loaded = load_study(tmp_path / "mine.toml")
    check_study(study())
    assert study() == loaded.model_copy(update={"folder": None})


@pytest.mark.parametrize(
    ("build", "key"),
    [
        (lambda: Data(name="digits", optoins={}), "optoins"),
        (lambda: Schedule(initial_labels=0, batch_size=1, max_labels=2), "initial_labels"),
        (lambda: Schedule(initial_labels=1.0, batch_size=1, max_labels=2), "initial_labels"),
        (lambda: study(seeds="2"), "seeds"),
        (lambda: study(name="a/b"), "name"),
        (lambda: Study(name="empty", experiments=[]), "experiments"),
    ],
)
def test_a_wrong_key_or_value_is_refused_when_it_is_built(build, key):
    with pytest.raises(ValidationError, match=key):
        build()


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"acquisitions": {"blad": {}}}, "acquisitions.blad"),
        ({"data": Data(name="digits", options={"noise": 1})}, "data.options"),
        ({"schedule": Schedule(initial_labels=20, batch_size=10, max_labels=10)}, "schedule.max_labels"),
        ({"model": Model(posterior="forest", network="digits-mlp")}, "model.network"),
    ],
)
def test_names_and_contradictions_are_refused_before_anything_runs(tmp_path, changes, argument):
    for refuse in (check_study, lambda wrong: run_study(wrong, tmp_path / "out")):
        with pytest.raises(ConfigurationError) as caught:
            refuse(study(**changes))
        assert caught.value.argument == f"experiments[mine].{argument}"
    assert list(tmp_path.iterdir()) == []


def test_information_that_would_never_be_measured_is_refused():
    wrong = Observe(information=Information(acquisition="batchbald", labels=[25]))
    with pytest.raises(ConfigurationError) as caught:
        check_study(study(observe=wrong))
    assert (caught.value.argument, caught.value.got) == ("experiments[mine].observe.information.labels", [25])


def test_two_experiments_of_one_name_are_refused():
    one = study().experiments[0]
    with pytest.raises(ConfigurationError) as caught:
        check_study(Study(name="mine", experiments=[one, one]))
    assert (caught.value.argument, caught.value.got) == ("experiments", "mine")
