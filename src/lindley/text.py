"""Text that others wrote, made fit to be shown: what would act on a terminal or a page, or run on without end."""

from __future__ import annotations

import re
import reprlib

_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, what turns the direction of writing, and halves of surrogate pairs."""
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 200
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = 30


def visible(text: str) -> str:
    """Return the text with U+FFFD in the place of each character that acts instead of showing.

    >>> visible("red \\x1b[31m"), visible("two\\nlines")
    ('red \ufffd[31m', 'two\\nlines')
    """
    return _ACTING.sub("\N{REPLACEMENT CHARACTER}", text)


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
