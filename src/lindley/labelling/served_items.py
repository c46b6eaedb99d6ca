"""An item as a person sees it, without the model's prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lindley.labelling.records import Kind, Lease
from lindley.labelling.sql import Row


@dataclass(frozen=True)
class ServedItem:
    """An item that a person holds."""

    item: int
    lease: str
    kind: str
    content: str
    place: str
    url: str
    epoch: int | None


def serve_items(kind: Kind, leases: Sequence[Lease], rows: Mapping[int, Row]) -> tuple[ServedItem, ...]:
    """Return what a person sees of what they hold.

    Args:
        kind: The kind of the items.
        leases: The leases.
        rows: By item its `content` and its `place`.
    """
    return tuple(
        ServedItem(
            lease.item,
            lease.token,
            kind,
            shown_content(kind, rows[lease.item].content),
            rows[lease.item].place,
            content_url(lease.item),
            lease.epoch,
        )
        for lease in leases
    )


def shown_content(kind: Kind, content: str) -> str:
    """Return the text of an item; "" for an image, which has a file."""
    return "" if kind == "images" else content


def content_url(item: int) -> str:
    """Return the address of the content of an item."""
    return f"/api/items/{item}/content"
