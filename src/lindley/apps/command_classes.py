"""What holds for every command: no option is dropped without a word, and what was typed is shown, not obeyed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, final

from typer.core import TyperCommand, TyperGroup

from lindley.text import visible


@final
class Command(TyperCommand):
    """A command that refuses an option given twice where it takes one value: the first would be dropped."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, count in Counter(order).items():
            if count > 1 and not parameter.multiple and not parameter.is_eager:
                ctx.fail(f"{parameter.opts[0]} takes one value, and is given {count} times")
        return super().parse_args(ctx, args)


@final
class Commands(TyperGroup):
    """The commands, whose messages about wrong usage show what was typed and never obey it."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        """See click."""
        with _shown():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        """See click."""
        with _shown():
            return super().invoke(ctx)


@contextmanager
def _shown() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(message := getattr(error, "message", None), str):
            error.message = visible(message)  # type: ignore[attr-defined]
        raise
