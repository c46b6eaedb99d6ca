"""Which trials a study has, and what their keys depend on."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from lindley.study.config.resolution import resolve_study
from lindley.study.config.schema import Experiment, Study
from lindley.study.config.study_files import load_study
from lindley.study.trials import Trial, trials_of

ROOT = Path(__file__).parents[2]


def experiment(**changes: object) -> Experiment:
    tables = {
        "name": "moons",
        "title": "Moons",
        "seeds": 2,
        "data": {"name": "two-moons", "options": {"noise": 0.1}},
        "model": {"network": "moons-mlp"},
        "schedule": {"initial_labels": 10, "batch_size": 5, "max_labels": 20},
        "acquisitions": {"random": {}, "batchbald": {"num_configurations": 100}},
    }
    return Experiment.model_validate({**tables, **changes})


def trial(changed: Experiment | None = None, acquisition: str = "random", seed: int = 0) -> Trial:
    return Trial(changed or experiment(), acquisition, {}, seed)


def test_trials_come_experiment_by_experiment_then_seed_by_seed():
    study = Study(name="s", title="S", experiments=(experiment(), experiment(name="other", seeds=1, first_seed=7)))
    assert [(each.experiment.name, each.seed, each.acquisition) for each in trials_of(study)] == [
        ("moons", 0, "random"),
        ("moons", 0, "batchbald"),
        ("moons", 1, "random"),
        ("moons", 1, "batchbald"),
        ("other", 7, "random"),
        ("other", 7, "batchbald"),
    ]


def test_trial_has_its_acquisitions_options():
    study = Study(name="s", title="S", experiments=(experiment(seeds=1),))
    assert [each.options for each in trials_of(study)] == [{}, {"num_configurations": 100}]


def test_later_keys_are_no_part_of_a_tuned_trial_that_does_not_use_them():
    tuned = trial(experiment(training={"tune": {"weight_decay": [0.1, 1.0]}})).key_settings()["training"]
    assert tuned["tune"].keys() == {"measure", "weight_decay", "prior_precision", "dropout"}
    assert not tuned.keys() & {"patience", "check_every"}
    tempered = trial(experiment(training={"tune": {"temperature": [0.5, 1.0]}})).key_settings()["training"]["tune"]
    assert (tempered["temperature"], tempered["folds"]) == ([0.5, 1.0], 5)
    assert "validation_labels" not in trial().key_settings()["schedule"]


def test_names_titles_number_of_seeds_and_max_labels_leave_the_key_as_it_is():
    longer = {"initial_labels": 10, "batch_size": 5, "max_labels": 500}
    other = experiment(name="else", title="Else", seeds=9, schedule=longer, acquisitions={"random": {}})
    assert trial(other).key == trial().key


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"name": "two-moons", "options": {"noise": 0.2}}},
        {"model": {"network": "moons-mlp", "num_draws": 7}},
        {"training": {"steps": 7}},
        {"training": {"prior_precision": 1.0}},
        {"training": {"warmup": 100}},
        {"training": {"shift": 2}},
        {"training": {"rotate": 10.0}},
        {"training": {"scale": 0.1}},
        {"training": {"flip": True}},
        {"training": {"epochs": 30}},
        {"training": {"optimizer": "adamw"}},
        {"training": {"class_weights": [1.0, 2.0]}},
        {"training": {"tune": {"weight_decay": [0.0, 0.1]}}},
        {"schedule": {"initial_labels": 10, "batch_size": 6, "max_labels": 20}},
        {"schedule": {"initial_labels": 10, "batch_size": 5, "max_labels": 20, "candidates": 50}},
        {"schedule": {"initial_labels": 10, "batch_size": 5, "max_labels": 20, "initial": "balanced"}},
        {"observe": {"grid": True}},
        {"observe": {"transfer": {"models": ["forest"]}}},
        {"pool": {"subset": 100}},
        {"pool": {"class_imbalance": {"upper moon": 0.1}}},
        {"pool": {"out_of_distribution": {"data": "mine:moons", "share": 0.1}}},
        {"pool": {"duplicates": 2}},
        {"pool": {"duplicate_noise": 0.1}},
        {"pool": {"label_noise": 0.1}},
    ],
)
def test_what_can_change_a_result_changes_the_key(changes):
    assert trial(experiment(**changes)).key != trial().key


def test_a_pool_to_which_nothing_is_done_and_no_transfer_are_no_part_of_the_key():
    plain = experiment(
        pool={"subset": 0, "class_imbalance": {}, "out_of_distribution": False, "duplicates": 1},
        observe={"transfer": False},
    )
    assert trial(plain).key_settings() == trial().key_settings()
    assert "pool" not in trial().key_settings()
    assert trial().key_settings()["observe"] == {"grid": False, "information": None}


def test_only_what_changes_something_of_a_pool_is_part_of_the_key():
    assert trial(experiment(pool={"subset": 9, "label_noise": 0.0})).key_settings()["pool"] == {"subset": 9}


def test_acquisition_options_and_seed_change_the_key():
    keys = {
        trial().key,
        trial(seed=1).key,
        trial(acquisition="batchbald").key,
        Trial(experiment(), "batchbald", {"num_configurations": 100}, 0).key,
    }
    assert len(keys) == 4


def test_a_method_that_changed_under_its_name_has_other_keys_than_before():
    settings = trial(acquisition="batchbald").key_settings()
    assert settings.pop("method_version") == 2
    assert "method_version" not in trial(acquisition="batchbald-logdet").key_settings()
    assert {**settings, "acquisition": "bald"} == trial(acquisition="bald").key_settings()


def test_information_changes_the_key_of_its_own_acquisition_only():
    measured = experiment(observe={"information": {"acquisition": "batchbald", "labels": [10]}})
    assert trial(measured, "random").key == trial(acquisition="random").key
    assert trial(measured, "batchbald").key != trial(acquisition="batchbald").key


@pytest.mark.parametrize("study", sorted((ROOT / "reports").glob("*/study.json")), ids=lambda path: path.parent.name)
def test_journals_of_earlier_versions_keep_their_folders(study):
    kept = {
        path.parent.relative_to(study.parent).as_posix() for path in study.parent.glob("trials/*/*/*/journal.jsonl")
    }
    assert kept
    named = {trial.folder for trial in trials_of(Study.model_validate_json(study.read_text()))}
    assert kept <= named


def with_targets(targets: int) -> Experiment:
    return experiment(schedule={"initial_labels": 10, "batch_size": 5, "max_labels": 20, "targets": targets})


def test_number_of_targets_changes_the_keys_of_those_that_look_at_targets_only():
    assert trial(with_targets(7), "bald").key == trial(acquisition="bald").key
    assert trial(with_targets(7), "epig").key != trial(acquisition="epig").key
    assert "targets" in trial(acquisition="epig").key_settings()["schedule"]


def test_number_of_targets_changes_the_key_of_ones_own_acquisition_where_it_is_not_the_default():
    assert "targets" not in trial(acquisition="mine:own").key_settings()["schedule"]
    assert trial(with_targets(100), "mine:own").key == trial(acquisition="mine:own").key
    assert trial(with_targets(7), "mine:own").key != trial(acquisition="mine:own").key


def test_key_settings_are_json_of_the_same_value():
    settings = trial(experiment(observe={"information": {"acquisition": "random", "labels": [10]}})).key_settings()
    assert json.loads(json.dumps(settings)) == settings


def test_folder_names_experiment_acquisition_seed_and_key():
    one = trial(seed=3)
    assert one.folder == f"trials/moons/random/seed-3-{one.key[:8]}"
    assert ":" not in trial(acquisition="my.module:name").folder


def test_trial_travels_to_another_process_with_its_key():
    again = pickle.loads(pickle.dumps(trial()))
    assert again == trial()
    assert again.key == trial().key


def test_keys_of_journals_that_are_kept_stay_what_they_were():
    kept = Path(__file__).parents[2] / "reports"
    if not kept.is_dir():
        pytest.skip("the kept reports are in the repository only, not in the source archive")
    for name in ("mnist", "batch"):
        ours = {each.folder for each in trials_of(resolve_study(load_study(name), kept / name, device="cpu"))}
        theirs = {
            str(each.parent.relative_to(kept / name)) for each in (kept / name).glob("trials/*/*/*/manifest.json")
        }
        assert theirs
        assert theirs <= ours
