"""What a report says of settings, versions, unfinished trials and how labels are counted."""

from __future__ import annotations

from pathlib import Path

import journal_fakes as fakes

from lindley.session.events import Resumed
from lindley.session.journal_file import JournalStore
from lindley.study.read_results import load_results
from lindley.study.report.run_details import (
    describe_continuations,
    describe_excluded,
    describe_label_counting,
    describe_unequal_first_fits,
    describe_unfinished,
    environments_table,
    settings_table,
)


def test_the_settings_of_every_experiment_stand_side_by_side(tmp_path: Path) -> None:
    study = fakes.make_study(
        fakes.experiment_table("digits", {"bald": {}, "batchbald": {"num_configurations": 500}}, seeds=2),
        fakes.moons_table(["random"], seeds=1),
    )
    table = settings_table(load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)))
    rows = {row[0]: row[1:] for row in table.rows}
    assert table.columns == ("setting", "Digits", "Two-moons")
    assert rows["schedule.batch_size"] == ("20", "5")
    assert rows["model.network"] == ("digits-mlp", "moons-mlp")
    assert rows["seeds"] == ("0, 1", "0")
    assert rows["acquisitions"][0] == 'BALD, BatchBALD {"num_configurations": 500}'


def test_what_is_done_to_a_pool_is_a_setting_where_something_is(tmp_path: Path) -> None:
    hard = {"duplicates": 2, "out_of_distribution": {"data": "mine:own", "share": 0.3}, "label_noise": 0.1}
    study = fakes.make_study(
        fakes.experiment_table("hard", ["bald"], seeds=1, pool=hard), fakes.experiment_table("plain", ["bald"], seeds=1)
    )
    results = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))
    rows = {row[0]: row[1:] for row in settings_table(results).rows if row[0].startswith("pool.")}
    assert rows == {
        "pool.out_of_distribution": ('{"data": "mine:own", "share": 0.3}', "–"),
        "pool.duplicates": ("2", "–"),
        "pool.label_noise": ("0.1", "–"),
    }
    said = [text for text in describe_label_counting(results) if text.startswith("Hard: ")]
    assert len(said) == 2
    assert "30 % of the pool’s rows are of mine:own" in said[0]
    assert "mislabels each row with probability 0.1" in said[1]


def test_versions_machine_and_hashes_are_those_of_the_manifests(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=2, max_labels=40))
    results = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))
    results.experiments[0].trials[1].manifest["versions"]["torch"] = "2.12.0"
    results.experiments[0].trials[1].manifest["data_hashes"]["pool_inputs"] = "ef" * 32
    said = {description: value for _, description, value in environments_table(results).rows}
    assert said["torch"] == "2.12.0, 2.13.0"
    assert said["device"] == "cpu"
    assert "draws computed" not in said  # these journals say nothing about it
    assert said["data: pool_inputs"] == "2 different values (generated per seed)"
    assert said["data: pool_classes"] == "cd" * 32


def test_how_the_draws_were_computed_is_said_where_the_journals_say_it(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    results = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))
    trial = results.experiments[0].trials[0]
    for number in range(len(trial.rounds)):
        fakes.changed(trial, number, compute_path="masked" if number == 1 else "folded")
    said = {description: value for _, description, value in environments_table(results).rows}
    assert said["computation of draws"] == "folded, masked"


def test_what_was_not_recorded_of_some_trials_is_said_beside_what_was_of_others(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=3, max_labels=40))
    results = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))
    for trial in results.experiments[0].trials[:2]:
        del trial.manifest["cpu"]
    said = {description: value for _, description, value in environments_table(results).rows}
    assert said["cpu"] == "made up; not recorded for 2 of 3 trials"
    assert said["code"] == "–"


