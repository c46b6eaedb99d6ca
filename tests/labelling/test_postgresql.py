"""What is PostgreSQL's own: addresses, passwords, one writer, backups. The tests of the store run on it too."""

from __future__ import annotations

import json
import sqlite3
import threading
import zipfile

import numpy as np
import pytest
import sqlalchemy as sa
from postgres_server import new_schema
from small_projects import found, label
from vector_projects import label_items, make_vectors

from lindley.errors import ConfigurationError, DataError, HeldError, InputError, JournalError
from lindley.labelling.backup import back_up_project, restore_project
from lindley.labelling.desk import Desk
from lindley.labelling.finder import Finder
from lindley.labelling.initialise import make_project
from lindley.labelling.postgresql import PostgresqlDatabase, check_url, find_password
from lindley.labelling.project import Project
from lindley.labelling.settings import FILE_NAME, ProjectSettings, read_settings
from lindley.labelling.sources.open_source import open_source
from lindley.labelling.storages import DATABASE
from lindley.labelling.store import ProjectStore

URL = "postgresql://ann@db.example:5433/labels?schema=pets"


@pytest.fixture
def database(postgres, tmp_path):
    return PostgresqlDatabase(new_schema(postgres), tmp_path / DATABASE)


@pytest.fixture
def folder(postgres, tmp_path):
    """The folder of a project whose labels are in PostgreSQL, with a model."""
    made = make_vectors(tmp_path, database=new_schema(postgres))
    with Project.open(made) as project:
        label_items(project, 20)
        project.train()
    return made


def test_a_project_is_labelled_trained_and_opened_again(folder):
    assert not (folder / DATABASE).exists()
    with Project.open(folder) as project:
        status = project.status()
        assert sum(status.labels.values()) == 20
        assert project.store.epoch() == 1
        first, again = ([lease.item for lease in project.ask(3, person="ann")] for _ in range(2))
        assert first == again


def test_a_backup_is_restored_as_a_project_in_a_file_with_the_same_content(folder, tmp_path):
    with Project.open(folder) as project:
        back_up_project(project, tmp_path / "backup.zip")
        project.export(tmp_path / "one.jsonl")
        before = [*project.store.events()]
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert b"postgresql" not in archive.read(FILE_NAME)
    restore_project(tmp_path / "backup.zip", tmp_path / "again")
    with Project.open(tmp_path / "again") as again:
        again.export(tmp_path / "two.jsonl")
        assert [*again.store.events()] == before
        assert [*again.store.queue()] != []
        label_items(again, 2)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    with sqlite3.connect(tmp_path / "again" / DATABASE) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("DELETE FROM event")
    connection.close()


def test_a_backup_of_a_file_is_restored_into_postgresql_with_the_same_content(postgres, tmp_path):
    url = new_schema(postgres)
    with Project.open(make_vectors(tmp_path)) as project:
        label_items(project, 20)
        project.train()
        for name in ("east", "west"):
            project.store.add_class(name)
        project.store.change_class(2, "merge", 3)  # a class may be merged into one that comes later
        back_up_project(project, tmp_path / "backup.zip")
        project.export(tmp_path / "one.jsonl")
        before = [*project.store.events()], project.store.classes(), project.store.rounds(), [*project.store.queue()]
    restore_project(tmp_path / "backup.zip", tmp_path / "again", database=url)
    assert not [each.name for each in (tmp_path / "again").iterdir() if each.name.startswith(DATABASE)]
    assert read_settings(tmp_path / "again").database == url
    with Project.open(tmp_path / "again") as again:
        again.export(tmp_path / "two.jsonl")
        store = again.store
        assert ([*store.events()], store.classes(), store.rounds(), [*store.queue()]) == before
        label_items(again, 5)  # events go on behind those that were restored
        assert again.train().number == 2
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    with pytest.raises(InputError) as raised:
        restore_project(tmp_path / "backup.zip", tmp_path / "third", database=url)
    assert raised.value.argument == "database"
    assert str(tmp_path / "again") in str(raised.value)
    assert not (tmp_path / "third").exists()


