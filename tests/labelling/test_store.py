"""The store: made, filled block by block, migrated, backed up, refused; its queue, rounds and models."""

from __future__ import annotations

import math
import sqlite3
import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa
from small_projects import found, label

from lindley.errors import HeldError, InputError, JournalError
from lindley.labelling.migrations import migrate
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import Entry, Item, ProjectEvent
from lindley.labelling.round_records import ModelRecord, RoundRecord
from lindley.labelling.sqlite import SqliteFile, wal_is_safe
from lindley.labelling.store import ProjectStore
from lindley.labelling.tables import read_meta, write_meta


def content_of(path):
    """Everything that the database holds, table by table."""
    with sqlite3.connect(path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        content = {name: connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall() for name in names}
    connection.close()
    return content


@pytest.fixture
def empty(path):
    with ProjectStore.create(path) as store:
        yield store


def test_items_and_entries_come_back_in_order_over_many_blocks(empty):
    given = list(found(4500, test_every=7))
    unreadable = (Entry("broken.png", reason="truncated"), None)
    copy = (Entry("copy.png", item=3), None)
    assert empty.add_items([*given, unreadable, copy]) == 4500
    assert list(empty.items()) == [item for _, item in given]
    assert list(empty.entries()) == [*(entry for entry, _ in given), unreadable[0], copy[0]]
    assert list(empty.items([4000, 2])) == [given[4000][1], given[2][1]]
    assert next(empty.items([17])).content == "text 17"
    assert empty.hashes()["hash 4499"] == 4499
    assert empty.groups().tolist() == list(range(4500))
    assert (empty.streams() == "test").nonzero()[0].tolist() == list(range(0, 4500, 7))
    with pytest.raises(InputError) as caught:
        list(empty.items([1, 4500, -1]))
    assert caught.value.rows == (4500, -1)


def test_an_addition_that_breaks_off_leaves_nothing_and_the_next_begins_anew(empty, path):
    def breaking():
        yield from found(3000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        empty.add_items(breaking())
    assert (list(empty.items()), list(empty.entries())) == ([], [])
    assert isinstance(empty.append("", [ProjectEvent("a", "import", item=0, class_id=0)])[0].reason, str)
    empty.close()
    with ProjectStore.create(path) as store:  # init is run again
        assert store.add_items(found(10)) == 10
        assert len(list(store.items())) == 10
    with pytest.raises(InputError) as caught:
        ProjectStore.create(path)
    assert caught.value.argument == "path"


def test_nobody_is_served_an_item_before_its_addition_is_finished(empty):
    empty.add_items(found(2))
    empty.add_person("ann")
    with empty.add() as addition:
        addition.add(found(3, first=2))
        assert {each.item for each in empty.claim("ann", 5)} == {0, 1}
        assert addition.finish({2: (0, "test"), 3: (3, "train")}) == 5
    assert {each.item for each in empty.claim("ann", 5)} == {0, 1, 2, 3, 4}
    assert empty.groups().tolist() == [0, 1, 0, 3, 4]
    assert empty.streams()[2] == "test"


def test_two_processes_do_not_add_at_the_same_time(empty):
    with empty.add(), pytest.raises(HeldError):
        empty.add()
    with empty.add() as addition:
        addition.finish()


def test_an_item_of_another_id_than_the_next_is_refused(empty):
    with pytest.raises(InputError) as caught:
        empty.add_items([(Entry("a", 1), Item(1, "h", "", "", 1, "train"))])
    assert caught.value.got == [1]
    with pytest.raises(InputError):
        empty.add_items([], need=0)


def test_a_failed_write_undoes_all_of_it_and_the_next_ones_go_on(empty):
    def fail(connection):
        write_meta(connection, "seed", 99)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        empty.write(fail)
    assert empty.read(lambda connection: read_meta(connection, "seed")) == 0
    empty.add_person("ann")
    assert empty.people() == ["ann"]


def test_functions_that_share_a_transaction_fail_alone(empty):
    """While the writer waits in the first, others queue up behind it, and are run together."""
    begun, go_on = threading.Event(), threading.Event()
    outcomes = {}

    def first(connection):
        begun.set()
        go_on.wait()

    def fail(connection):
        write_meta(connection, "seed", 99)
        raise LookupError

    def run(name, function):
        try:
            outcomes[name] = empty.write(function)
        except LookupError:
            outcomes[name] = "failed"

    jobs = {"first": first, "fails": fail}
    jobs |= {
        f"add {n}": lambda c, n=n: c.exec_driver_sql(f"INSERT INTO person VALUES ('p{n}', NULL, '')").rowcount
        for n in range(4)
    }
    threads = [threading.Thread(target=run, args=each) for each in jobs.items()]
    threads[0].start()
    begun.wait()
    for thread in threads[1:]:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert outcomes == {"first": None, "fails": "failed", **{f"add {n}": 1 for n in range(4)}}
    assert empty.people() == ["p0", "p1", "p2", "p3"]
    assert empty.read(lambda connection: read_meta(connection, "seed")) == 0


def test_close_finishes_what_was_asked_for_and_takes_no_more(path):
    store = ProjectStore.create(path)
    threads = [threading.Thread(target=store.add_person, args=(f"p{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    store.close()
    with pytest.raises(JournalError) as caught:
        store.add_person("late")
    assert caught.value.path == path
    with ProjectStore.open(path) as again:
        assert len(again.people()) == 8


def test_a_full_disk_stores_nothing_of_the_transaction_and_what_was_stored_stays(path):
    with ProjectStore.create(path) as store:
        store.add_items(found(50))
        store.add_person("ann")
        store.add_class("cat")
        store.append("ann", [label("a", 0)])
        pages = store.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
    with ProjectStore.open(path, max_pages=pages + 2) as store:
        before = content_of(path)
        with pytest.raises(JournalError) as caught:
            store.append("ann", [label(f"b{n}", n, note="x" * 3000) for n in range(1, 50)])
        assert caught.value.path == path
        assert content_of(path) == before
        assert store.append("ann", [label("c", 1)]) == ["stored"]
    with ProjectStore.open(path) as store:
        assert store.append("ann", [label(f"b{n}", n, note="x" * 3000) for n in range(1, 50)]) == ["stored"] * 49


def test_a_writer_of_another_process_that_does_not_end_is_named(empty, path):
    empty.close()
    other = sqlite3.connect(path, isolation_level=None)
    with ProjectStore.open(path, busy_seconds=0.05) as store:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HeldError):
            store.add_person("ann")
        other.execute("ROLLBACK")
        store.add_person("ann")
    other.close()


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 9), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_the_journal_mode_goes_by_the_version_of_sqlite(tmp_path, version, safe):
    assert wal_is_safe(version) == safe
    engine = SqliteFile(tmp_path / "a.db", version=version).open_engine()
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert settings == {
        "journal_mode": "wal" if safe else "delete",
        "synchronous": 2 if safe else 3,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_a_database_of_another_journal_mode_is_changed_unless_another_process_has_it_open(tmp_path):
    safe = SqliteFile(tmp_path / "a.db", version=(3, 52, 0)).open_engine()
    with safe.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE a (b)")
    old = SqliteFile(tmp_path / "a.db", version=(3, 40, 1)).open_engine()
    with pytest.raises(HeldError), old.connect():
        pass
    safe.dispose()
    with old.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
    old.dispose()


def test_an_older_database_is_migrated_after_a_backup(empty, path):
    empty.add_items(found(5))
    empty.close()
    before = content_of(path)
    engine = SqliteFile(path).open_engine(writes=True)
    changes = [
        lambda connection: connection.exec_driver_sql("ALTER TABLE person ADD COLUMN mail TEXT"),
        lambda connection: connection.exec_driver_sql("UPDATE item SET need = 2"),
    ]
    backup = migrate(engine, SqliteFile(path), changes)
    assert content_of(backup) == before
    with engine.connect() as connection:
        assert read_meta(connection, "schema_version") == 3
        assert {*connection.exec_driver_sql("SELECT need FROM item").scalars()} == {2}
    assert migrate(engine, SqliteFile(path), changes) is None
    engine.dispose()
    with pytest.raises(JournalError) as caught:
        ProjectStore.open(path)
    assert (caught.value.path, caught.value.entry) == (path, "schema_version")


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty, path):
    empty.close()
    before = content_of(path)

    def fail(connection):
        raise LookupError

    engine = SqliteFile(path).open_engine(writes=True)
    with pytest.raises(LookupError):
        migrate(engine, SqliteFile(path), [lambda connection: connection.exec_driver_sql("DROP TABLE model"), fail])
    engine.dispose()
    assert content_of(path) == before
    ProjectStore.open(path).close()


def test_what_is_no_project_is_refused_and_left_alone(tmp_path):
    with pytest.raises(InputError) as missing:
        ProjectStore.open(tmp_path / "nothing.db")
    assert missing.value.argument == "path"
    (tmp_path / "text.db").write_text("this is a text of some length, and no database at all" * 20)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.close()
    for name in ("text.db", "other.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(JournalError) as caught:
            ProjectStore.open(tmp_path / name)
        assert caught.value.path == tmp_path / name
        assert (tmp_path / name).read_bytes() == before


def test_a_queue_keeps_unlabelled_training_items_that_nobody_holds(store):
    (held,) = store.claim("bob", 1)
    free = [item for item in range(20) if item % 5 and item != held.item]
    store.append("ann", [label("a", free[0]), ProjectEvent("b", "skip", item=free[1])])
    ranked = [QueueRow(item, "bald", float(-item), 0.5) for item in (held.item, 5, *free)]
    assert store.swap_queue(1, ranked) == len(free) - 1
    assert store.queue() == ranked[3:]
    assert store.epoch() == 1


def test_a_queue_that_fails_leaves_the_old_one(store):
    old = [QueueRow(3, "bald", 0.25), QueueRow(1, "random", None, 0.125)]
    store.swap_queue(4, old)
    wrong = {
        "epoch": (4, old),
        "rows": (5, [*old, QueueRow(99, "bald")]),
        "score and prob": (5, [QueueRow(2, "bald", math.nan)]),
    }
    for argument, (epoch, rows) in wrong.items():
        with pytest.raises(InputError) as caught:
            store.swap_queue(epoch, rows)
        assert caught.value.argument == argument
    with pytest.raises(InputError) as caught:
        store.swap_queue(5, [*old, old[0]], record=RoundRecord(5, 9, 3, 1, "bald"))
    assert caught.value.rows == (3,)
    assert (store.queue(), store.epoch(), store.rounds()) == (old, 4, [])


def test_rounds_and_models_come_back_with_their_queue(store):
    failed = RoundRecord(1, 7, 10, 2, "batchbald", status="failed", error="NaN in feature 3")
    done = replace(failed, status="done", error="", options={"beta": 4}, info_nats=0.1 + 0.2, seconds={"fit": 0.5})
    model = ModelRecord("r1", "models/r1", "f" * 64, "lsa-1", 12, {"accuracy": 0.75})
    store.add_round(failed)
    store.swap_queue(1, [QueueRow(3, "batchbald")], record=done, model=model)
    assert store.rounds() == [failed, done]
    assert store.models() == [model]
    assert store.claim("ann", 1)[0].model_version == "r1"
    with pytest.raises(InputError):
        store.swap_queue(2, [], model=model)
    assert store.epoch() == 1


def test_people_are_known_by_the_hashes_of_their_tokens(store):
    store.add_person("dora", "hash 1")
    assert store.find_person("hash 1") == "dora"
    store.add_person("dora", "hash 2")
    assert (store.find_person("hash 1"), store.find_person("hash 2")) == (None, "dora")
    with pytest.raises(sa.exc.IntegrityError):
        store.add_person("ann", "hash 2")
    with pytest.raises(InputError):
        store.add_person(" ")


def test_events_are_read_from_any_place(store):
    store.append("ann", [label(str(n), n) for n in range(10)])
    events = list(store.events())
    assert [each.seq for each in events] == list(range(1, 13))
    assert list(store.events(since_seq=7)) == events[7:]
    assert list(store.events(since_seq=12)) == []


def test_streams_are_read_again_once_an_audit_or_items_change_them(empty):
    empty.add_items(found(4))
    first = empty.streams()
    assert empty.streams() is first
    assert empty.start_audit([2]) == [2]
    assert empty.streams().tolist() == ["train", "train", "audit", "train"]
    empty.add_items([(Entry("more", 4), Item(4, "4" * 64, "", "", group=4, stream="test"))])
    assert empty.streams().tolist() == ["train", "train", "audit", "train", "test"]
    assert first.tolist() == ["train"] * 4
