"""Suggestions for names that are not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggest_name(word: str, allowed: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' with the nearest allowed name, whatever its case; "" where none is near."""
    by_lower = {each.lower(): each for each in allowed}
    matches = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[matches[0]]}"?' if matches else ""