def test_a_damaged_backup_leaves_neither_a_folder_nor_a_project_in_the_schema(postgres, folder, tmp_path):
    with Project.open(folder) as project:
        back_up_project(project, tmp_path / "backup.zip")
    content = (tmp_path / "backup.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(content[: len(content) // 2])
    url = new_schema(postgres)
    with pytest.raises(DataError):
        restore_project(tmp_path / "half.zip", tmp_path / "again", database=url)
    assert not (tmp_path / "again").exists()
    restore_project(tmp_path / "backup.zip", tmp_path / "again", database=url)


def test_a_desk_answers_as_it_does_on_sqlite(postgres, tmp_path):
    """The page's tools: search in any alphabet, similar items, grids, disputes, history, progress."""
    answers = []
    texts = [f"ÄRGER {row} im Büro" if row % 3 == 0 else f"100% glad_{row} 'so'" for row in range(40)]
    (tmp_path / "texts.csv").write_text("\n".join(["text", *texts]), encoding="utf-8")
    for name, url in {"file": "", "server": new_schema(postgres)}.items():
        settings = {"kind": "text", "text": "text", "num_draws": 4, "test_labels": 9, "people_per_item": 2}
        settings = ProjectSettings(**settings, database=url)
        make_project(tmp_path / name, open_source(tmp_path / "texts.csv", text="text"), ["gut", "böse"], settings)
        with Project.open(tmp_path / name) as project:
            for person in ("ann", "bob"):
                for lease in project.ask(12, person=person):
                    project.tell({lease.item: "gut" if (lease.item + (person == "bob")) % 2 else "böse"}, person=person)
            project.train()
            project.store.change_class(0, "split", ["sehr gut", "ganz gut"])
            with Desk(project, lockstep=True) as desk:
                answers.append(plain(ask_everything(desk)))
    assert answers[0] == answers[1]


def ask_everything(desk):
    finder = Finder(desk.project)
    yield from (finder.search("ann", word, 50) for word in ("ärger", "büro", "100%", "glad_1", "gut", "'", ""))
    yield finder.find_similar("ann", 0, 10)
    yield [(each.item, probability) for each, probability in finder.open_grid("ann", 1, 6)]
    yield [each.item for each in finder.claim("ann", [1, 2, 3, 30, 31], "search")]
    yield finder.disputes("ann", 50)
    yield desk.history("bob", "büro", 50)
    yield {**desk.describe(), "id": None}
    yield [each.item for each in desk.hand_out("bob", 5).items]
    yield desk.status()


def plain(values):
    """Return values without what differs from one project to another: times, uuids, addresses."""

    def strip(value):
        if isinstance(value, dict):
            left_out = ("time", "uuid", "lease", "name", "seconds_per_label", "trainer", "version", "failure")
            return {key: strip(each) for key, each in value.items() if key not in left_out}
        return [strip(each) for each in value] if isinstance(value, list | tuple) else value

    return json.loads(json.dumps([strip(each) for each in values]))


def test_classes_merged_into_later_ones_are_in_a_backup(database, tmp_path):
    with ProjectStore.create(database) as store:
        store.add_items(found(3))
        for name in ("cat", "dog", "animal"):
            store.add_class(name)
        store.change_class(0, "merge", 2)
        store.back_up(tmp_path / "copy.db")
        before = store.classes()
    with ProjectStore.open(tmp_path / "copy.db") as copy:
        assert copy.classes() == before


def test_one_transaction_writes_at_a_time_so_that_no_reader_misses_an_event(database):
    """Else one that ends later could hold an event of a smaller number than another reader has seen."""
    with ProjectStore.create(database) as store:
        store.add_items(found(3))
        store.add_person("ann")
        store.add_class("cat")
    engine = database.open_engine(writes=True)
    with ProjectStore.open(database, busy_seconds=0.2) as store:
        with engine.begin(), pytest.raises(HeldError):
            store.append("ann", [label("a", 0)])
        assert store.append("ann", [label("a", 0)]) == ["stored"]
    engine.dispose()


def test_a_database_with_items_is_not_taken_over_and_what_a_killed_init_left_is(database):
    with ProjectStore.create(database) as store:
        store.add_class("cat")  # an init that was killed before its items came
    with ProjectStore.create(database) as store:
        assert store.classes() == []
        store.add_items(found(3))
    with pytest.raises(InputError) as raised:
        ProjectStore.create(database)
    assert raised.value.argument == "path"


def make_again(url, folder, **options):
    """Make a project of a few vectors in a schema."""
    np.save(folder.with_suffix(".npy"), np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32))
    settings = ProjectSettings(kind="vectors", database=url)
    make_project(folder, open_source(folder.with_suffix(".npy")), ["a", "b"], settings, **options)


def test_a_second_project_in_a_schema_is_refused_by_address_and_project(postgres, tmp_path):
    url = new_schema(postgres)
    make_again(url, tmp_path / "first")
    before = (tmp_path / "first" / FILE_NAME).read_bytes()
    with pytest.raises(InputError) as raised:
        make_again(url, tmp_path / "second")
    assert raised.value.argument == "database"
    assert url in str(raised.value)
    assert f"{tmp_path / 'first'} on " in str(raised.value)
    assert not (tmp_path / "second").exists()
    assert (tmp_path / "first" / FILE_NAME).read_bytes() == before
    with Project.open(tmp_path / "first") as project:
        assert project.num_items == 9


