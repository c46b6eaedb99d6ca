"""Draws that are members of a finite collection, each of which weighs the same."""

from __future__ import annotations

from lindley.errors import InputError
from lindley.seeds import numpy_generator


def choose_members(members: int, num_draws: int, *, seed: int, collection: str) -> list[int]:
    """Choose members without replacement, in order; all of them where num_draws is their number."""
    if not 1 <= num_draws <= members:
        raise InputError(f"{collection} of {members} has 1 to {members} draws; {num_draws} were asked for")
    return sorted(numpy_generator(seed, "members").permutation(members)[:num_draws].tolist())
