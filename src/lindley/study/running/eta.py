"""Estimates of how long a round takes, from the rounds like it. Nothing here imports torch."""

from __future__ import annotations


class RoundTimes:
    """Mean seconds of rounds: of an experiment and acquisition, of an experiment, and of the study."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[float, int]] = {}

    def record(self, experiment: str, acquisition: str, seconds: float, rounds: int = 1) -> None:
        """Record rounds that were run.

        Args:
            experiment: The name of their experiment.
            acquisition: The name of their acquisition.
            seconds: How long they took together.
            rounds: How many they are.
        """
        for like in ((), (experiment,), (experiment, acquisition)):
            before, count = self._seen.get(like, (0.0, 0))
            self._seen[like] = before + seconds, count + rounds

    def seconds_per_round(self, experiment: str, acquisition: str) -> float | None:
        """Return the mean of an acquisition in its experiment, else of the experiment or the study; None before any."""
        for like in ((experiment, acquisition), (experiment,), ()):
            seconds, count = self._seen.get(like, (0.0, 0))
            if count:
                return seconds / count
        return None
