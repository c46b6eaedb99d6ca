"""Pushes the order of the items to Label Studio after each round (a thread); nobody who labels waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from lindley.errors import LindleyError
from lindley.labelling.export.label_studio import make_prediction
from lindley.labelling.label_studio.client import LabelStudioClient
from lindley.labelling.label_studio.connection import Connection, ConnectionFile
from lindley.labelling.label_studio.ranking import Ranking, rank_items, read_version
from lindley.labelling.project import Project

MAX_PAUSE = 60.0
"""The longest time, in seconds, between two tries after failures; it begins at 1 and doubles."""
_TICK = 1.0
_log = logging.getLogger(__name__)


class Synchroniser:
    """Keeps the predictions of a project in Label Studio up to date.

    Args:
        project: The project.
        connection: What is known of its Label Studio.
        url: The address of Label Studio.
        find_item: Returns the item of a task; None where it is of none.
    """

    def __init__(
        self, project: Project, connection: ConnectionFile, url: str, find_item: Callable[[object], int | None]
    ) -> None:
        self._project, self._connection, self._url, self._find_item = project, connection, url, find_item
        self._tasks: dict[int, int] = {}
        self._tasks_of: int | None = None
        self._ranking: Ranking | None = None
        self._wake, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="lindley-label-studio", daemon=True)

    def start(self) -> None:
        """Begin to push."""
        self._thread.start()

    def ranking(self) -> Ranking:
        """Return the order as it was pushed last, or would be now."""
        version = self._project.store.read(read_version)
        if self._ranking is None or self._ranking.version != version:
            self._ranking = rank_items(self._project)
        return self._ranking

    def predict(self, item: int | None) -> dict[str, Any]:
        """Return what Label Studio shows of an item: the prediction with its rank, or nothing of a blind one."""
        ranking = self.ranking()
        score = 1.0 if item is None else ranking.score(item)
        is_blind = item is None or self._project.store.streams()[item] != "train"
        predicted = None if item is None or is_blind else self._project.prediction(item)
        if predicted is None:
            return {"model_version": ranking.version, "score": score, "result": []}
        names = {each.id: each.name for each in self._project.store.classes()}
        return make_prediction(self._project.settings.kind, names[predicted[0]], score, ranking.version)

    def wake(self, *, again: bool = False) -> None:
        """Look at once whether there is something to push.

        Args:
            again: Whether the order is to be pushed although it was, as new tasks are there.
        """
        if again:
            self._connection.set_version("")
        self._wake.set()

    def push_if_due(self) -> bool:
        """Push the order of the newest round where Label Studio does not have it; return whether it was pushed."""
        connection = self._connection.value
        if connection.project is None or self._project.store.epoch() == 0:
            return False
        ranking = self.ranking()
        if connection.version == ranking.version:
            return False
        client = LabelStudioClient(self._url, connection.token, connection.project)
        try:
            self._push(client, connection, ranking)
        finally:
            client.close()
        return True

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _push(self, client: LabelStudioClient, connection: Connection, ranking: Ranking) -> None:
        tasks = self._find_tasks(client, connection, ranking)
        found = [{**self.predict(each.item), "task": tasks[each.item]} for each in ranking.items if each.item in tasks]
        if found:
            client.delete_version(ranking.version)  # what was pushed before a crash
            client.push(found, ranking.version)
        self._connection.set_version(ranking.version)
        if connection.version and found:
            client.delete_version(connection.version)

    def _find_tasks(self, client: LabelStudioClient, connection: Connection, ranking: Ranking) -> dict[int, int]:
        """Return by item the number of its task; they are read again where some are missing."""
        known = self._tasks if self._tasks_of == connection.project else {}
        if any(each.item not in known for each in ranking.items):
            pairs = ((self._find_item(task), task.get("id")) for task in client.read_tasks())
            known = {item: number for item, number in pairs if item is not None and isinstance(number, int)}
            self._tasks, self._tasks_of = known, connection.project
        return known

    def _run(self) -> None:
        failures = 0
        while not self._closed:
            try:
                self.push_if_due()
                failures = 0
            except LindleyError as error:  # labelling goes on, and so does the page
                failures += 1
                _log.warning("%s The order was not pushed; it is tried again.", error)
            self._wake.wait(_TICK if not failures else min(MAX_PAUSE, 2.0 ** (failures - 1)))
            self._wake.clear()
