"""Cells that a spreadsheet program would take for formulas, quoted with an apostrophe and unquoted again."""

from __future__ import annotations

import re

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_QUOTED = re.compile("'" + _FORMULA.pattern)


def quote_cell(text: str) -> str:
    """Return the text with an apostrophe before it where a spreadsheet program would run it as a formula.

    Text that already begins like a quoted cell gets one more apostrophe, so that `unquote_cell` always gives the text
    again. Numbers are no text: do not quote them.

    >>> quote_cell("=1+1"), quote_cell("image 3.png"), quote_cell("'=1+1")
    ("'=1+1", 'image 3.png', "''=1+1")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unquote_cell(cell: str) -> str:
    """Return the text from which `quote_cell` made this cell.

    >>> unquote_cell("'=1+1"), unquote_cell("image 3.png"), unquote_cell("''=1+1")
    ('=1+1', 'image 3.png', "'=1+1")
    """
    return cell[1:] if _QUOTED.match(cell) else cell
