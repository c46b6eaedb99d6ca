"""Draws that are members of a finite collection, each with the same weight."""

from __future__ import annotations

from lindley.errors import InputError
from lindley.seeds import numpy_generator


def choose_members(members: int, num_draws: int, *, seed: int, collection: str) -> list[int]:
    """Choose members without replacement, in order.

    Args:
        members: The number of members.
        num_draws: The number to choose; all members where it is their number.
        seed: The seed of the choice.
        collection: What the members make up, for messages.

    Returns:
        The numbers of the chosen members, from 0.

    Raises:
        InputError: If there are fewer members than draws.
    """
    if not 1 <= num_draws <= members:
        raise InputError(
            argument="num_draws", expected=f"between 1 and {members}, the members of {collection}", got=num_draws
        )
    return sorted(numpy_generator(seed, "members").permutation(members)[:num_draws].tolist())
