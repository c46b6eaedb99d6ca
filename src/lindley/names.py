"""Suggestions for unknown names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggest_name(word: str, allowed: Iterable[str]) -> str:
    """Return the question ' Did you mean "x"?' about the nearest allowed name, "" if none is near; case is ignored."""
    nearest = _find_nearest(word, allowed)
    return f' Did you mean "{nearest}"?' if nearest else ""


def suggest_in_brackets(word: str, allowed: Iterable[str]) -> str:
    """Return ' (did you mean "x"?)', for the middle of a sentence; see `suggest_name`."""
    nearest = _find_nearest(word, allowed)
    return f' (did you mean "{nearest}"?)' if nearest else ""


def _find_nearest(word: str, allowed: Iterable[str]) -> str:
    by_lower = {each.lower(): each for each in allowed}
    matches = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.5)
    return by_lower[matches[0]] if matches else ""