def test_seeds_whose_trials_begin_with_other_fits_are_named(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "margin", "bald"], seeds=3, max_labels=60))

    def accuracy(ask: fakes.Asked) -> float:
        elsewhere = ask.acquisition == "bald" and ask.seed != 1
        return 0.5 + 0.1 * ask.round + 0.01 * ask.seed + 0.003 * elsewhere

    (said,) = describe_unequal_first_fits(load_results(fakes.write_study(tmp_path, study, accuracy=accuracy)))
    assert said.startswith("Digits, seeds 0, 2: trials start with the same labels but different first fits")
    assert "BALD | margin, random (equal between the bars)" in said


def test_an_experiment_that_the_study_does_not_have_is_named(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    (tmp_path / "trials/digits").rename(tmp_path / "trials/part-2")
    (tmp_path / "trials/.checkpoints").mkdir()  # of another program
    assert describe_excluded(load_results(tmp_path)) == [
        "trials/part-2: excluded, since the study has no experiment of that name; it has digits."
    ]


def test_settings_that_fits_chose_are_counted(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    results = load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))
    rounds = results.experiments[0].trials[0].rounds
    assert "settings chosen" not in {description for _, description, _ in environments_table(results).rows}
    for number in range(len(rounds)):
        fakes.changed(results.experiments[0].trials[0], number, hyperparameters={"weight_decay": 0.1 * (number == 1)})
    said = {description: value for _, description, value in environments_table(results).rows}
    assert said["tuned settings"] == f"weight_decay = 0.0: {len(rounds) - 1} fits; weight_decay = 0.1: 1 fits"


def test_what_is_not_finished_is_named_with_how_far_it_got(tmp_path: Path) -> None:
    done = {("random", 0): None, ("bald", 0): 3, ("random", 1): None, ("bald", 1): 0}
    study = fakes.make_study(fakes.experiment_table("digits", ["random", "bald"], seeds=2))
    fakes.write_study(
        tmp_path, study, accuracy=fakes.rising, rounds_done=lambda trial: done[trial.acquisition, trial.seed]
    )
    assert describe_unfinished(load_results(tmp_path)) == [
        "Digits, BALD, seed 0: not finished, 60 of 200 labels so far. Its rounds so far are shown.",
        "Digits, BALD, seed 1: no round yet.",
    ]


def test_a_finished_study_has_nothing_unfinished(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    assert describe_unfinished(load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising))) == []


def test_a_trial_continued_under_another_version_is_said(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=1, max_labels=40))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising)
    (folder,) = tmp_path.glob("trials/digits/bald/*")
    with JournalStore(folder) as store:
        store.append([Resumed(round=1, changes={"torch": ["2.12", "2.13"], "code": [None, "ab" * 32]})])
    said = "Digits, BALD, seed 0, from round 1 on: torch 2.12 → 2.13, code None → abababab"
    assert describe_continuations(load_results(tmp_path)) == [said]


def test_a_balanced_start_and_a_subset_of_candidates_are_owned_up_to(tmp_path: Path) -> None:
    plain = fakes.experiment_table("plain", ["bald"], seeds=1, initial="random", max_labels=40)
    helped = fakes.experiment_table("helped", ["bald"], seeds=1, initial="balanced", max_labels=40)
    helped["schedule"]["candidates"] = 10_000
    study = fakes.make_study(plain, helped)
    said = describe_label_counting(load_results(fakes.write_study(tmp_path, study, accuracy=fakes.rising)))
    assert "also the initial ones" in said[0]
    assert said[1].startswith("The initial labels are balanced over the classes in Helped.")
    assert "In practice this requires more labels" in said[1]
    assert said[2].startswith("Helped: each round chose from a random subset of about 10,000 candidates")
    assert len(said) == 3


def test_seeds_that_have_not_started_are_one_sentence(tmp_path: Path) -> None:
    study = fakes.make_study(fakes.experiment_table("digits", ["bald"], seeds=4))
    fakes.write_study(tmp_path, study, accuracy=fakes.rising, rounds_done=lambda trial: 0 if trial.seed else None)
    assert describe_unfinished(load_results(tmp_path)) == ["Digits, BALD, seeds 1, 2, 3: no round yet."]
