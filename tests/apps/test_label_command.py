"""`lindley label` as people run it: several at once, killed at random moments, refused, interrupted.

The server is killed 3 times, and eight people have 120 items, or 48 in PostgreSQL; where LINDLEY_FUZZ is 2000, it is
killed 20 times and they have 2,000.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "databases"))
sys.path.insert(0, str(Path(__file__).parent / "web"))
sys.path.insert(0, str(Path(__file__).parents[1] / "labelling"))

from postgres_server import new_schema
from servers import NotingClient, Server, export_uuids, is_running, label_together
from vector_projects import CLASSES, make_vectors, true_class

from lindley.apps.label_command import Simulation, label_project
from lindley.errors import InputError
from lindley.labelling.project import Project
from lindley.session.locks import find_holder

KILLS = max(3, int(os.environ.get("LINDLEY_FUZZ", "0")) // 100)
ITEMS = {
    kind: max(few, int(os.environ.get("LINDLEY_FUZZ", "0"))) for kind, few in {"sqlite": 120, "postgresql": 48}.items()
}
PEOPLE = [f"person{number}" for number in range(8)]
pytestmark = pytest.mark.slow


def truth_of(folder):
    with Project.open(folder) as project:
        return {project.place(item): CLASSES[true_class(item)] for item in range(project.num_items)}


def run(*arguments):
    return subprocess.run([sys.executable, "-P", "-m", "lindley", *arguments], capture_output=True, text=True)


def kill_at_label(folder, arguments, count):
    """Kill the command, and all that it started, at so many labels."""
    command = [sys.executable, "-P", "-m", "lindley", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    with Project.open(folder) as project:
        wait_for(lambda: sum(each.kind == "label" for each in project.store.events()) >= count)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # another process works meanwhile; nothing is concluded from the time


def test_no_acknowledged_answer_is_lost_or_there_twice_where_the_server_is_killed(tmp_path):
    folder, moment = make_vectors(tmp_path, rows=max(2000, 200 * KILLS)), random.Random(1)
    truth = truth_of(folder)
    with Server(folder, PEOPLE) as server:
        clients = [NotingClient(link) for link in server.links.values()]
        threads, errors = label_together(clients, truth, 15 * KILLS, seconds=0.01)
        trainers = set()
        for _ in range(KILLS):
            done = sum(len(client.acknowledged) for client in clients)
            wait_for(lambda: sum(len(client.acknowledged) for client in clients) >= done + 40)  # noqa: B023
            time.sleep(moment.uniform(0, 0.3))  # the moment of the kill is the experiment
            trainers.add(find_trainer(server.process.pid))
            server.restart()  # the cookies are valid: nobody uses the new links
        for thread in threads:
            thread.join()
        assert errors == []
        code, _ = server.end()
    assert code == 130
    with Project.open(folder) as project:
        stored = Counter(export_uuids(project))
    acknowledged = [uuid for client in clients for uuid in client.acknowledged]
    assert len(acknowledged) == 8 * 15 * KILLS
    assert [uuid for uuid in acknowledged if stored[uuid] != 1] == []
    wait_for(lambda: not any(is_running(pid) for pid in trainers if pid))  # they end with their server


def find_trainer(server):
    """The process id of the trainer of a server; None where it has none yet."""
    found = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return int(found[0]) if found else None


@pytest.mark.parametrize("kind", ITEMS)
@pytest.mark.parametrize("overlap", [1, 2])
def test_eight_people_are_served_no_item_beyond_its_need(tmp_path, request, overlap, kind):
    items = ITEMS[kind]
    database = "" if kind == "sqlite" else new_schema(request.getfixturevalue("postgres"))
    folder = make_vectors(tmp_path, rows=items, people_per_item=overlap, database=database)
    with Server(folder, PEOPLE) as server:
        clients = [NotingClient(link) for link in server.links.values()]
        threads, errors = label_together(clients, truth_of(folder), overlap * items)
        for thread in threads:
            thread.join()
        assert errors == []
    with Project.open(folder) as project:
        labels = [each for each in project.store.events() if each.kind == "label"]
        streams = project.store.streams()
    assert len(streams) == items
    assert Counter(each.item for each in labels) == dict.fromkeys(range(items), overlap)
    assert len({(each.item, each.person) for each in labels}) == len(labels)
    assert all(max(Counter(client.served).values()) == 1 for client in clients if client.served)
    assert sorted(each.uuid for each in labels) == sorted(u for client in clients for u in client.acknowledged)


def test_a_second_server_a_port_in_use_and_signals_end_with_one_line(tmp_path):
    folder = make_vectors(tmp_path)
    with Server(folder) as server:
        assert [*server.links] == ["ann", "bob"]
        ann = NotingClient(server.links["ann"])
        secrets = [server.links["ann"].rpartition("=")[2], server.links["bob"].rpartition("=")[2]]
        secrets += [*ann._session.cookies.values(), ann.me["csrf"]]
        send_junk(server.port)
        second = run("label", str(folder))
        assert (second.returncode, second.stdout, second.stderr.count("\n")) == (2, "", 1)
        assert f"is being labelled or trained already, by process {server.process.pid}" in second.stderr
        train = run("train", str(folder))
        assert (train.returncode, train.stdout, train.stderr.count("\n")) == (2, "", 1)
        assert "A server trains by itself" in train.stderr
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            refused = run("label", str(make_vectors(tmp_path_of(tmp_path))), "--port", str(port))
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert str(port) in refused.stderr
        trainer = find_trainer(server.process.pid)
        code, errors = server.end(signal.SIGINT)
    assert code == 130
    assert "Traceback" not in errors
    assert "To continue: lindley label" in errors
    assert find_holder(folder / "project") is None
    assert trainer is None or not is_running(trainer)
    logged = errors + "".join(path.read_text() for path in (folder / "logs").iterdir())
    assert [secret for secret in secrets if secret in logged] == []


def tmp_path_of(folder):
    (folder / "other").mkdir()
    return folder / "other"


def send_junk(port):
    """Requests that no client sends; the server answers, or closes, and goes on."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    start = f"POST /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
    junk = {
        b"GET / HTTP/1.1\r\n\r\n": b"4",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": b"4",
        b"\x00\xff\r\n\r\n": b"4",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n": b"421",
        b"GET /api/items/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port: b"401",
        start + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n": b"4",
        start + b"Transfer-Encoding: chunked\r\n\r\n" + 40 * chunk: b"4",
        b"GET / HTTP/1.1\r\nHost: " + b"a" * 200_000: b"4",
    }
    for content, status in junk.items():
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            try:
                connection.sendall(content)
                answer = connection.recv(65536)
            except ConnectionError:
                continue
            assert answer.partition(b" ")[2].startswith(status), content[:60]
    assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60).json() == {"status": "UP"}


