"""A random share of the items is labelled by one more person, who does not see the label of the other."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from lindley import Project
from lindley.labelling.audit import draw_audit
from lindley.labelling.consensus import pairwise_agreement
from lindley.labelling.fold import fold

ITEMS = 400


def make(folder: Path, **options: object) -> Project:
    with (folder / "texts.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["text"], *([f"text {row} {row * 7919 % 997}"] for row in range(ITEMS))])
    return Project.create(folder / "project", folder / "texts.csv", **{"text": "text", "classes": ["a", "b"]} | options)


def needs(project: Project) -> dict[int, int]:
    return dict(project.store.read(lambda c: c.exec_driver_sql("SELECT id, need FROM item").all()))


def label_all(project: Project, person: str, class_name: str = "a") -> list[int]:
    """Label whatever the person is served, until nothing is left."""
    project.store.add_person(person)
    labelled: list[int] = []
    while leases := project.store.claim(person, 20):
        labelled += [each.item for each in leases]
        project.tell({each.item: class_name for each in leases}, person=person)
    return labelled


@pytest.mark.parametrize(("overlap", "share"), [(1, 0.0), (1, 0.25), (2, 0.25), (1, 1.0)])
def test_the_share_is_drawn_at_random_and_needs_one_more_person(tmp_path: Path, overlap: int, share: float) -> None:
    with make(tmp_path, overlap=overlap, double=share) as project:
        found = needs(project)
        assert {*found.values()} <= {overlap, overlap + 1}
        doubled = [each for each, need in found.items() if need == overlap + 1]
        error = 4 * (ITEMS * share * (1 - share)) ** 0.5  # four standard errors
        assert abs(len(doubled) - ITEMS * share) <= error
        assert share in (0, 1) or 0.4 < sum(doubled) / len(doubled) / ITEMS < 0.6  # all over the file


def test_one_person_labels_every_item_once_and_a_second_one_the_share_alone(tmp_path: Path) -> None:
    with make(tmp_path, double=0.1) as project:
        doubled = {each for each, need in needs(project).items() if need == 2}
        assert sorted(label_all(project, "ann")) == list(range(ITEMS))
        assert {*label_all(project, "bob", "b")} == doubled
        agreement = pairwise_agreement(fold(project.store.events()))
        assert agreement["ann", "bob"].num_items == len(doubled)
        assert agreement["ann", "bob"].observed == 0


def test_an_audit_ends_although_one_person_labels_alone(tmp_path: Path) -> None:
    with make(tmp_path, double=1.0) as project:
        drawn = draw_audit(project, 10)
        assert {needs(project)[each] for each in drawn} == {1}
        project.store.add_person("ann")
        project.tell(dict.fromkeys(drawn, "a"), person="ann")
        opened = project.store.read(lambda c: c.exec_driver_sql("SELECT id, open FROM item").all())
        assert {count for each, count in opened if each in drawn} == {0}


def test_items_that_are_added_later_are_doubled_too(tmp_path: Path) -> None:
    from lindley.labelling.initialise import add_source
    from lindley.labelling.sources.open_source import open_source

    with make(tmp_path, double=1.0) as project:
        (tmp_path / "more.csv").write_text("text\nquite another one\n")
        add_source(project, open_source(tmp_path / "more.csv", text="text"))
        assert {*needs(project).values()} == {2}
