"""What somebody may have meant by a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, allowed: Iterable[str]) -> str:
    """' Did you mean "x"?' where something is near, else nothing."""
    matches = get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f' Did you mean "{matches[0]}"?' if matches else ""
