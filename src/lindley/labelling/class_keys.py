"""The keys that choose classes on the page: which may be used, and which a class gets by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

KEYS = "1234567890abcdefghijklmnopqrtvwxyz"
"""The keys that classes get in their order, where their names are none."""
RESERVED = "su?/"
"""The keys of the page itself: skip, undo, help and search. Letters also with Shift, as Caps Lock gives them."""
ALLOWED = (
    "one letter, digit or mark that a key types, and none of the page's own: s (skip), u (undo), ? and /; "
    f"free by default are {KEYS}"
)


def key_fault(key: object) -> str:
    """Return why a key cannot choose a class, "" where it can.

    >>> key_fault("c"), key_fault("é")
    ('', '')
    >>> key_fault("s").partition(" must be ")[0]
    'a key'
    """
    is_one = isinstance(key, str) and len(key) == 1 and key.isprintable() and not key.isspace()
    return "" if is_one and str(key).lower() not in RESERVED else f"a key must be {ALLOWED}; it is {key!r}"


def assign_keys(names: Sequence[str], taken: Collection[str] = ()) -> list[str | None]:
    """Return a key for each class: its name where that is a key, else the next free one; None where none is left.

    Args:
        names: The names of the classes, in their order.
        taken: The keys of other classes.

    >>> assign_keys(["0", "1", "ten"]), assign_keys(["snake"], taken="1")
    (['0', '1', '2'], ['2'])
    """
    own = dict.fromkeys(name for name in names if not key_fault(name) and name not in taken)
    free: Iterator[str] = (key for key in KEYS if key not in taken and key not in own)
    return [name if name in own else next(free, None) for name in names]
