"""An audit draws fresh items, keeps their groups from training, and is judged once by one model."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vector_projects import CLASSES, label_items, make_vectors

from lindley.errors import InputError
from lindley.labelling.accuracy import audit_interval
from lindley.labelling.audit import draw_audit
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.epochs import Epoch, write_epoch
from lindley.labelling.initialise import add_source, make_project
from lindley.labelling.project import Project
from lindley.labelling.records import Entry, Item, ProjectEvent
from lindley.labelling.settings import ProjectSettings, read_settings
from lindley.labelling.snapshot import take_snapshot
from lindley.labelling.sources.open_source import open_source
from lindley.labelling.storages import DATABASE
from lindley.labelling.store import ProjectStore
from lindley.labelling.streams import assign_streams

COPIES = 3


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.open(make_vectors(tmp_path, rows=40)) as project:
        yield project


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Project]:
    """Thirty vectors, each three times with differences that make no other item of it for a person."""
    write_copies(tmp_path / "vectors.npy", range(COPIES))
    settings = ProjectSettings(kind="vectors", test_labels=9)
    make_project(tmp_path / "project", open_source(tmp_path / "vectors.npy"), CLASSES, settings)
    with Project.open(tmp_path / "project") as project:
        assert len({*project.store.groups().tolist()}) == 30
        yield project


def write_copies(path: Path, copies: range) -> None:
    base = np.random.default_rng(0).normal(size=(30, 8))
    base[:, 0] += np.where(np.arange(30) % 2, 3.0, -3.0)
    np.save(path, np.concatenate([base * (1 + 1e-6 * copy) for copy in copies]).astype(np.float32))


def stream_items(project: Project, *names: str) -> list[int]:
    return np.isin(project.store.streams(), names).nonzero()[0].tolist()


def add_model(project: Project, predicted: dict[int, int]) -> str:
    """Add a model that predicts these classes, and class 0 of all other items; return its version."""
    number = project.store.epoch() + 1
    probs = np.tile([0.75, 0.25], (project.num_items, 1))
    probs[[item for item, class_id in predicted.items() if class_id == 1]] = [0.25, 0.75]
    last = max((event.seq or 0 for event in project.store.events()), default=0)
    epoch = Epoch(number, last, "batchbald", (0, 1), 10, (), model_version=f"r{number}")
    write_epoch(project.folder, epoch, probs)
    project.adopt(number)
    return f"r{number}"


# Fresh items


def test_fresh_items_alone_are_drawn_and_come_first(project: Project) -> None:
    answered = label_items(project, 10)
    held = [lease.item for lease in project.ask(3, person="bob")]
    drawn = draw_audit(project, 20)
    assert len({*drawn}) == 20
    assert not {*drawn} & {*answered, *held}
    assert [lease.item for lease in project.ask(5, person="cem")] == drawn[:5]
    assert {str(project.store.streams()[item]) for item in drawn} == {"audit"}


@pytest.mark.parametrize("kind", ["label", "import", "skip", "flag", "note", "reveal", "adjudicate"])
@pytest.mark.parametrize("is_undone", [False, True])
def test_a_group_that_ever_had_an_event_is_not_fresh(copied: Project, kind: str, is_undone: bool) -> None:
    copied.store.add_person("ann")
    person = "" if kind == "import" else "ann"
    by_group = [np.flatnonzero(copied.store.groups() == group).tolist() for group in {*copied.store.groups().tolist()}]
    touched = [items[place % COPIES] for place, items in enumerate(by_group[:25])]
    events = [ProjectEvent(f"{item}", kind, item=item, class_id=0, note="!") for item in touched]  # type: ignore[arg-type]
    copied.store.append(person, events)
    if is_undone and kind not in ("import", "reveal"):
        copied.store.append("ann", [ProjectEvent(uuid4().hex, "undo", target_uuid=f"{item}") for item in touched])
    with pytest.raises(InputError):
        draw_audit(copied, 6)
    assert copied.store.start_audit(touched) == []
    used = {*copied.store.groups()[touched].tolist()}
    assert not {*copied.store.groups()[draw_audit(copied, 5)].tolist()} & used


def test_more_than_there_are_is_refused_and_changes_nothing(project: Project) -> None:
    label_items(project, 10)
    with pytest.raises(InputError) as raised:
        draw_audit(project, 31)
    assert raised.value.got == 31
    assert "audit" not in project.store.streams()
    assert len(draw_audit(project, 30)) == 30


def test_an_item_is_drawn_as_often_as_any_other(tmp_path: Path) -> None:
    """Over 40 seeds each of 20 items is among the 5 that are drawn 10 times, give or take 2.7."""
    template, counts = make_vectors(tmp_path, rows=20), [0] * 20
    for seed in range(40):
        folder = Path(shutil.copytree(template, tmp_path / str(seed)))
        settings = read_settings(folder).model_copy(update={"seed": seed})
        with Project(folder, settings, ProjectStore.open(folder / DATABASE)) as project:
            for item in draw_audit(project, 5):
                counts[item] += 1
    assert sum(counts) == 200
    assert min(counts) >= 1
    assert max(counts) <= 20


# Groups


def test_the_group_of_an_audits_item_leaves_training_and_the_queue(copied: Project) -> None:
    copied.train()
    label_items(copied, 12)
    copied.train()
    drawn = draw_audit(copied, 10)
    groups = copied.store.groups()
    apart = np.isin(groups, groups[drawn]).nonzero()[0].tolist()
    assert stream_items(copied, "audit") == sorted(drawn)
    assert stream_items(copied, "excluded") == sorted({*apart} - {*drawn})
    assert len(apart) == 10 * COPIES
    assert not {row.item for row in copied.store.queue()} & {*apart}
    served = label_items(copied, copied.num_items - 12 - len(apart) + len(drawn))
    assert {*served} & {*apart} == {*drawn}
    assert copied.ask(5, person="ann") == []
    epoch = copied.train()
    assert not {row.item for row in epoch.queue} & {*apart}
    assert not {*take_snapshot(copied).train} & {*apart}


def test_labels_that_come_to_excluded_items_are_not_trained_on(copied: Project) -> None:
    draw_audit(copied, 10)
    excluded = stream_items(copied, "excluded")
    copied.tell(dict.fromkeys(excluded[:3], "left"))
    copied.store.append("", [ProjectEvent(uuid4().hex, "import", item=item, class_id=0) for item in excluded[3:5]])
    found = take_snapshot(copied)
    assert (found.train, found.test, found.audit) == ({}, {}, {})
    assert {*found.unused} == {*excluded[:5]}


def test_near_duplicates_that_come_later_are_no_items_of_the_audit(copied: Project, tmp_path: Path) -> None:
    drawn = draw_audit(copied, 10)
    streams = dict(zip(copied.store.groups().tolist(), copied.store.streams().tolist(), strict=True))
    before = copied.num_items
    write_copies(tmp_path / "more.npy", range(COPIES, COPIES + 2))
    add_source(copied, open_source(tmp_path / "more.npy"))
    assert stream_items(copied, "audit") == sorted(drawn)
    assert copied.status().audits == [AuditStatus(1, 10, 0, 0)]
    audited = {*copied.store.groups()[drawn].tolist()}
    for item in range(before, copied.num_items):
        group = int(copied.store.groups()[item])
        assert copied.store.streams()[item] == ("excluded" if group in audited else streams[group])


def test_an_audit_that_begins_while_items_are_added_keeps_them_from_training(tmp_path: Path) -> None:
    with ProjectStore.create(tmp_path / DATABASE) as store:
        store.add_items((Entry(f"{row}", row), Item(row, f"{row}", "", "", row, "train")) for row in range(3))
        with store.add() as addition:
            addition.add([(Entry("new", 3), Item(3, "3", "", "", 1, "train"))])
            assert store.start_audit([1]) == [1]
            addition.finish({3: (1, "train")})
        assert store.streams().tolist() == ["train", "audit", "train", "excluded"]


def test_what_comes_to_an_audits_group_is_excluded_and_to_others_as_they_are() -> None:
    groups = [0, 1, 2, 2, 4, 0, 1, 2, 4, 9]
    known = ["train", "test", "audit", "excluded", "train"]
    streams = assign_streams(groups, [f"{item}" for item in range(10)], seed=0, known=known, test_labels=0)  # type: ignore[arg-type]
    assert streams[:9] == [*known, "train", "test", "excluded", "train"]


# Judging


def test_an_audit_is_judged_when_all_of_it_is_answered(project: Project) -> None:
    """By a model from before it, in whose test items its own were not."""
    version = add_model(project, dict.fromkeys(range(40), 1))
    audit = draw_audit(project, 30)
    project.tell(dict.fromkeys(audit[:29], "right"))
    assert project.status().audits == [AuditStatus(1, 30, 29, 0)]
    project.tell({audit[29]: "left"})
    assert project.status().audits == [AuditStatus(1, 30, 30, 0, version, 10, 29, *audit_interval(29, 30))]


def test_the_newest_model_at_the_last_answer_judges_and_no_later_one(project: Project) -> None:
    add_model(project, {})
    audit = draw_audit(project, 6)
    project.tell(dict.fromkeys(audit[:5], "right"))
    version = add_model(project, {audit[0]: 1, audit[1]: 1})
    project.tell({audit[5]: None})
    judged = project.status().audits
    assert judged == [AuditStatus(1, 6, 5, 1, version, 10, 2, *audit_interval(2, 5, 1))]
    add_model(project, dict.fromkeys(range(40), 1))
    assert project.status().audits == judged


def test_what_people_say_after_the_verdict_does_not_change_it(project: Project) -> None:
    add_model(project, {})
    audit = draw_audit(project, 4)
    project.tell(dict.fromkeys(audit, "left"))
    judged = project.status().audits
    assert judged[0].num_correct == 4
    uuids = [each.uuid for each in project.store.events() if each.item == audit[0]]
    for change in (
        lambda: project.undo(uuids[0]),
        lambda: project.tell({audit[1]: "right", audit[2]: None}),
        lambda: project.tell(dict.fromkeys(audit, "right"), person="bob"),
        lambda: add_model(project, dict.fromkeys(audit, 1)),
        lambda: project.store.change_class(1, "merge", 0),
    ):
        change()
        assert project.status().audits == judged


def test_without_a_model_the_first_one_judges(project: Project) -> None:
    audit = draw_audit(project, 5)
    project.tell(dict.fromkeys(audit, "left"))
    assert project.status().audits == [AuditStatus(1, 5, 5, 0)]
    version = add_model(project, {audit[0]: 1})
    add_model(project, {})
    assert project.status().audits == [AuditStatus(1, 5, 5, 0, version, 10, 4, *audit_interval(4, 5))]


def test_an_audit_of_several_people_waits_for_all_of_them(project: Project) -> None:
    project.settings = project.settings.model_copy(update={"people_per_item": 2})
    add_model(project, {})
    audit = draw_audit(project, 3)
    project.tell(dict.fromkeys(audit, "left"), person="ann")
    assert project.status().audits[0].low is None
    project.tell({audit[0]: "left", audit[1]: "right", audit[2]: None}, person="bob")
    found = project.status().audits[0]
    assert (found.num_labels, found.num_undecided, found.num_correct) == (2, 1, 2)


def test_an_imported_label_answers_no_item_of_an_audit(project: Project) -> None:
    add_model(project, {})
    audit = draw_audit(project, 3)
    project.store.append("", [ProjectEvent(uuid4().hex, "import", item=item, class_id=0) for item in audit])
    assert project.status().audits == [AuditStatus(1, 3, 0, 0)]
    assert [lease.item for lease in project.ask(3)] == audit


def test_nothing_is_added_to_an_audit_that_is_under_way(project: Project) -> None:
    drawn = draw_audit(project, 5)
    for _ in range(2):
        with pytest.raises(InputError) as raised:
            draw_audit(project, 5)
        assert raised.value.argument == "labels"
        assert stream_items(project, "audit") == sorted(drawn)
        project.tell(dict.fromkeys(drawn[:4], "left"))


def test_a_second_audit_is_one_of_its_own(project: Project) -> None:
    first_model = add_model(project, {})
    first = draw_audit(project, 5)
    project.tell(dict.fromkeys(first, "left"))
    second_model = add_model(project, {})
    second = draw_audit(project, 4)
    assert not {*first} & {*second}
    judged = AuditStatus(1, 5, 5, 0, first_model, 10, 5, *audit_interval(5, 5))
    assert project.status().audits == [judged, AuditStatus(2, 4, 0, 0)]
    assert [lease.item for lease in project.ask(4)] == second
    project.tell(dict.fromkeys(second, "right"))
    assert project.status().audits == [judged, AuditStatus(2, 4, 4, 0, second_model, 10, 0, *audit_interval(0, 4))]
