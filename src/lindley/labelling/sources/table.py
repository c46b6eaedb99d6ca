"""A table whose records are read one after the other, whatever its form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import InputError
from lindley.labelling.records import Unreadable
from lindley.names import suggest_name

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Line:
    """One record of a table: where it is, and its values by the name of their column."""

    place: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class Table:
    """A table that can be read again and again.

    Args:
        path: The file.
        columns: The names of its columns.
        read: Returns its records, with the values of these columns at least.
        is_typed: Whether its values have types; the cells of a CSV file are text.
    """

    path: Path
    columns: tuple[str, ...]
    read: Callable[[Sequence[str]], Iterator[Line | Unreadable]]
    is_typed: bool = True

    def check_columns(self, names: Sequence[str], argument: str) -> None:
        """Raise InputError for a column that the table does not have once.

        Args:
            names: The columns that are wanted.
            argument: What they are for.
        """
        for name in names:
            if name not in self.columns:
                raise InputError(
                    *suggest_name(name, self.columns).split(maxsplit=0),
                    argument=argument,
                    expected=f"a column of {self.path} ({', '.join(map(repr, self.columns))})",
                    got=name,
                )
            if self.columns.count(name) > 1:
                raise InputError(
                    f"{self.path} has {self.columns.count(name)} columns {name!r}. Give each a name of its own.",
                    argument=argument,
                    got=name,
                )


def text_fault(text: str) -> str:
    r"""Return why a text cannot be kept as UTF-8 text, "" where it can.

    Bytes that are not UTF-8 stand in the text as halves of characters, as Python's "surrogateescape" leaves them.

    >>> text_fault("naïve"), text_fault("na\udcefve")
    ('', 'it is not UTF-8 (byte 0xef); save the file as UTF-8')
    """
    if "\0" in text:
        return "it holds a NUL character, which no text has"
    if text.isascii() or not (found := _SURROGATE.search(text)):
        return ""
    code = ord(found[0])
    what = f"byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"half a character, \\u{code:04x}"
    return f"it is not UTF-8 ({what}); save the file as UTF-8"
