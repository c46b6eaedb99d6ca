"""The rules of every command: no option is dropped silently, errors are messages, and terminals obey no message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

import typer
from typer.core import TyperCommand, TyperGroup

from lindley.apps.error_messages import format_error
from lindley.apps.interrupts import INTERRUPTED, interrupt_on_terminate, interruption_message
from lindley.apps.printing import print_message, print_result
from lindley.errors import ConfigurationError, InputError, LindleyError
from lindley.text import escape_controls

FAILED, WRONG_USAGE = 1, 2


@final
class Command(TyperCommand):
    """A command that refuses a repeated option and ends with an exit code and one message, without a traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click. Refuse an option that takes one value and is given twice, since the first would be dropped."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, count in Counter(order).items():
            if count > 1 and not parameter.multiple and not parameter.is_eager:
                ctx.fail(f"{parameter.opts[0]} takes one value, and is given {count} times")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """See click. Turn an error that was raised on purpose into one message on stderr and an exit code."""
        try:
            with interrupt_on_terminate():
                return super().invoke(ctx)
        except LindleyError as error:
            print_message(f"lindley: {format_error(error, self._options(ctx, error))}")
            raise typer.Exit(WRONG_USAGE if isinstance(error, InputError) else FAILED) from None
        except BrokenPipeError:  # the reader of our output has gone: typer handles it
            raise
        except OSError as error:
            print_message(f"lindley: {error.filename or 'the system'}: {error.strerror or error}")
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            print_message(interruption_message())
            raise typer.Exit(INTERRUPTED) from None

    def _options(self, ctx: Any, error: LindleyError) -> dict[str, str]:
        """Return by argument the options that an error may name.

        Keys of a study file count only where an option overrides them.
        """
        options = [each for each in self.params if each.param_type_name == "option" and each.name is not None]
        if isinstance(error, ConfigurationError):
            options = [each for each in options if ctx.get_parameter_source(each.name).name == "COMMANDLINE"]
        return {str(each.name): max(each.opts, key=len) for each in options}


@final
class Commands(TyperGroup):
    """The group of all commands; its messages about wrong usage escape what a terminal would obey."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click. Without arguments, print the help and exit."""
        if not args:
            print_result(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """See click. List the commands under the headings of their panels, the panel of the first command first."""
        panels: dict[str, list[tuple[str, Any]]] = {}
        for name, command in self.commands.items():
            panels.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name, command))
        width = formatter.width - 6 - max(map(len, self.commands))
        for heading, commands in panels.items():
            with formatter.section(heading):
                formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in commands])

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """See click."""
        with _escape_messages():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """See click."""
        with _escape_messages():
            return super().invoke(ctx)


@contextmanager
def _escape_messages() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = escape_controls(message)  # type: ignore[attr-defined]
        raise
