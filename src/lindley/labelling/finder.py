"""The tools beside the queue: a grid of items that look alike, search, similar items, items that a
person picks, and disputes.

What they offer is of the training stream. An item that measures the model is found by a random order alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from lindley.errors import InputError
from lindley.labelling import reads
from lindley.labelling.claims import find_free
from lindley.labelling.disputes import find_disputes
from lindley.labelling.item_search import FoundItem, describe_items, search_items
from lindley.labelling.project import Project
from lindley.labelling.records import Lease
from lindley.labelling.served_items import ServedItem, content_url, item_excerpt, item_text, reveal_event, serve_items
from lindley.labelling.similar_items import SimilarItems

_BLOCK = 500
"""The number of ranked items that are looked at in one transaction."""


class Finder:
    """Finds items for people beside the queue; for threads.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project, self._store = project, project.store
        self._similar = SimilarItems(project)

    def open_grid(self, person: str, class_id: int, count: int) -> list[tuple[ServedItem, float]]:
        """Lease items that the model takes for one class, the most probable first, each with its probability.

        The person sees what the model says: that is recorded for each item. What they held in a grid before is given
        back.

        Args:
            person: The name of the person.
            class_id: The class.
            count: The largest number of items.

        Raises:
            InputError: If the class is not offered.
        """
        if class_id not in {each.id for each in self._project.classes()}:
            raise InputError(argument="class_id", expected="the id of a class that is offered", got=class_id)
        self._store.release_grid(person)
        epoch, probs = self._project.current_epoch(), self._project.probs()
        if epoch is None or probs is None or class_id not in epoch.class_ids:
            return []
        column = epoch.class_ids.index(class_id)
        rows = np.flatnonzero(probs.argmax(1) == column)
        ranked = rows[np.argsort(-probs[rows, column], kind="stable")]
        leases = self._store.claim_picked(person, self._find_free(person, ranked, count), picked_by="grid")
        seen = {each.item: float(probs[each.item, column]) for each in leases}
        reveals = [
            reveal_event(item, class_id, probability, epoch.model_version, view="grid")
            for item, probability in seen.items()
        ]
        self._store.append(person, reveals)
        return [(each, seen[each.item]) for each in self._serve(leases)]

    def search(self, person: str, text: str, limit: int) -> list[dict[str, Any]]:
        """Return the items in which each word stands, as JSON values; see `search_items`.

        Args:
            person: The name of the person who looks.
            text: The words, in any case.
            limit: The largest number of items.
        """
        return [self._describe(each) for each in search_items(self._store.read, person, text, limit)]

    def find_similar(self, person: str, item: int, limit: int) -> list[dict[str, Any]]:
        """Return the items that are most similar to one, with the cosine of their features.

        Args:
            person: The name of the person.
            item: The item, of the training stream.
            limit: The largest number of items.

        Raises:
            InputError: If the item is not of the training stream, or has no features yet.
        """
        if next(self._store.items([item])).stream != "train":
            raise InputError(
                f"The item {item} measures the model: items that are chosen by it would make the model look better "
                "than it is. Take another one."
            )
        order, cosines = self._similar.rank(item)
        found: list[dict[str, Any]] = []
        for start in range(0, len(order), _BLOCK):
            block = order[start : start + _BLOCK].tolist()
            visible = self._store.read(lambda connection: describe_items(connection, person, block))  # noqa: B023
            near = dict(zip(block, cosines[start : start + _BLOCK].tolist(), strict=True))
            found += [{**self._describe(each), "similarity": near[each.item]} for each in visible]
            if len(found) >= limit:
                break
        return found[:limit]

    def claim(self, person: str, items: Sequence[int], how: Literal["search", "similar"]) -> list[ServedItem]:
        """Lease items that a person picked, and return those that they hold then.

        Args:
            person: The name of the person.
            items: The items.
            how: How the person found them.
        """
        return self._serve(self._store.claim_picked(person, items, picked_by=how))

    def disputes(self, person: str, limit: int) -> list[dict[str, Any]]:
        """Return the items on which people disagree, as JSON values; see `find_disputes`."""
        kind = self._project.settings.kind
        return [
            {
                "item": each.item,
                "place": each.place,
                "content": item_text(kind, each.content),
                "url": content_url(each.item),
                "answers": [vars(vote) for vote in each.votes],
            }
            for each in find_disputes(self._store.read, person, limit)
        ]

    def _find_free(self, person: str, ranked: np.ndarray, count: int) -> list[int]:
        """Return the first training items of a ranking that a person may be served."""
        found: list[int] = []
        for start in range(0, len(ranked), _BLOCK):
            block = ranked[start : start + _BLOCK].tolist()
            free = self._store.read(lambda connection: find_free(connection, person, block))  # noqa: B023
            found += [each for each in block if each in free]
            if len(found) >= count:
                break
        return found[:count]

    def _serve(self, leases: Sequence[Lease]) -> list[ServedItem]:
        rows = self._store.read(lambda connection: reads.read_served(connection, [each.item for each in leases]))
        return [*serve_items(self._project.settings.kind, leases, rows)]

    def _describe(self, found: FoundItem) -> dict[str, Any]:
        return {
            "item": found.item,
            "place": found.place,
            "content": item_excerpt(self._project.settings, found.content),
            "url": content_url(found.item),
            "open": found.open,
            "answers": [vars(each) for each in found.answers],
        }
