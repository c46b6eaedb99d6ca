"""A real Label Studio with this project as its backend: `make test-label-studio` installs and starts one.

LINDLEY_LABEL_STUDIO names its program, or the address of one that runs already with the token below.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from lindley.labelling.fold import fold
from lindley.labelling.initialise import make_project
from lindley.labelling.label_studio.connection import ConnectionFile
from lindley.labelling.project import Project
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.open_source import open_source

WHERE = os.environ.get("LINDLEY_LABEL_STUDIO", "")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
PATIENCE = 900.0
WORDS = ("purrs", "barks", "flies", "swims", "sleeps", "hunts", "hides", "sings", "digs", "jumps")
PLACES = ("in the garden", "by the river", "under the table", "at night", "behind the church")
TEXTS = [f"it {word} {place} on day {row}" for row, (word, place) in enumerate((w, p) for w in WORDS for p in PLACES)]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not WHERE, reason="LINDLEY_LABEL_STUDIO names no Label Studio")]


def wait_until(condition):
    """Wait for what another program does."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    if WHERE.startswith("http"):
        yield WHERE
        return
    folder = tmp_path_factory.mktemp("label-studio")
    settings = {"LATEST_VERSION_CHECK": "0", "COLLECT_ANALYTICS": "0", "ML_BLOCK_LOCAL_IP": "false"}
    settings |= {"SSRF_PROTECTION_ENABLED": "false", "LABEL_STUDIO_BASE_DATA_DIR": str(folder)}
    command = [WHERE, "start", "-b", "--username", "ann@example.com", "--password", "Only-for-tests-1"]
    command += ["--user-token", TOKEN, "--enable-legacy-api-token", "--internal-host", "127.0.0.1", "-p", "18081"]
    environment = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **settings}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        wait_until(lambda: process.poll() is not None or is_up("http://127.0.0.1:18081"))
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield "http://127.0.0.1:18081"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_up(url):
    try:
        return requests.get(f"{url}/health", timeout=5).status_code == 200
    except requests.RequestException:
        return False


class Api:
    """The requests of a person in Label Studio."""

    def __init__(self, url):
        self.url, self.session = url, requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Token {TOKEN}"

    def __call__(self, method, path, body=None):
        answer = self.session.request(method, self.url + path, json=body, timeout=100)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None


class Lindley:
    """`lindley label --label-studio` as a process (a context manager)."""

    def __init__(self, folder, url):
        command = [sys.executable, "-P", "-m", "lindley", "label", str(folder), "--label-studio"]
        command += ["--label-studio-url", url]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.errors: list[str] = []
        self._readers = [
            threading.Thread(target=lambda: [lines.put(line) for line in self.process.stdout], daemon=True),
            threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True),
        ]
        for each in self._readers:
            each.start()
        self.output = [lines.get(timeout=PATIENCE) for _ in range(2)]
        self.backend = self.output[1].partition("Backend for Label Studio: ")[2].strip()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        for each in self._readers:
            each.join()
        self.process.stdout.close()
        self.process.stderr.close()


def test_the_real_label_studio_serves_our_order_and_its_labels_train_models(url, tmp_path, capfd):
    api = Api(url)
    (tmp_path / "texts.csv").write_text("\n".join(["text", *TEXTS]), encoding="utf-8")
    settings = ProjectSettings(kind="text", text="text", num_draws=4, batch_size=5, test_labels=9)
    make_project(tmp_path / "project", open_source(tmp_path / "texts.csv", text="text"), ["cat", "dog"], settings)
    export = [sys.executable, "-P", "-m", "lindley", "export", str(tmp_path / "project"), "--format", "label-studio"]
    done = subprocess.run([*export, "--out", str(tmp_path / "tasks.json")], capture_output=True, text=True, check=True)
    interface = done.stderr.partition("Label Studio: ")[2].splitlines()[0]
    given = {"title": "lindley", "label_config": interface, "sampling": "Uncertainty sampling"}
    number = api("POST", "/api/projects", given)["id"]
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert api("POST", f"/api/projects/{number}/import", tasks)["task_count"] == len(TEXTS)
    with Lindley(tmp_path / "project", url) as lindley:
        connected = api("POST", "/api/ml", {"url": lindley.backend, "project": number, "title": "lindley"})
        assert connected["state"] == "CO", connected
        labelled = label_as_served(api, number, tmp_path / "project", rounds=2)
        undo_and_change(api, labelled[-1], tmp_path / "project")
        wait_until(lambda: {*api("GET", f"/api/projects/{number}/model-versions/")} == {version_of(api, number)})
    log = "".join(lindley.errors) + "".join(lindley.output) + "".join(capfd.readouterr())
    assert TOKEN not in log
    assert "Traceback" not in log, log
    exported = api("GET", f"/api/projects/{number}/export?exportType=JSON&download_all_tasks=true")
    (tmp_path / "back.json").write_text(json.dumps(exported), encoding="utf-8")
    with Project.open(tmp_path / "project") as project:
        before = labels_of(project)
        assert len(before) == len(labelled)
        project.import_labels(tmp_path / "back.json")
        assert labels_of(project) == before


