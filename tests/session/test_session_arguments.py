"""Arguments of a wrong kind: every one of a session and of its methods is refused by name, wherever it comes in."""

from __future__ import annotations

import re
from pathlib import Path

import jaxtyping
import pytest
import torch

from lindley.contracts import Classification, Selection
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.session.event_store import MemoryStore
from lindley.session.events import Answer
from lindley.session.rounds import Observation
from lindley.session.session import Session


def describe(value):
    """What a value is, the same in every process: without addresses and random uuids."""
    return re.sub(r" at 0x[0-9a-f]+|, uuid='[0-9a-f]+'", "", repr(value))


TASK = Classification(("a", "b", "c"))


@pytest.fixture(autouse=True)
def as_in_use(monkeypatch):
    """Types are checked by nobody but the code itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def begin(pool, learner):
    def session(**more):
        settings = {"pool": pool, "learner": learner, "acquisition": "random", "task": TASK, "num_draws": 3}
        return Session(**{**settings, "batch_size": 4, **more})

    return session


WRONG_KINDS = {
    "pool": [None, 3, [1, 2], torch.zeros(3, 2), MemoryPool, {}],
    "learner": [None, 3, "forest", MemoryPool, lambda data: data],
    "acquisition": [None, 3, ["bald"], Selection],
    "task": [None, 3, ("a", "b"), "classes", Classification],
    "num_draws": [None, "3", 2.5, True, 0, -1],
    "batch_size": [None, "3", 2.5, True, 0, -1],
    "store": [3, [], object(), b"folder", {}, "a\0b", MemoryStore],
    "initial_labels": [None, "3", 2.5, True, -1, 61],
    "validation_labels": [None, "3", 2.5, True, -1, 61],
    "features": [3, "encoder", torch.zeros(3), lambda inputs: inputs],
    "consensus": [None, 3, "majority", dict],
    "seed": [None, "3", 2.5, True],
    "options": [3, "beta", ["beta"], {1: 2}],
    "requires": [None, 3, "targets", ["targets"], {3}, {"labels"}],
    "candidates": [None, "3", 2.5, True, -1],
    "num_targets": [None, "3", 2.5, True, 0],
    "sources": [3, "abc", [1, 2], [0.5] * 60, torch.zeros(59).long(), [[1]] * 60],
    "observers": [3, "look", [lambda view: view], {"look": 3}, {1: len}, {"../look": len}, {"": len}],
    "key": [3, b"key", "", ["key"]],
    "on_progress": [None, 3, "print"],
}


def own(context, batch_size, *, seed):
    raise AssertionError("not called")


def test_the_sweep_covers_every_argument():
    assert set(WRONG_KINDS) == set(Session.__init__.__annotations__) - {"return"}


@pytest.mark.parametrize(
    ("argument", "wrong"), [(name, value) for name, values in WRONG_KINDS.items() for value in values], ids=describe
)
def test_an_argument_of_a_wrong_kind_is_refused_by_name_and_nothing_is_written(begin, tmp_path, argument, wrong):
    folder = tmp_path / "session"
    more = {"acquisition": own} if argument == "requires" else {}
    with pytest.raises(InputError) as caught:
        begin(**{"store": folder, **more, argument: wrong})
    assert caught.value.argument == argument
    if argument not in ("initial_labels", "validation_labels"):  # too many rows are noticed when they are drawn
        assert not folder.exists()


EXPORT = Path(__file__).parent
METHODS = {
    "step": [
        ("excluded", lambda s, wrong: s.step(wrong), [None, 3, "abc", [0.5], [60], [-1], [[1]], {1}]),
        ("batch_size", lambda s, wrong: s.step(batch_size=wrong), ["3", 2.5, True, -1]),
    ],
    "query": [
        ("rows", lambda s, wrong: s.query(wrong, "test"), [None, 3, "abc", [0.5], [60], [-1], [[1]], [1, 1]]),
        ("purpose", lambda s, wrong: s.query([1], wrong), [None, 3, "train", ["test"]]),
    ],
    "tell": [
        ("answers", lambda s, wrong: s.tell(wrong), [None, 3, "abc", [3], [None], [(1, 2)]]),
        ("row", lambda s, wrong: s.tell({wrong: 1}), [None, "1", 2.5, True, (1,)]),
        ("value", lambda s, wrong: s.tell({1: wrong}), [None, 2.5, True, [1], "d", 3, -1]),
        ("annotator", lambda s, wrong: s.tell({1: 1}, annotator=wrong), [None, 3, b"ann"]),
        ("annotator", lambda s, wrong: s.tell([Answer(1, 1)], annotator=wrong), [None, 3, b"ann"]),
    ],
    "withdraw": [("rows", lambda s, wrong: s.withdraw(wrong), [None, 3, "abc", [0.5], [60], [-1], [[1]], [7]])],
    "export": [
        ("path", lambda s, wrong: s.export(wrong), [None, 3, b"a.csv", EXPORT, EXPORT / "conftest.py" / "a.csv"]),
        ("items", lambda s, wrong: s.export("a.csv", wrong), [3, "abc", ["one"], {}, list, iter([])]),
    ],
    "tell_csv": [
        ("path", lambda s, wrong: s.tell_csv(wrong), [None, 3, EXPORT, EXPORT / "nowhere.csv", "a\0b"]),
        ("annotator", lambda s, wrong: s.tell_csv("filled.csv", annotator=wrong), [None, 3, b"ann"]),
    ],
    "record_changes": [
        (
            "changes",
            lambda s, wrong: s.record_changes(wrong),
            [None, 3, "abc", {"torch": 3}, {"torch": [1]}, {1: [1, 2]}],
        )
    ],
}
CALLS = [
    (name, argument, call, value) for name, each in METHODS.items() for argument, call, wrong in each for value in wrong
]


@pytest.mark.parametrize(("method", "argument", "call", "wrong"), CALLS, ids=describe)
def test_an_argument_of_a_method_is_refused_by_name_and_nothing_changes(
    begin, method, argument, call, wrong, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("filled.csv").write_text("row,label\n1,a\n")
    session = begin(initial_labels=3)
    session.tell(dict.fromkeys(session.ask().rows.tolist(), 0))
    before = session.state
    with pytest.raises(InputError) as caught:
        call(session, wrong)
    assert caught.value.argument == argument
    assert session.state == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filled.csv"]


class Fits:
    """A learner that returns what it is given."""

    def __init__(self, posterior):
        self.posterior = posterior

    def fit(self, data, *, previous=None, seed):
        return self.posterior


def choose(result):
    return lambda context, batch_size, *, seed: result(context.candidates.rows[:batch_size])


RESULTS = {
    "nothing": {"acquisition": choose(lambda rows: None)},
    "no diagnostics": {"acquisition": choose(lambda rows: Selection(rows, torch.zeros(len(rows)), None))},
    "a list of diagnostics": {"acquisition": choose(lambda rows: Selection(rows, torch.zeros(len(rows)), [1]))},
    "an observer's nothing": {"observers": {"look": lambda view: None}},
    "an observer's metrics of none": {"observers": {"look": lambda view: Observation(None)}},
    "an observer's arrays of none": {"observers": {"look": lambda view: Observation({}, [1])}},
    "an observer's objects": {"observers": {"look": lambda view: Observation({}, {"a": [object()]})}},
    "an accuracy above 1": {"observers": {"look": lambda view: Observation({"accuracy": 7})}},
    "a posterior's nothing": {"learner": Fits(type("P", (), {"draw": lambda self, num_draws, *, seed: None})())},
    "a learner's nothing": {"learner": Fits(None)},
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_a_users_own_code_returns_is_refused_by_name_and_nothing_changes(begin, name):
    session = begin(
        **{
            "initial_labels": 3,
            "acquisition": choose(lambda rows: Selection(rows, torch.zeros(len(rows)))),
            **RESULTS[name],
        }
    )
    session.tell(dict.fromkeys(session.ask().rows.tolist(), 0))
    with pytest.raises(InputError) as caught:
        session.step()
    assert caught.value.argument
    assert session.state.rounds == ()


@pytest.mark.parametrize("result", [True, "a", 0, [], Answer(59, 1), ()], ids=describe)
def test_a_consensus_that_returns_no_answer_to_the_row_is_refused_before_anything_is_stored(begin, result):
    store = MemoryStore()
    session = begin(store=store, consensus=lambda answers: result)
    with pytest.raises(InputError) as caught:
        session.tell({1: 0})
    assert (caught.value.argument, caught.value.rows) == ("the result of consensus", (1,))
    assert [event.event for event in store.read()] == ["started"]


@pytest.mark.parametrize(
    "name", ["confidence", "cost", "seconds", "annotator", "uuid", "reason", "at", "outcome", "value"]
)
@pytest.mark.parametrize("wrong", [b"x", [1], float("nan"), object()], ids=describe)
def test_a_field_of_an_answer_of_a_wrong_kind_is_refused_by_name(name, wrong):
    with pytest.raises(InputError) as caught:
        Answer(**{"row": 4, "value": 1, name: wrong})
    assert caught.value.argument == name
