"""`lindley label DIR`, `lindley audit DIR` and `lindley train DIR`."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_message, print_result
from lindley.errors import LindleyError
from lindley.labelling.audit import draw_audit
from lindley.labelling.desk import Desk
from lindley.labelling.project import Project


@dataclass(frozen=True)
class Simulation:
    """A simulated person in the place of people; see `lindley label --help`."""

    truth: Path
    labels: int
    noise: float
    seconds: float
    seed: int
    asynchronous: bool
    key: str
    label: str


def label_project(folder: Path, people: Sequence[str], *, port: int, simulation: Simulation | None = None) -> None:
    """Serve a project until a signal ends it, or until the simulated person has done its labels.

    Args:
        folder: The folder of the project.
        people: The names of the people who may label.
        port: The port; 0: a free one.
        simulation: The simulated person.
    """
    from lindley.apps.web.serving import serve

    person: list[_Person] = []

    def on_ready(links: dict[str, str], stop: threading.Event) -> None:
        if simulation is not None:
            person.append(_Person(next(iter(links.values())), simulation, stop))
            return
        for name, link in links.items():
            print_result(f"{name}: {link}" if len(links) > 1 else f"Open: {link}")
        print_message("Each link lets one browser in, once. Stop with Ctrl-C: nothing is lost.")

    lockstep = simulation is not None and not simulation.asynchronous
    with Desk(Project.open(folder), lockstep=lockstep) as desk:
        serve(desk, people, port=port, on_ready=on_ready)
    if person and (code := person[0].wait()):
        raise LindleyError(f"The simulated person ended with exit code {code}.")
    if simulation is not None:
        print_result(f"Look at it: {program_name()} status {folder}")


def begin_audit(folder: Path, count: int) -> None:
    """Draw fresh random items for an audit."""
    with Project.open(folder) as project:
        fresh = draw_audit(project, count)
        print_result(f"{len(fresh)} fresh items wait: {program_name()} label {folder}")


def train_now(folder: Path) -> None:
    """Train a model, and rank the queue by it."""
    with Project.open(folder) as project:
        epoch = project.train()
        print_result(f"Round {epoch.number}: {epoch.num_train} labels, the next batch by {epoch.acquisition}.")


class _Person:
    """The process of a simulated person, whose end ends the server."""

    def __init__(self, link: str, given: Simulation, stop: threading.Event) -> None:
        command = [sys.executable, "-m", "lindley.labelling.simulated_person", link, str(given.truth)]
        command += ["--labels", str(given.labels), "--noise", str(given.noise), "--seconds", str(given.seconds)]
        command += ["--seed", str(given.seed), "--key", given.key, "--label", given.label]
        command += ["--asynchronous"] * given.asynchronous
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._stop = stop
        threading.Thread(target=self._watch, args=(given.labels,), daemon=True).start()

    def wait(self) -> int:
        """Return the exit code of the person."""
        if self._process.poll() is None:
            self._process.kill()
        return self._process.wait()

    def _watch(self, wanted: int) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if int(line) % 50 == 0 or int(line) == wanted:
                print_message(f"{int(line)} of {wanted} labels")
        self._process.wait()
        self._stop.set()
