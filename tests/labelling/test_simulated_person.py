"""A simulated person knows no more than a person does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lindley.labelling import simulated_person
from lindley.labelling.simulated_person import Behaviour, Client, label, read_truth

NAMES = ["cat", "dog", "cow"]


def test_it_imports_nothing_of_lindley():
    tree = ast.parse(Path(simulated_person.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert [name for name in imported if name.startswith(("lindley", "."))] == []
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def test_it_runs_alone_from_its_file():
    command = [sys.executable, "-I", simulated_person.__file__, "--help"]
    assert subprocess.run(command, capture_output=True, check=True).stdout


def items(count):
    return [{"content": f"text {number}", "place": f"a.csv, line {number}"} for number in range(count)]


def test_without_noise_it_says_the_truth_and_with_it_errs_as_often_as_told():
    truth = {each["content"]: "cat" for each in items(1000)}
    assert {Behaviour(truth).answer(each, NAMES) for each in items(1000)} == {"cat"}
    noisy = [Behaviour(truth, noise=0.3, seed=1).answer(each, NAMES) for each in items(1000)]
    wrong = [each for each in noisy if each != "cat"]
    assert 250 < len(wrong) < 350  # 300 ± 3.5 standard deviations
    assert {*wrong} == {"dog", "cow"}
    assert noisy == [Behaviour(truth, noise=0.3, seed=1).answer(each, NAMES) for each in items(1000)]


def test_an_item_without_a_truth_is_named():
    with pytest.raises(SystemExit, match="line 0"):
        Behaviour({}).answer(items(1)[0], NAMES)


def test_uuids_differ_by_person_and_are_the_same_for_the_same_seed():
    one = Behaviour({}, seed=3)
    assert one.uuid("ann", 4, 0) == one.uuid("ann", 4, 0)
    assert len({one.uuid("ann", 4, 0), one.uuid("bob", 4, 0), one.uuid("ann", 5, 0), one.uuid("ann", 4, 1)}) == 4


def test_the_truth_is_read_by_its_columns(tmp_path):
    path = tmp_path / "truth.tsv"
    path.write_text("id\ttext\tlabel\n1\thello, you\tcat\n")
    assert read_truth(path, "", "") == {"1": "cat"}
    assert read_truth(path, "text", "label") == {"hello, you": "cat"}
    with pytest.raises(SystemExit, match="nothing"):
        read_truth(path, "nothing", "")


class FakeClient(Client):
    """A server that has so many labels of the person, and a new item for each request."""

    def __init__(self, count):
        self.me = {"person": "ann", "num_labels": count, "classes": [{"id": 0, "name": "cat"}]}
        self.uuids, self._count = [], count

    def post(self, path, body):
        self.uuids += [each["uuid"] for each in body.get("events", ())]
        self._count += len(body.get("events", ()))
        item = {"item": self._count, "content": "text", "place": "", "lease": "token"}
        return {"items": [item], "finished": False, "results": [{"outcome": "stored"}]}


@pytest.mark.parametrize("count", [0, 1, 26, 59, 60, 61])
def test_it_labels_until_the_project_has_so_many_of_its_labels(count):
    client, whole = FakeClient(count), FakeClient(0)
    assert [*label(client, Behaviour({"text": "cat"}), 60)] == [*range(count + 1, 61)]
    assert [*label(whole, Behaviour({"text": "cat"}), 60)] == [*range(1, 61)]
    assert client.uuids == whole.uuids[count:]
