"""Text that others wrote, made safe to show on a terminal or a page, and cut where it is long."""

from __future__ import annotations

import re
import reprlib
import unicodedata

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline, among them escape and carriage return
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction in which text runs
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separators, and halves of characters
)
_NOT_IN_A_LINE = ("Cc", "Cs", "Zl", "Zp")
"""The categories of Unicode of controls, halves of characters, and ends of lines and paragraphs."""
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 30


def escape_controls(text: str) -> str:
    r"""Return the text with control characters escaped; tabs and newlines stay.

    >>> escape_controls("\x1b[31mred\r"), escape_controls("ä\tb\n"), escape_controls("\u202egpj.exe")
    ('\\x1b[31mred\\x0d', 'ä\tb\n', '\\u202egpj.exe')
    """
    return _CONTROLS.sub(_escape, text)


def escape_line(text: str) -> str:
    """Return the text as `escape_controls` does, in one line: tabs and newlines become spaces.

    >>> escape_line("two\\nlines")
    'two lines'
    """
    return escape_controls(re.sub(r"[\t\n\r]+", " ", text))


def is_line(text: str) -> bool:
    """Return whether a text is one line without control characters, as a name must be.

    >>> is_line("Zoë"), is_line("a\\nb"), is_line("a\\0b")
    (True, False, False)
    """
    return all(unicodedata.category(each) not in _NOT_IN_A_LINE for each in text)


def short_repr(value: object) -> str:
    """Return the value as Python writes it, cut where it is long or nested deep.

    >>> short_repr([1, "a"]), len(short_repr("x" * 10_000)) < 300
    ("[1, 'a']", True)
    """
    try:
        return _SHORT.repr(value)
    except ValueError:  # a number of more digits than Python writes
        return "a number of too many digits"


def count_noun(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun.

    Args:
        count: The number.
        one: The noun of one.
        many: The noun of several; "": with an s.

    >>> count_noun(1, "copy", "copies"), count_noun(2000, "label")
    ('1 copy', '2,000 labels')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
