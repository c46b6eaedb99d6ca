"""Labels and ids that a source already has for its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lindley.labelling.sources.table import text_fault
from lindley.names import suggest_in_brackets
from lindley.text import short_repr


@dataclass(frozen=True)
class KnownColumns:
    """The columns of a table that hold labels and ids, and the names of the classes.

    Args:
        label: The column of the labels, None where there is none.
        id: The column of the ids, None where there is none.
        classes: The names of the classes; () where every label is one.
    """

    label: str | None = None
    id: str | None = None
    classes: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """The columns that must be read."""
        return [each for each in (self.label, self.id) if each is not None]

    def read(self, values: Mapping[str, object]) -> tuple[str | None, dict[str, Any]]:
        """Return the label of a record, None where it has none that is a class, and what else is known of it."""
        meta: dict[str, Any] = {}
        if self.id is not None and (name := _as_text(values.get(self.id))) and not text_fault(name):
            meta["id"] = name
        if self.label is None:
            return None, meta
        label, reason = read_label(_as_text(values.get(self.label)), self.classes)
        return label, meta | ({"label_reason": reason} if reason else {})


def read_label(text: str, classes: Sequence[str]) -> tuple[str | None, str]:
    """Return the class that a text names, and else why it names none: "" where it is empty.

    A text names the class that it equals, or else the one that it equals without blanks around.

    Args:
        text: The text.
        classes: The names of the classes; () where every text is one.
    """
    if fault := text_fault(text):
        return None, f"its label cannot be read: {fault}"
    stripped = text.strip()
    if not stripped:
        return None, ""
    label = text if text in classes else stripped
    if classes and label not in classes:
        return None, f"there is no class {short_repr(stripped)}{suggest_in_brackets(stripped, classes)}"
    return label, ""


def _as_text(value: object) -> str:
    if value is None or value != value:  # NaN stands for what is missing
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
