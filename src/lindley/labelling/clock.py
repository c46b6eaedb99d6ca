"""The clock of a store, for leases: seconds in which somebody had the store open. No clock on a wall is read."""

from __future__ import annotations

from collections.abc import Callable

from lindley.labelling.sql import sa
from lindley.labelling.tables import write_meta

_SAVE_SECONDS = 1.0


class StoreClock:
    """Seconds that go on where they stopped when the store was last open, and never back.

    A clock on a wall may jump by a day: leases would all be over, or last for a day. A monotonic clock does not jump,
    but begins anew with the machine: so the store keeps the time, and only what passes in between is measured. The
    clocks of several processes follow the one that is ahead; none of them runs faster than time does.

    Args:
        monotonic: Seconds since any moment.
        saved: The time at which the store was last open.
    """

    def __init__(self, monotonic: Callable[[], float], saved: float) -> None:
        self._monotonic = monotonic
        self._reading = monotonic()
        self._now = saved

    def read(self, connection: sa.Connection, saved: float) -> float:
        """Return the time within a transaction that may write, and save it where it is later than what is saved."""
        reading = self._monotonic()
        passed = max(0.0, reading - self._reading)
        self._reading, self._now = reading, max(self._now + passed, saved)
        if self._now - saved >= _SAVE_SECONDS:
            self.save(connection)
        return self._now

    def save(self, connection: sa.Connection) -> None:
        """Save the time that was read last."""
        write_meta(connection, "clock", self._now)
