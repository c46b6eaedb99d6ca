"""Near-duplicates: items that belong into one stream, so that nothing is tested on a copy of what was trained on.

A wrong link costs little, since it only keeps two items in one stream; a huge group would spoil the streams. So what
is linked into more than `max_group` items falls apart: into groups of items that are equal in normal form, and where
those are still too large, into single items.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lindley.labelling.near_texts import normal_form, text_pairs
from lindley.labelling.near_vectors import find_near_pairs, relative_points, thumbnail_points
from lindley.labelling.records import Kind

LEAST_MAX_GROUP, MAX_SHARE = 10, 100
"""A group has at most a hundredth of all items, or ten."""
_DIGITS = 6
_IMAGE_RADIUS = 0.063
"""Thumbnails that correlate to 0.998: a JPEG of quality 70, another size, a little more light (measured)."""
_VECTOR_RADIUS = 1e-3
"""The relative distance of vectors: what half precision changes is a third of it."""


@dataclass(frozen=True)
class Links:
    """What is alike among N items.

    Args:
        keys: Equal for items that are equal in normal form, [N].
        pairs: Items that are near-duplicates, [E, 2].
    """

    keys: np.ndarray
    pairs: np.ndarray


def find_links(kind: Kind, values: Iterable[Any]) -> Links:
    """Return the near-duplicates among items; the order of items plays no part.

    Texts: equal but for case, punctuation and white space; or, of at least 20 words, 85 % of all sequences of three
    words in common. Images: thumbnails that correlate. Rows: equal numbers to six digits, and texts as above. Vectors:
    a relative distance of 0.001.

    Args:
        kind: What the items are.
        values: For each item its text, the JSON of its row, its vector, or the thumbnail of its image in hexadecimal
            digits; vectors as an array [N, D], which may be mapped from a file.
    """
    values = values if isinstance(values, np.ndarray) else list(values)
    if not len(values):
        return Links(np.empty(0, np.int64), np.empty((0, 2), np.int64))
    if kind == "text":
        return Links(*text_pairs(values))
    if kind == "rows":
        return Links(_keys(_row_form(each) for each in values), np.empty((0, 2), np.int64))
    if kind == "images":
        thumbnails = [bytes.fromhex(each) for each in values]
        return _link_near(_keys(thumbnails), thumbnail_points(thumbnails), _IMAGE_RADIUS)
    vectors = np.asarray(values)
    return _link_near(_keys(each.tobytes() for each in vectors), relative_points(vectors), _VECTOR_RADIUS)


def group_items(links: Links, known_groups: Sequence[int] = (), *, max_group: int | None = None) -> list[int]:
    """Return the group of each item: the smallest id among its items when it was made.

    Items that have a group keep it, also where a new item links two of them: the new one then joins the older group,
    and each keeps its stream. All else depends on the set of items only, and not on their order.

    Args:
        links: What is alike.
        known_groups: The groups of the first items, which stay.
        max_group: The largest number of items that are linked; None: a hundredth of all, at least 10.
    """
    count = len(links.keys)
    limit = max(LEAST_MAX_GROUP, count // MAX_SHARE) if max_group is None else max_group
    joined = _split_large(_components(links), links.keys, limit)
    groups = list(known_groups)
    by_component: dict[int, int] = {}
    for component, group in zip(joined.tolist(), known_groups, strict=False):
        by_component[component] = min(group, by_component.get(component, group))
    for item in range(len(groups), count):
        groups.append(by_component.setdefault(int(joined[item]), item))
    return groups


def _components(links: Links) -> np.ndarray:
    """Return by item the number of its component.  [N]"""
    count = len(links.keys)
    _, first, inverse = np.unique(links.keys, return_index=True, return_inverse=True)
    edges = np.concatenate([np.stack([np.arange(count), first[inverse]], 1), links.pairs])
    graph = coo_matrix((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(count, count))
    found: np.ndarray = connected_components(graph, directed=False)[1].astype(np.int64)
    return found


def _split_large(components: np.ndarray, keys: np.ndarray, limit: int) -> np.ndarray:
    """Return components of at most `limit` items each: the large ones by key, and where that is large, by item."""
    count = len(keys)
    if not count:
        return components
    equal = np.unique(keys, return_inverse=True)[1]
    by_key = np.where(np.bincount(components)[components] > limit, count + equal, components)
    return np.where(np.bincount(by_key)[by_key] > limit, 2 * count + np.arange(count), by_key)


def _link_near(keys: np.ndarray, points: Any, radius: float) -> Links:
    """Return pairs of near points, one of each key: copies are linked by their key."""
    _, first = np.unique(keys, return_index=True)
    return Links(keys, find_near_pairs(points, first, radius))


def _row_form(content: str) -> str:
    row = json.loads(content)
    return json.dumps([[name, _round_value(value)] for name, value in sorted(row.items())])


def _round_value(value: object) -> object:
    if isinstance(value, str):
        return " ".join(normal_form(value)) or value
    if isinstance(value, bool) or value is None:
        return value
    return f"{value:.{_DIGITS - 1}e}"


def _keys(values: Iterable[str | bytes]) -> np.ndarray:
    """Return a 64-bit hash of each value.  [N]"""
    digests = [
        hashlib.blake2b(each.encode() if isinstance(each, str) else each, digest_size=8).digest() for each in values
    ]
    return np.frombuffer(b"".join(digests), np.int64)
