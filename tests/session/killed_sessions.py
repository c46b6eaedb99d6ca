"""A script: sessions in one folder after the other, each killed by SIGKILL again and again until it comes to its end.

    python killed_sessions.py FOLDER KILLS

The moments are spread evenly over what a session takes. Writes, as JSON, how many answers that `tell` had returned of
were lost, and how many sessions ended otherwise than one that was never killed. It forks from a process that has
imported everything and started no thread, so that a killed session costs what it does, not what imports cost.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch

from conftest import NoisyMeansLearner
from lindley import Classification, Session
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.session.events import Answer
from lindley.session.journal_file import read_events
from lindley.session.state import SessionState, fold_events

UNTIL = 22


def run(folder: Path, acknowledged: int) -> None:
    """The session from where it stands to its end; rows go to a pipe once `tell` has returned."""
    pool = MemoryPool(torch.randn(60, 4, generator=torch_generator(1)))
    task = Classification(("a", "b", "c"))
    settings = {"task": task, "num_draws": 6, "batch_size": 4, "initial_labels": 6, "seed": 3}
    with Session(pool, NoisyMeansLearner(), "bald", store=folder, **settings) as session:
        if 59 in session.state.answers:  # a slip, undone, wherever the blow fell between the two
            session.withdraw([59])
        elif not session.state.answers:
            session.tell([Answer(59, 0, annotator="ann")])
            session.withdraw([59])
        while session.state.num_labels < UNTIL:
            for row in session.state.pending or session.step().selection.rows.tolist():
                session.tell({row: row % 3}, annotator="ann")
                os.write(acknowledged, f"{row}\n".encode())


def run_and_kill(folder: Path, seconds: float | None) -> tuple[bool, set[int], float]:
    """Whether it was killed, which rows were acknowledged, and how long it ran."""
    reading, writing = os.pipe()
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            run(folder, writing)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        rows = {int(line) for line in pipe}
    _, status = os.waitpid(child, 0)
    taken = time.perf_counter() - began
    if os.WIFSIGNALED(status):
        return True, rows, taken
    if os.WEXITSTATUS(status):
        raise SystemExit(f"the session in {folder} failed")
    return False, rows, taken


def ended(state: SessionState) -> object:
    """What must be equal: labels in their order, what was queried, and what each fit was fitted on."""
    rounds = [(each.query, each.fingerprint, each.labels) for each in state.rounds]
    return [(row, answer.value) for row, answer in state.answers.items()], rounds


def main() -> None:
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    _, _, whole = run_and_kill(folder / "whole", None)
    reference = ended(fold_events(read_events(folder / "whole")))
    moments = torch.rand(10 * wanted, generator=torch_generator(0), dtype=torch.float64).tolist()
    kills = sessions = lost = different = 0
    acknowledged: set[int] = set()
    while kills < wanted:
        place = folder / str(sessions)
        killed, rows, _ = run_and_kill(place, whole * moments[kills + sessions])
        acknowledged |= rows
        state = fold_events(read_events(place))
        lost += len(acknowledged - set(state.answers))
        kills += killed
        if not killed:
            different += ended(state) != reference
            sessions, acknowledged = sessions + 1, set()
    print(json.dumps({"kills": kills, "sessions": sessions, "lost": lost, "different": different}))


if __name__ == "__main__":
    main()
