"""Quoted cells are text to every spreadsheet program, and give the text again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lindley.spreadsheet import quote_cell, unquote_cell

STARTS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.text() | st.text(alphabet="'=+-@\t\r\nab", max_size=6)


@given(TEXTS)
def test_a_quoted_cell_never_begins_like_a_formula_and_gives_the_text_again(text):
    cell = quote_cell(text)
    assert cell[:1] not in STARTS or cell == ""
    assert unquote_cell(cell) == text
    assert cell in (text, f"'{text}")


@pytest.mark.parametrize("start", STARTS)
def test_every_start_of_a_formula_is_quoted(start):
    assert quote_cell(f"{start}1+1") == f"'{start}1+1"


@pytest.mark.parametrize("text", ["", "a", "1.5", "image 3.png", "it's", "'quoted'", " =1"])
def test_plain_text_stays_as_it_is(text):
    assert quote_cell(text) == unquote_cell(text) == text
