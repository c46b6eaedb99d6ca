"""The learner of an experiment, with one training configuration and with several."""

import torch

from lindley.contracts import Labels, TrainingData
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.head.tuned_learner import TunedLearner
from lindley.posteriors.temperature_scaling import TemperatureScaled
from lindley.session.state import read_state
from lindley.session.trial import run_trial
from lindley.study.config.schema import Experiment
from lindley.study.running.assembler import Assembler
from lindley.study.running.learners import build_experiment_learner
from lindley.study.trials import Trial


def experiment_of(**training):
    return Experiment.model_validate(
        {
            "name": "experiment",
            "data": {"name": "two-moons", "options": {"num_pool": 40, "num_test": 20}},
            "model": {"network": "moons-mlp", "num_draws": 3},
            "training": {"steps": 20, **training},
            "schedule": {"initial_labels": 8, "batch_size": 2, "max_labels": 10},
            "acquisitions": {"bald": {}},
        }
    )


def setup_of(experiment):
    return Assembler(device="cpu", threads=1, data_dir=None, folder=None).setup(Trial(experiment, "bald", {}, 0))


def test_an_experiment_without_choice_has_the_learner_of_its_recipe():
    network = build_network("moons-mlp", input_shape=(2,), num_classes=2)
    learner = build_experiment_learner(experiment_of(weight_decay=0.1), network, device="cpu")
    assert isinstance(learner, MCDropout)
    assert (learner.config.steps, learner.config.weight_decay) == (20, 0.1)


def test_every_combination_is_tried_and_the_best_is_the_one_that_is_kept():
    setup = setup_of(experiment_of(tune={"weight_decay": [0.0, 30.0], "dropout": [0.1, 0.5]}))
    learner, task = setup.rounds.learner, setup.rounds.task
    assert isinstance(learner, TunedLearner)
    expected = [{"weight_decay": decay, "dropout": rate} for decay in (0.0, 30.0) for rate in (0.1, 0.5)]
    assert list(learner.settings) == expected
    rows = torch.arange(20)
    labels = Labels(rows, setup.classes[rows])
    tuned = learner.fit(TrainingData(setup.pool, labels, task), seed=0)
    assert tuned.setting == expected[max(range(4), key=tuned.scores.__getitem__)]
    assert tuned.setting["weight_decay"] == 0.0  # so large a decay leaves features that tell nothing
    alone = learner.build(tuned.setting).fit(TrainingData(setup.pool, labels, task), seed=0)
    inputs = setup.pool.read(rows)
    assert torch.equal(tuned.draw(3, seed=1).predict(inputs).log_probs, alone.draw(3, seed=1).predict(inputs).log_probs)


def test_the_journal_says_what_each_round_chose(tmp_path):
    run_trial(setup_of(experiment_of(tune={"measure": "leave-one-out", "weight_decay": [0.0, 30.0]})), tmp_path)
    chosen = [each.fit.hyperparameters for each in read_state(tmp_path).rounds]
    assert chosen == [{"weight_decay": 0.0}] * 2


def test_a_journal_without_choice_says_nothing_of_it(tmp_path):
    run_trial(setup_of(experiment_of()), tmp_path)
    assert not any(each.fit.hyperparameters for each in read_state(tmp_path).rounds)


def test_a_temperature_is_chosen_beside_the_rest_and_said(tmp_path):
    setup = setup_of(experiment_of(tune={"weight_decay": [0.0, 30.0], "temperature": [0.5, 4.0], "folds": 2}))
    run_trial(setup, tmp_path)
    for each in read_state(tmp_path).rounds:
        assert each.fit.hyperparameters["temperature"] in (0.5, 4.0)
        assert each.fit.hyperparameters["weight_decay"] in (0.0, 30.0)


def test_a_temperature_alone_may_be_chosen():
    learner = build_experiment_learner(
        experiment_of(tune={"temperature": [0.5, 4.0]}),
        build_network("moons-mlp", input_shape=(2,), num_classes=2),
        device="cpu",
    )
    assert isinstance(learner, TemperatureScaled)
    assert isinstance(learner.learner, MCDropout)


def test_a_study_may_stop_early_by_labels_that_count(tmp_path):
    experiment = experiment_of(patience=1, check_every=5)
    experiment = experiment.model_copy(
        update={"schedule": experiment.schedule.model_copy(update={"validation_labels": 6, "max_labels": 16})}
    )
    run_trial(setup_of(experiment), tmp_path)
    state = read_state(tmp_path)
    assert [len(query.rows) for query in state.queries if query.purpose == "validation"] == [6]
    assert [each.labels for each in state.rounds] == [14, 16]
