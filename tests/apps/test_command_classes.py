"""Every command and all its options: nothing that was typed is dropped without a word, or obeyed by a terminal."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from lindley.apps.cli import app

GROUP: Any = typer.main.get_command(app)
OPTIONS = [
    (name, parameter)
    for name, command in GROUP.commands.items()
    for parameter in command.params
    if parameter.param_type_name == "option" and not parameter.is_eager
]


def typed(parameter: Any, value: str) -> list[str]:
    return [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], value]


def name_of(each: object) -> str | None:
    return getattr(each, "name", None)


def test_there_are_commands_with_options() -> None:
    assert {"select", "run", "compare", "data", "status"} <= {name for name, _ in OPTIONS}


@pytest.mark.parametrize(("command", "parameter"), OPTIONS, ids=name_of)
def test_an_option_given_twice_is_refused_or_used_twice(command: str, parameter: Any) -> None:
    twice = [*typed(parameter, "1"), *typed(parameter, "2")]
    arguments = ["x" for each in GROUP.commands[command].params if each.param_type_name == "argument" and each.required]
    ran = CliRunner().invoke(app, [command, *arguments, *twice])
    refused = f"{parameter.opts[0]} takes one value, and is given 2 times" in ran.stderr
    assert (ran.exit_code == 2 and refused) or (parameter.multiple and not refused)


def test_options_that_take_several_values_are_known() -> None:
    several = {(command, parameter.name) for command, parameter in OPTIONS if parameter.multiple}
    assert several == {("select", "exclude"), ("select", "option"), ("run", "sink")}


@pytest.mark.parametrize("command", [[], *([name] for name in GROUP.commands)], ids=str)
@pytest.mark.parametrize("wrong", ["--no\x1b[31m", "\x1b]0;x\x07", "\u202e"])
def test_wrong_usage_is_shown_and_never_obeyed(command: list[str], wrong: str) -> None:
    ran = CliRunner().invoke(app, [*command, wrong, wrong])
    assert ran.exit_code in (1, 2)
    assert not {"\x1b", "\x07", "\u202e"} & set(ran.stdout + ran.stderr)
