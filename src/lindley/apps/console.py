"""The console of tables and progress: control characters in names are shown, and never obeyed by a terminal."""

from __future__ import annotations

from typing import Any, final

from rich.console import Console
from rich.text import Text

from lindley.text import escape_controls


@final
class PlainConsole(Console):
    """A rich console that prints strings as they are: without markup, emoji codes or control characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """See rich. Every string that is printed, also in the cell of a table, becomes text here."""
        return super().render_str(escape_controls(text), **{**options, "markup": False, "emoji": False})
