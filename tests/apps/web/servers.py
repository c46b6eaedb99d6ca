"""Servers of a project as processes, and people who label there at once: each answer that was acknowledged is noted."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from lindley.labelling.simulated_person import Behaviour, Client, label

PATIENCE = 300.0


class Server:
    """`lindley label DIR` as a process (a context manager); `links` by person."""

    def __init__(self, folder, people=("ann", "bob")):
        self._folder, self._people, self.port = folder, people, 0
        self._start()

    def restart(self):
        """Kill the process, and start another on the same port."""
        self.end(signal.SIGKILL)
        self._start()

    def end(self, number=signal.SIGTERM):
        """Send a signal, and return the exit code and stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        errors = self.process.stderr.read()
        self._reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, errors

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not self.process.stderr.closed:
            self.end(signal.SIGKILL)

    def _start(self):
        command = [sys.executable, "-P", "-m", "lindley", "label", str(self._folder)]
        command += ["--people", ",".join(self._people), "--port", str(self.port)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        self.lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.links = dict(self._link() for _ in self._people)
        self.port = int(next(iter(self.links.values())).split("/")[2].rpartition(":")[2])

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def _link(self):
        line = self.lines.get(timeout=PATIENCE)
        assert "http://127.0.0.1:" in line, self.process.stderr.read()
        name, _, link = line.strip().partition(": ")
        return name, link


class NotingClient(Client):
    """A person's requests, which remember what was acknowledged and what was served."""

    def __init__(self, link):
        super().__init__(link)
        self.acknowledged, self.served = [], []

    def post(self, path, body):
        answer = super().post(path, body)
        self.acknowledged += [each["uuid"] for each in answer.get("results", ()) if each["outcome"] != "refused"]
        self.served += [each["item"] for each in answer.get("items", ())]
        return answer


def label_together(clients, truth, labels, *, seconds=0.0):
    """Have people label at once; return their threads and the errors that they met."""
    errors = []

    def work(client):
        try:
            behaviour = Behaviour(truth, seconds=seconds, asynchronous=True)
            for _ in label(client, behaviour, labels):
                pass
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    return threads, errors


def is_running(pid):
    """Whether a process lives; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def export_uuids(project):
    return [each.uuid for each in project.store.events() if each.kind == "label"]
