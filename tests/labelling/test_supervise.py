"""The trainer as a process beside the server: it is killed, cannot write, meets NaN, and labelling goes on.

It is killed twice, and 20 times where LINDLEY_FUZZ is 2000: each start of a trainer takes seconds.
"""

import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from vector_projects import answer, make_vectors

from lindley.errors import HeldError
from lindley.labelling.desk import Desk
from lindley.labelling.item_features import VECTORS
from lindley.labelling.project import Project

KILLS = max(2, int(os.environ.get("LINDLEY_FUZZ", "0")) // 100)
PATIENCE = 300.0


def wait_for(condition, what):
    """Return what a condition gives, once it gives something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        os.sched_yield()
        time.sleep(0.02)  # a process works meanwhile; nothing is concluded from the time
    raise AssertionError(f"{what} did not come in {PATIENCE:.0f} seconds")


def label_some(desk, count):
    """Label as a person does; every answer must be stored, and another item be there."""
    served = desk.hand_out("ann", 1)
    for _ in range(count):
        receipts, served = desk.take("ann", [answer(served.items[0].item)], 1)
        assert receipts == ["stored"]
        assert served.items


@pytest.fixture
def project(tmp_path):
    with Project.open(make_vectors(tmp_path, rows=600)) as project:
        project.store.add_person("ann")
        yield project


@pytest.mark.slow
def test_labelling_goes_on_while_the_trainer_is_killed_cannot_write_and_comes_back(project):
    moment, pids = random.Random(0), set()
    with Desk(project, seconds=0.0) as desk:
        wait_for(lambda: project.store.epoch() == 1, "the first epoch")
        for _ in range(KILLS):
            epoch, failures = project.store.epoch(), count_failures(project)
            label_some(desk, 10)
            pid = wait_for(lambda: desk.status()["trainer"]["pid"], "a trainer")
            wait_for(lambda: is_training(desk), "a round")
            time.sleep(moment.uniform(0, 0.2))  # the moment of the kill is the experiment
            os.kill(pid, signal.SIGKILL)
            pids.add(pid)
            label_some(desk, 3)
            wait_for(
                lambda: count_failures(project) > failures or project.store.epoch() > epoch,  # noqa: B023
                "a failure, or the end of a round that was quicker",
            )
            label_some(desk, 3)
            wait_for(lambda: project.store.epoch() > epoch, "the next epoch")  # noqa: B023
        assert trainer(desk)["pid"] not in pids
        assert count_failures(project) > 0
        refuse_writes(project, desk)
    assert project.store.rounds()[-1].status == "done"


def refuse_writes(project, desk):
    """The trainer's disk is full: it may write no byte to any file."""
    wait_for(lambda: is_idle(desk), "an idle trainer")
    pid, epoch, queue = trainer(desk)["pid"], project.store.epoch(), project.store.queue()
    limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, limits[1]))
    label_some(desk, 10)
    wait_for(lambda: trainer(desk)["state"] == "failed", "a failure")
    status = desk.status()
    assert status["failure"]
    assert project.store.epoch() == epoch
    assert {row.item for row in project.store.queue()} <= {row.item for row in queue}
    label_some(desk, 3)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    wait_for(lambda: project.store.epoch() > epoch, "the next try")
    assert trainer(desk)["pid"] == pid


def trainer(desk):
    return desk.status()["trainer"]


def is_idle(desk):
    return trainer(desk)["state"] == "idle" and not desk.project.is_round_due(whole_batches=False)


def is_training(desk):
    """Whether a round is under way; where none is, and none will be, one more answer makes it due."""
    if is_idle(desk):
        label_some(desk, 1)
    return trainer(desk)["state"] == "training"


def count_failures(project):
    return sum(each.status == "failed" for each in project.store.rounds())


@pytest.mark.slow
def test_a_feature_that_is_no_number_fails_rounds_until_it_is_mended(tmp_path):
    folder = make_vectors(tmp_path, rows=60)
    vectors = np.load(folder / VECTORS)
    damaged = vectors.copy()
    damaged[7, 2] = np.nan
    np.save(folder / VECTORS, damaged)
    with Project.open(folder) as project:
        project.store.add_person("ann")
        with Desk(project, seconds=0.0) as desk:
            wait_for(lambda: trainer(desk)["state"] == "failed", "a failure")
            assert "7" in desk.status()["failure"]
            label_some(desk, 3)
            np.save(folder / VECTORS, vectors)
            wait_for(lambda: project.store.epoch() == 1, "the next try")


def test_two_desks_of_one_project_are_refused_by_the_name_of_the_holder(project):
    with Desk(project, lockstep=True):
        with Project.open(project.folder) as other, pytest.raises(HeldError) as raised:
            Desk(other, lockstep=True)
        assert str(os.getpid()) in raised.value.holder
    with Project.open(project.folder) as other, Desk(other, lockstep=True):
        pass
