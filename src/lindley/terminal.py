"""Text that a stranger wrote, made safe to show: what a terminal would obey is written out instead."""

from __future__ import annotations

import re

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline, among them escape and carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction in which text runs
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separators, and halves of characters
)


def visible(text: str) -> str:
    r"""Return the text with every character that a terminal obeys written out; tabs and newlines stay.

    >>> visible("\x1b[31mred\r"), visible("ä\tb\n"), visible("\u202egpj.exe")
    ('\\x1b[31mred\\x0d', 'ä\tb\n', '\\u202egpj.exe')
    """
    return _OBEYED.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