def test_a_second_init_at_the_same_moment_is_refused_and_harms_nothing(postgres, tmp_path):
    url = new_schema(postgres)

    def interfere(project, found):
        with pytest.raises(InputError) as raised:
            make_again(url, tmp_path / "second")
        assert raised.value.argument == "database"
        assert f"is being filled with the labels of the project {tmp_path / 'first'} on " in str(raised.value)

    make_again(url, tmp_path / "first", finish=interfere)
    with Project.open(tmp_path / "first") as project:
        assert project.num_items == 9


def test_of_many_inits_at_once_one_makes_its_project(postgres, tmp_path):
    url, outcomes = new_schema(postgres), {}

    def one(name):
        try:
            make_again(url, tmp_path / name)
            outcomes[name] = "made"
        except InputError as error:
            outcomes[name] = error.argument

    threads = [threading.Thread(target=one, args=(f"p{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) == ["database"] * 5 + ["made"]
    (made,) = (name for name, outcome in outcomes.items() if outcome == "made")
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == [made]
    with Project.open(tmp_path / made) as project:
        assert project.num_items == 9


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_init_that_ends_after_its_items_came_can_be_run_again(postgres, tmp_path, error):
    url = new_schema(postgres)

    def fail(project, found):
        assert project.num_items == 9
        raise error

    with pytest.raises(error):
        make_again(url, tmp_path / "project", finish=fail)
    make_again(url, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        assert project.num_items == 9


def test_two_schemas_of_one_database_do_not_meet(postgres, tmp_path):
    one, two = (PostgresqlDatabase(new_schema(postgres), tmp_path / name) for name in ("a.db", "b.db"))
    with ProjectStore.create(one) as first, ProjectStore.create(two) as second:
        first.add_items(found(3))
        assert [*second.items()] == []


def test_a_schema_without_a_project_is_refused(database):
    with pytest.raises(JournalError):
        ProjectStore.open(database)


def test_a_server_that_is_down_is_named_without_a_password(tmp_path, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "tell-nobody")
    pytest.importorskip("pg8000")
    down = PostgresqlDatabase("postgresql://ann@127.0.0.1:1/labels", tmp_path / DATABASE)
    with pytest.raises(JournalError) as raised:
        ProjectStore.open(down)
    assert "127.0.0.1:1" in str(raised.value)
    assert "tell-nobody" not in str(raised.value)


def test_words_of_any_alphabet_are_found_whatever_their_case(database):
    with ProjectStore.create(database) as store:
        lowered = store.read(lambda c: c.scalar(sa.select(sa.func.unicode_lower("ÄÖ ΣΊΓΜΑ ЖЁ"))))
    assert lowered == "äö σίγμα жё"


def test_an_address_is_kept_without_its_password(tmp_path):
    assert check_url(URL) == URL
    assert check_url("postgres://h/d") == "postgresql://h/d"
    with pytest.raises(InputError) as raised:
        check_url("postgresql://ann:tell-nobody@host/labels")
    assert raised.value.argument == "database"
    assert "tell-nobody" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["", "mysql://h/d", "postgresql://h", "postgresql://h/d?sslmode=off", "x", "sqlite:///a.db"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InputError) as raised:
        check_url(url)
    assert raised.value.argument == "database"


def test_a_password_in_the_settings_is_refused_by_file_and_key(tmp_path):
    (tmp_path / FILE_NAME).write_text('kind = "text"\ndatabase = "postgresql://a:tell-nobody@h/d"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read_settings(tmp_path)
    assert "database" in str(raised.value)
    assert "tell-nobody" not in str(raised.value)


def test_the_password_is_found_as_postgresqls_own_programs_find_it(tmp_path, monkeypatch):
    lines = ["# a comment", "other:*:*:*:wrong", r"db.example:5433:labels:ann:a\:b\\c", "*:*:*:*:last"]
    (tmp_path / "pass").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    assert find_password(sa.make_url(URL)) == r"a:b\c"
    assert find_password(sa.make_url("postgresql://bob@elsewhere/x")) == "last"
    (tmp_path / "pass").chmod(0o644)
    assert find_password(sa.make_url(URL)) is None, "others may read it"
    monkeypatch.setenv("PGPASSWORD", "first")
    assert find_password(sa.make_url(URL)) == "first"
