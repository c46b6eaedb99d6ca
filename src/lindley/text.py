"""Text that others wrote, made safe to show on a terminal or a page, and cut where it is long."""

from __future__ import annotations

import re
import reprlib

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline, among them escape and carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction in which text runs
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separators, and halves of characters
)
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 200
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 30


def visible(text: str) -> str:
    r"""Return the text with control characters escaped; tabs and newlines stay.

    >>> visible("\x1b[31mred\r"), visible("ä\tb\n"), visible("\u202egpj.exe")
    ('\\x1b[31mred\\x0d', 'ä\tb\n', '\\u202egpj.exe')
    """
    return _OBEYED.sub(_escape, text)


def visible_line(text: str) -> str:
    """Return the text as `visible` does, in one line: tabs and newlines become spaces.

    >>> visible_line("two\\nlines")
    'two lines'
    """
    return visible(re.sub(r"[\t\n\r]+", " ", text))


def brief(value: object) -> str:
    """Return the value as Python writes it, cut where it is long or nested deep.

    >>> brief([1, "a"]), len(brief("x" * 10_000)) < 300
    ("[1, 'a']", True)
    """
    try:
        return _BRIEF.repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number of too many digits"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
