"""`lindley label DIR`, `lindley audit DIR` and `lindley train DIR`."""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_message, print_result
from lindley.apps.status_tables import describe_acquisition
from lindley.errors import HeldError, InputError, LindleyError
from lindley.labelling.audit import draw_audit
from lindley.labelling.audit_records import check_no_audit, read_audits
from lindley.labelling.desk import Desk
from lindley.labelling.export.label_studio import labelling_config
from lindley.labelling.moved_images import missing_images
from lindley.labelling.project import Project
from lindley.text import count_noun, is_line

MANY_CLASSES = 300
"""The number of classes above which a round of training may take minutes: 40 CPU seconds at 500 (measured)."""

_LABEL_STUDIO_STEPS = """\
1. Start Label Studio so that it may use a backend on this machine, at {url}:
   ML_BLOCK_LOCAL_IP=false SSRF_PROTECTION_ENABLED=false label-studio start --enable-legacy-api-token
2. Make a project with this labelling interface: {config}
   Import the tasks that `lindley export DIR --format label-studio --out tasks.json` writes.
3. Settings, Model: connect the backend above. Settings, General: task sampling "Uncertainty sampling".
Keep the address of the backend secret. `--port {port}` keeps it the same next time."""


@dataclass(frozen=True)
class Simulation:
    """The options of a simulated person; see `lindley label --help`."""

    truth: Path
    labels: int
    noise: float
    seconds: float
    seed: int
    asynchronous: bool
    key: str
    label: str


def label_project(
    folder: Path,
    people: Sequence[str],
    *,
    port: int | None,
    simulation: Simulation | None = None,
    label_studio: str | None = None,
) -> None:
    """Serve a project until a signal ends it, or until the simulated person has done its labels.

    Args:
        folder: The folder of the project.
        people: The names of the people who may label.
        port: The port; 0: a free one; None: the same each time for this project, where it is free.
        simulation: The simulated person, who labels as the first of the people.
        label_studio: The address of a Label Studio that has the project as its backend; None: none has.

    Raises:
        InputError: If no person is named, or one twice; if the port is taken, another server works on this project, or
            there is no file of true classes.
    """
    from lindley.apps.web.serving import listen, listen_again, serve

    if not people or len({*people}) != len(people) or not all(map(is_line, people)):
        raise InputError(argument="people", expected="different names of one line, one or more", got=[*people])
    if simulation is not None and not simulation.truth.is_file():
        raise InputError(f"There is no file {simulation.truth}.", argument="simulate", got=str(simulation.truth))
    if label_studio is not None:
        from lindley.labelling.label_studio.client import check_url

        label_studio = check_url(label_studio)
    with Project.open(folder) as project:
        _warn_of_many_classes(project)
        for warning in missing_images(project):
            print_message(f"Warning: {warning}")
        lockstep = simulation is not None and not simulation.asynchronous
        with (
            listen_again(folder) if port is None else listen(port) as listener,
            _open_desk(project, lockstep=lockstep) as desk,
        ):
            if label_studio is not None:
                _serve_label_studio(desk, people, listener, label_studio)
                return
            if simulation is None:
                serve(desk, people, listener, on_ready=lambda links, stop: _print_links(links))
                return
            _warn_of_old_labels(desk, people[0], simulation.labels)
            with _Person(simulation) as person:
                serve(desk, people, listener, on_ready=lambda links, stop: person.start(links[people[0]], stop))
        if code := person.exit_code:
            raise LindleyError(f"The simulated person ended with exit code {code}.")
        if project.is_round_due(whole_batches=False):
            project.train()
    print_result(f"See the result: {program_name()} status {folder}")


def _serve_label_studio(desk: Desk, people: Sequence[str], listener: socket.socket, url: str) -> None:
    """Serve a desk to a Label Studio, and to people on the page."""
    from lindley.apps.web.label_studio import Backend
    from lindley.apps.web.serving import HOST, serve

    config = labelling_config(desk.project.settings.kind, [each.name for each in desk.project.classes()])
    with Backend.open(desk, url) as backend:
        port = listener.getsockname()[1]

        def show(links: Mapping[str, str], stop: threading.Event) -> None:
            _print_links(links)
            print_result(f"Backend for Label Studio: http://{HOST}:{port}{backend.path}")
            print_message(_LABEL_STUDIO_STEPS.format(url=url, port=port, config=config))
            sys.stdout.flush()

        serve(desk, people, listener, on_ready=show, backend=backend)


