"""Random requests: never an error of the server, and where one is refused the store stays as it was."""

import json
import os
import string

import pytest
from httpx2 import InvalidURL
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("LINDLEY_FUZZ", "60"))
FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
POSTS = ["/api/next", "/api/events", "/api/reveal", "/api/classes", "/api/release"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=["L", "Cc", "Cs", "S"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SMALL = st.integers(-2, 45) | st.integers() | ANYTHING
UUID = st.text(string.ascii_letters + "-", min_size=1, max_size=3) | st.text(max_size=70)
EVENT = st.fixed_dictionaries(
    {"uuid": UUID, "kind": st.sampled_from(["label", "skip", "flag", "note", "undo", "import", "class", "reveal"])},
    optional={
        "item": SMALL,
        "class_id": st.integers(-1, 3) | SMALL,
        "target_uuid": UUID,
        "note": st.text(),
        "shown_ms": SMALL,
        "client_time": st.text(),
        "person": st.text(),
        "lease": st.text(),
    },
)
CHANGE = st.fixed_dictionaries(
    {"action": st.sampled_from(["add", "rename", "describe", "hotkey", "merge", "retire"])},
    optional={
        "class_id": st.integers(-1, 4) | SMALL,
        "value": st.text() | SMALL,
        "hotkey": st.text(max_size=2),
        "description": st.text(),
    },
)
BODIES = (
    st.fixed_dictionaries({"events": st.lists(EVENT | ANYTHING, max_size=4)}, optional={"next": SMALL})
    | CHANGE
    | st.fixed_dictionaries({"item": SMALL})
    | st.fixed_dictionaries({"n": SMALL})
    | st.fixed_dictionaries({"leases": st.lists(st.text(), max_size=3)})
    | ANYTHING
)


def snapshot(project):
    return project.store.read(
        lambda connection: [
            connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in ("event", "class", "lease", "touched")
        ]
    )


@pytest.fixture
def send(ann, project):
    def send(path, **content):
        before = snapshot(project)
        answer = ann.post(path, **content)
        assert answer.status_code < 500, answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.status_code == 200 or snapshot(project) == before
        if answer.status_code == 200 and path == "/api/events":
            outcomes = [each["outcome"] for each in answer.json()["results"]]
            assert len(snapshot(project)[0]) - len(before[0]) == outcomes.count("stored")

    return send


@FUZZ
@given(path=st.sampled_from(POSTS), body=BODIES)
def test_a_body_of_any_values_is_taken_or_refused(send, path, body):
    try:
        send(path, json=body)
    except (ValueError, OverflowError):  # what the client cannot write: NaN, half of a character
        send(path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@FUZZ
@given(path=st.sampled_from(POSTS), body=st.binary(max_size=60))
def test_a_body_of_any_bytes_is_taken_or_refused(send, path, body):
    send(path, content=body, headers={"Content-Type": "application/json"})


@FUZZ
@given(path=st.text(string.printable, max_size=20), query=st.text(max_size=20))
def test_any_address_is_answered(ann, path, query):
    for address in (f"/{path}", f"/api/items/{path}/content", f"/static/{path}"):
        try:
            answer = ann.get(address, params={"q": query, "limit": path})
        except InvalidURL:
            continue
        assert answer.status_code < 500
