"""How long a round takes: as the rounds like it took. No torch here."""

from __future__ import annotations


class Paces:
    """Seconds and number of the rounds seen: of a panel and acquisition, of a panel, of the study."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def record(self, panel: str, acquisition: str, seconds: float, rounds: int = 1) -> None:
        """So many rounds took so many seconds together."""
        for like in ((), (panel,), (panel, acquisition)):
            before, count = self._seen.get(like, (0.0, 0))
            self._seen[like] = before + seconds, count + rounds

    def seconds_a_round(self, panel: str, acquisition: str) -> float | None:
        """The mean of those of its panel and acquisition, else of its panel, else of the study; None before any."""
        for like in ((panel, acquisition), (panel,), ()):
            seconds, count = self._seen.get(like, (0.0, 0))
            if count:
                return seconds / count
        return None