def _open_desk(project: Project, *, lockstep: bool) -> Desk:
    with _refuse_second():
        return Desk(project, lockstep=lockstep)


@contextmanager
def _refuse_second() -> Iterator[None]:
    """Raise InputError where another process labels or trains already: the command cannot be, and nothing failed."""
    try:
        yield
    except HeldError as error:
        raise InputError(str(error), argument="folder") from None


def _print_links(links: Mapping[str, str]) -> None:
    for name, link in links.items():
        print_result(f"{name}: {link}" if len(links) > 1 else f"Open: {link}")
    print_message("Each link works once, in one browser. Stop with Ctrl-C: nothing is lost.")
    sys.stdout.flush()


def begin_audit(folder: Path, size: int, *, again: bool) -> None:
    """Draw fresh random items for an audit.

    Args:
        folder: The folder of the project.
        size: The number of items.
        again: Whether to begin another audit where one is done.

    Raises:
        InputError: If there is no model, an audit is under way, one is done and `again` is not set, or there are too
            few fresh items.
    """
    with Project.open(folder) as project:
        project.store.read(check_no_audit)
        audits = project.store.read(read_audits)
        if audits and not again:
            raise InputError(
                f"Audit {audits[-1].number} is done: `{program_name()} status {shlex.quote(str(folder))}` gives its "
                "result. Another one is another look at the accuracy, and the best of several looks is too good. "
                "Nothing was drawn. Add --again to draw one, and report it together with the earlier ones.",
                argument="again",
            )
        if not project.store.models():
            raise InputError(
                f"There is no model yet that an audit could judge: `{program_name()} label {shlex.quote(str(folder))}` "
                "trains one once some items are labelled. Nothing was drawn."
            )
        fresh = draw_audit(project, size)
        print_result(f"Drew {len(fresh)} fresh items. Label them: {program_name()} label {shlex.quote(str(folder))}")


def train_now(folder: Path) -> None:
    """Train a model and rank the queue with it."""
    with Project.open(folder) as project:
        _warn_of_many_classes(project)
        with _refuse_second():
            epoch = project.train()
        done = (
            f"Trained a model on {count_noun(epoch.num_train, 'label')}"
            if epoch.model_version
            else "No labels, so no model"
        )
        print_result(f"Round {epoch.number}: {done}. Next batch: {describe_acquisition(epoch.acquisition)}.")


def _warn_of_many_classes(project: Project) -> None:
    if (count := len(project.classes())) > MANY_CLASSES:
        print_message(
            f"The project has {count:,} classes: a round of training may take minutes, as its time grows with their "
            "cube. It is quicker to begin with the classes that occur, and to add others when they are met: "
            f"{program_name()} class add {project.folder} NAME"
        )


def _warn_of_old_labels(desk: Desk, person: str, labels: int) -> None:
    if (given := desk.count_labels(person)) >= labels:
        print_message(
            f"{person} has given {count_noun(given, 'label')} already, and --labels counts them all: with "
            f"--labels {labels} nothing is left to do. Name a larger number."
        )


class _Person:
    """The process of a simulated person, whose end ends the server; leaving the context ends the person."""

    def __init__(self, given: Simulation) -> None:
        self._given = given
        self._process: subprocess.Popen[str] | None = None

    def start(self, link: str, stop: threading.Event) -> None:
        """Let the person in by a link, which goes through a pipe: arguments are seen by all users of a machine."""
        given = self._given
        command = [sys.executable, "-P", "-m", "lindley.labelling.simulated_person", "-", str(given.truth)]
        command += ["--labels", str(given.labels), "--noise", str(given.noise), "--seconds", str(given.seconds)]
        command += ["--seed", str(given.seed), f"--key={given.key}", f"--label={given.label}"]
        command += ["--asynchronous"] * given.asynchronous
        self._process = process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(link + "\n")
        threading.Thread(target=self._watch, args=(process, stop), name="lindley-person", daemon=True).start()

    @property
    def exit_code(self) -> int | None:
        """The exit code of the person; None where there was none."""
        return None if self._process is None else self._process.wait()

    def __enter__(self) -> _Person:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _watch(self, process: subprocess.Popen[str], stop: threading.Event) -> None:
        assert process.stdout is not None
        wanted = self._given.labels
        with process.stdout as lines:
            for line in lines:
                if int(line) % 50 == 0 or int(line) == wanted:
                    print_message(f"{int(line)} of {wanted} labels")
        process.wait()
        stop.set()
