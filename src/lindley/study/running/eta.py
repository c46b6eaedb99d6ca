"""How long a round takes: as the rounds like it took. No torch here."""

from __future__ import annotations


class RoundTimes:
    """Seconds and number of the rounds seen: of an experiment and acquisition, of an experiment, of the study."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def record(self, experiment: str, acquisition: str, seconds: float, rounds: int = 1) -> None:
        """So many rounds took so many seconds together."""
        for like in ((), (experiment,), (experiment, acquisition)):
            before, count = self._seen.get(like, (0.0, 0))
            self._seen[like] = before + seconds, count + rounds

    def seconds_per_round(self, experiment: str, acquisition: str) -> float | None:
        """The mean of its experiment and acquisition, else of its experiment, else of the study; None before any."""
        for like in ((experiment, acquisition), (experiment,), ()):
            seconds, count = self._seen.get(like, (0.0, 0))
            if count:
                return seconds / count
        return None