def version_of(api, number):
    return api("GET", f"/api/projects/{number}")["model_version"]


def label_as_served(api, number, folder, *, rounds):
    """Label what Label Studio serves until models were trained; each task is the one of the lowest rank."""
    labelled, versions = [], []
    while len(versions) <= rounds:
        version = wait_until(lambda: new_version(api, number, folder, versions))
        versions.append(version)
        ranks = read_ranks(api, number, version)
        for _ in range(6):
            task = api("GET", f"/api/projects/{number}/next")
            item = int(task["data"]["lindley_id"])
            assert item == min(ranks, key=ranks.get), f"version {version}: {len(labelled)} labelled before"
            ranks.pop(item)
            label = "cat" if "purrs" in task["data"]["text"] or "sleeps" in task["data"]["text"] else "dog"
            result = {"from_name": "choice", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
            made = api("POST", f"/api/tasks/{task['id']}/annotations", {"result": [result], "lead_time": 1.5})
            labelled.append({"task": task["id"], "item": item, "annotation": made["id"], "label": label})
    wait_until(lambda: len(read_labels(folder)) == len(labelled))
    assert read_labels(folder) == {each["item"]: each["label"] for each in labelled}
    return labelled


def new_version(api, number, folder, before):
    """Return the version of the predictions once Label Studio orders by one that is new and whole."""
    version = version_of(api, number)
    done = ConnectionFile(folder).value.version == version and version.startswith("lindley-")
    return version if done and version not in before else None


def read_ranks(api, number, version):
    """Return by item its score among the tasks without an annotation."""
    found = api("GET", f"/api/tasks?project={number}&page_size=1000&fields=all")["tasks"]
    return {
        int(task["data"]["lindley_id"]): prediction["score"]
        for task in found
        if not task["is_labeled"]
        for prediction in task["predictions"]
        if prediction["model_version"] == version
    }


def undo_and_change(api, labelled, folder):
    other = {"cat": "dog", "dog": "cat"}[labelled["label"]]
    result = {"from_name": "choice", "to_name": "text", "type": "choices", "value": {"choices": [other]}}
    api("PATCH", f"/api/annotations/{labelled['annotation']}", {"result": [result]})
    wait_until(lambda: read_labels(folder)[labelled["item"]] == other)
    api("DELETE", f"/api/annotations/{labelled['annotation']}")
    wait_until(lambda: labelled["item"] not in read_labels(folder))
    result["value"] = {"choices": [labelled["label"]]}
    api("POST", f"/api/tasks/{labelled['task']}/annotations", {"result": [result]})
    wait_until(lambda: read_labels(folder).get(labelled["item"]) == labelled["label"])


def read_labels(folder: Path):
    with Project.open(folder) as project:
        return labels_of(project)


def labels_of(project):
    """Return by item the name of the class that somebody gave it."""
    state = fold(project.store.events())
    names = {each.id: each.name for each in state.classes}
    votes = {item: state.votes(item) for item in state.standing}
    return {item: names[next(iter(each.values()))] for item, each in votes.items() if each}
