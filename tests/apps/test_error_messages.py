"""Errors in the words of the command line: options instead of arguments, at one place for all commands."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from lindley.apps import run_command, select_command
from lindley.apps.cli import app
from lindley.apps.error_messages import format_error, format_warning
from lindley.errors import Argument, ConfigurationError, DataError, InputError, InputWarning

SELECT: Any = typer.main.get_command(app).commands["select"]  # type: ignore[attr-defined]
OPTIONS = [(each.name, each.opts[0]) for each in SELECT.params if each.param_type_name == "option"]


@pytest.mark.parametrize(("argument", "option"), OPTIONS)
@pytest.mark.parametrize(
    "error",
    [
        lambda name: InputError("Do so.", argument=name, expected="another", got=1),
        lambda name: InputError("it cannot be used", argument=name),
    ],
)
def test_every_option_is_named_once_in_front_of_its_error(monkeypatch, argument, option, error):
    def refuse(options: object) -> None:
        raise error(argument)

    monkeypatch.setattr(select_command, "select_from_file", refuse)
    ran = CliRunner().invoke(app, ["select", "p.npy"])
    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"lindley: {option}")
    assert ran.stderr.count(option) == 1
    assert argument == option.removeprefix("--") or argument not in ran.stderr


@pytest.mark.parametrize(("options", "start"), [([], "seeds"), (["--seeds", "3"], "--seeds")])
def test_a_key_of_a_study_is_an_option_only_where_the_option_was_given(monkeypatch, options, start):
    def refuse(options: object) -> bool:
        raise ConfigurationError(argument="seeds", expected="at most 2")

    monkeypatch.setattr(run_command, "run_study_and_report", refuse)
    ran = CliRunner().invoke(app, ["run", "demo", *options])
    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"lindley: {start} must be at most 2")


@pytest.mark.parametrize("argument", ["file", "p.npy", "num_configurations", ""])
def test_an_argument_that_is_no_option_stays_as_it_is(argument):
    error = InputError("it cannot be used", argument=argument)
    assert format_error(error, {name: name for name, _ in OPTIONS}) == "it cannot be used"


def test_arguments_within_a_message_are_written_as_options():
    parts = ("say ", Argument("axes", "KNC"), " or ", Argument("delta", 0.4, option=True))
    expected = "say --axes KNC or --option delta=0.4"
    assert format_error(InputError(*parts), {}) == format_warning(InputWarning(*parts)) == expected


def test_other_errors_and_warnings_are_printed_as_they_are():
    assert format_error(DataError("x is damaged", path="x"), {"x": "--x"}) == "x is damaged"
    assert format_warning(UserWarning("careful")) == "careful"
