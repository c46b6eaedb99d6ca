"""What somebody may have meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, allowed: Iterable[str]) -> str:
    """' Did you mean "x"?' where something is near, whatever the case of its letters, else nothing."""
    by_lower = {each.lower(): each for each in allowed}
    matches = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[matches[0]]}"?' if matches else ""
