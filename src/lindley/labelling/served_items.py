"""An item as a person sees it, without the model's prediction, and the record that they saw that too."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from lindley.labelling.records import Kind, Lease, ProjectEvent, View
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sql import Row

_EXCERPT = 1000
"""The number of characters that a list of items shows of each."""
_EXCERPT_VALUES, _EXCERPT_VALUE = 20, 100
"""The number of values that it shows of a larger row, and of their characters."""


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
            item_text(kind, rows[lease.item].content),
            rows[lease.item].place,
            content_url(lease.item),
            lease.epoch,
        )
        for lease in leases
    )


def item_text(kind: Kind, content: str) -> str:
    """Return the text of an item; "" for an image, which has a file."""
    return "" if kind == "images" else content


def item_excerpt(settings: ProjectSettings, content: str) -> str:
    """Return what a list of items shows of one: the first characters of its text, or the first values of its row."""
    if settings.kind != "rows" or len(content) <= _EXCERPT:
        return item_text(settings.kind, content)[:_EXCERPT]
    values = json.loads(content)
    first = settings.columns[:_EXCERPT_VALUES]
    return json.dumps({name: _shorten(values[name]) for name in first}, ensure_ascii=False)


def _shorten(value: object) -> object:
    return value[:_EXCERPT_VALUE] if isinstance(value, str) else value


def content_url(item: int) -> str:
    """Return the address of the content of an item."""
    return f"/api/items/{item}/content"


def reveal_event(item: int, class_id: int, probability: float, version: str, *, view: View = "single") -> ProjectEvent:
    """Return the record that a person saw what the model says of an item.

    Args:
        item: The item.
        class_id: The class that the model predicts.
        probability: Its probability.
        version: The version of the model.
        view: How the item was shown.
    """
    return ProjectEvent(
        uuid4().hex,
        "reveal",
        item=item,
        predicted=class_id,
        predicted_prob=probability,
        prediction_shown=True,
        model_version=version,
        payload={} if view == "single" else {"view": view},
    )
