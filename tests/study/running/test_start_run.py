"""What study.json says when several processes run into one folder, and what does not go together."""

import json
import re

import pytest
from journal_fakes import experiment_table, make_study

from lindley.errors import InputError
from lindley.study.running.start_run import merge_studies, start_run


def study(*, name="made-up", **changes):
    return make_study(experiment_table("digits", changes.pop("acquisitions", ["random"]), **changes), name=name)


def held(out):
    return json.loads((out / "study.json").read_text())["experiments"]


def test_a_process_that_is_alone_writes_its_own_study(tmp_path):
    for seeds in (3, 2):
        with start_run(study(seeds=seeds), tmp_path, device="cpu"):
            assert [experiment["seeds"] for experiment in held(tmp_path)] == [seeds]


def test_one_that_joins_runs_its_own_study_and_the_folder_holds_both(tmp_path):
    ours = study(seeds=1, max_labels=300, acquisitions=["bald"])
    with start_run(study(seeds=3), tmp_path, device="cpu"), start_run(ours, tmp_path, device="cpu") as mine:
        assert mine == ours
        (experiment,) = held(tmp_path)
    assert (experiment["seeds"], experiment["schedule"]["max_labels"]) == (3, 300)
    assert list(experiment["acquisitions"]) == ["random", "bald"]


def test_seeds_that_follow_are_joined_and_a_gap_is_refused(tmp_path):
    both = merge_studies(study(seeds=2), study(seeds=3, first_seed=2), tmp_path)
    assert (both.experiments[0].first_seed, both.experiments[0].seeds) == (0, 5)
    with pytest.raises(InputError) as caught:
        merge_studies(study(seeds=2), study(seeds=3, first_seed=3), tmp_path)
    assert (caught.value.argument, caught.value.got) == ("out", tmp_path)


def test_experiments_that_only_one_has_are_kept(tmp_path):
    first = make_study(experiment_table("a", ["random"]), experiment_table("b", ["random"]))
    second = make_study(experiment_table("c", ["random"]), experiment_table("b", ["random"]))
    assert [experiment.name for experiment in merge_studies(first, second, tmp_path).experiments] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"batch_size": 10}, "schedule.batch_size"),
        ({"model": {"network": "digits-mlp", "num_draws": 5}}, "model.num_draws"),
        ({"pool": {"label_noise": 0.1}}, "pool.label_noise"),
        ({"acquisitions": {"batchbald": {"num_configurations": 7}}}, "acquisitions.batchbald"),
        ({"name": "another"}, "another"),
    ],
)
def test_other_settings_are_refused_while_a_process_runs_and_accepted_after(tmp_path, other, key):
    theirs = study(acquisitions={"batchbald": {}})
    mine = study(**{"acquisitions": {"batchbald": {}}, **other})
    with start_run(theirs, tmp_path, device="cpu"):
        refused = pytest.raises(InputError, match=re.escape(key))  # golden message: the key that differs
        with refused, start_run(mine, tmp_path, device="cpu"):
            pass
        assert held(tmp_path) == theirs.model_dump(mode="json")["experiments"]
    with start_run(mine, tmp_path, device="cpu"):
        assert held(tmp_path) == mine.model_dump(mode="json")["experiments"]
