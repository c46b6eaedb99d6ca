"""The order in which Label Studio is to serve items: an audit first, then the queue, with test items in between.

Label Studio keeps no counts of streams, so the order itself says when a test item is due, as a claim does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lindley.labelling.audit_records import read_audits
from lindley.labelling.claims import StreamCounts, count_streams
from lindley.labelling.project import Project
from lindley.labelling.ranked_queue import read_epoch, read_queue
from lindley.labelling.sql import parameter, sa
from lindley.labelling.tables import is_fresh, item

MOST = 500
"""The number of items that are ranked at once: a round comes long before they are labelled."""


@dataclass(frozen=True)
class Ranked:
    """An item in the order, and why it is there."""

    item: int
    chosen_by: str
    chosen_prob: float | None = None


@dataclass(frozen=True)
class Ranking:
    """The items to label next, best first."""

    version: str
    """The version of its predictions, as Label Studio calls it."""
    items: tuple[Ranked, ...]

    def score(self, item: int) -> float:
        """Return the score of an item, from 0 to 1; sampling by uncertainty serves the lowest first."""
        return self._places.get(item, len(self.items)) / max(1, len(self.items))

    def find(self, item: int) -> Ranked | None:
        """Return an item of the order; None where it is not in it."""
        return self.items[self._places[item]] if item in self._places else None

    @cached_property
    def _places(self) -> dict[int, int]:
        return {each.item: place for place, each in enumerate(self.items)}


def rank_items(project: Project, *, most: int = MOST) -> Ranking:
    """Return the order as the newest round gives it, without what has an answer or is held by somebody.

    Args:
        project: The project.
        most: The largest number of items.
    """

    def read(connection: sa.Connection) -> tuple[str, StreamCounts, dict[str, list[Ranked]]]:
        fresh = {
            stream: [Ranked(number, name) for number in connection.scalars(_FRESH, {"which": stream, "most": most})]
            for stream, name in {"audit": "audit", "test": "test", "train": "random"}.items()
        }
        queued = [Ranked(each.item, each.chosen_by, each.prob) for each in read_queue(connection)]
        open_items = {*connection.scalars(_OPEN, {"values": [each.item for each in queued]})}
        queued = [each for each in queued if each.item in open_items]
        known = {each.item for each in queued}
        fresh["train"] = [*queued, *(each for each in fresh["train"] if each.item not in known)]
        return read_version(connection), count_streams(connection), fresh

    version, counts, fresh = project.store.read(read)
    order = [*fresh["audit"], *_interleave(project, counts, deque(fresh["train"]), deque(fresh["test"]))][:most]
    return Ranking(version, tuple(order))


def read_version(connection: sa.Connection) -> str:
    """Return the version of the predictions: another with each round, and with an audit, which is labelled blind."""
    num_audits = len(read_audits(connection))
    return f"lindley-{read_epoch(connection)}" + (f"-audit-{num_audits}" if num_audits else "")


def _interleave(project: Project, counts: StreamCounts, train: deque[Ranked], test: deque[Ranked]) -> Iterator[Ranked]:
    num_train, num_test = counts.train, counts.test
    while train or test:
        wants_test = project.wants_test(StreamCounts(train=num_train, test=num_test))
        is_test = bool(test) and (wants_test or not train)
        yield (test if is_test else train).popleft()
        num_train, num_test = num_train + (not is_test), num_test + is_test


_FRESH = (
    sa.select(item.c.id)
    .where(item.c.stream == parameter("which"), is_fresh(item), item.c.ready)
    .order_by(item.c.order_key)
    .limit(parameter("most"))
)
_OPEN = sa.select(item.c.id).where(item.c.id.in_(parameter("values", many=True)), item.c.open > 0)