def test_the_same_seed_gives_the_same_labels_rounds_and_test_stream(tmp_path):
    """In lockstep, also where it is killed meanwhile; the truth file names the items by their places."""
    found = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        folder = make_vectors(tmp_path / name, rows=80)
        lines = [f"{place},{label}\n" for place, label in truth_of(folder).items()]
        quoted = [f'"{line.rpartition(",")[0]}",{line.rpartition(",")[2]}' for line in lines]
        (tmp_path / "truth.csv").write_text("place,label\n" + "".join(quoted))
        command = "label", str(folder), "--simulate", str(tmp_path / "truth.csv"), "--labels", "40", "--noise", "0.1"
        if name == "second":
            kill_at_label(folder, command, 26)
        done = run(*command)
        assert done.returncode == 0, done.stderr
        with Project.open(folder) as project:
            labels = [each for each in project.store.events() if each.kind == "label"]
            rounds = [(each.epoch, each.upto_seq, each.info_nats, each.status) for each in project.store.rounds()]
            status = project.status()
        assert len(labels) == 40
        assert (status.labels["train"], status.labels["test"]) == (30, 10)  # 9 of 27, then 1 of 10
        assert rounds[-1][1] == labels[-1].seq  # the last model knows the last label
        found.append(([(e.uuid, e.item, e.class_id, e.epoch, e.chosen_by, e.predicted) for e in labels], rounds))
    assert found[0] == found[1]


def test_people_and_truths_that_cannot_be_are_refused_before_anything_starts(tmp_path):
    folder = make_vectors(tmp_path, rows=20)
    simulation = Simulation(tmp_path / "nowhere.csv", 3, 0.0, 0.0, 0, False, "", "")
    for people, more, argument in (
        ([], {}, "people"),
        (["ann", "ann"], {}, "people"),
        (["ann"], {"simulation": simulation}, "simulate"),
    ):
        with pytest.raises(InputError) as raised:
            label_project(folder, people, port=0, **more)
        assert raised.value.argument == argument
    assert not (folder / "logs").exists()


@pytest.mark.parametrize(
    ("option", "arguments"),
    [
        ("--simulate", ["--label-studio", "--simulate", "truth.csv"]),
        ("--label-studio-url", ["--label-studio", "--label-studio-url", "file:///etc/passwd"]),
        ("vectors", ["--label-studio"]),
    ],
)
def test_what_label_studio_cannot_do_is_refused_in_one_line(tmp_path, option, arguments):
    done = run("label", str(make_vectors(tmp_path)), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert option in done.stderr
    assert len(done.stderr.splitlines()) == 1
