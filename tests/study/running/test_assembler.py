"""From names to what a trial runs: catalogue entries, a user's own, and what is refused."""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lindley.acquisition import ACQUISITIONS
from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import ConfigurationError, InputError, JournalError
from lindley.session.rounds import RoundSettings
from lindley.session.state import read_state
from lindley.session.trial import run_trial
from lindley.study.config.schema import Experiment
from lindley.study.config.study_files import load_study
from lindley.study.running.assembler import Assembler
from lindley.study.trials import Trial, trials_of

MINE = """
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from lindley.acquisition.top_k import top_k
from lindley.contracts import Classification
from lindley.datasets.dataset import Dataset
from lindley.pools.memory import MemoryPool
from lindley.posteriors import Bagging

def stripes(*, seed, width=1.0):
    inputs = torch.randn(40, 2, generator=torch.Generator().manual_seed(seed))
    classes = (inputs[:, 0] * width > 0).long()
    return Dataset("stripes", Classification(("left", "right")), MemoryPool(inputs), classes,
                   inputs[:10], classes[:10], (2,), hashes={"seed": str(seed)})

def network(*, input_shape, num_classes):
    return nn.Sequential(nn.Linear(*input_shape, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, num_classes))

def unhashed(*, seed, shift=0.0, swap=0):
    known = stripes(seed=0)
    classes = known.classes.clone()
    classes[-1] = (classes[-1] + swap) % 2
    return Dataset("unhashed", known.task, MemoryPool(known.test_inputs.repeat(4, 1) + shift), classes,
                   known.test_inputs, known.test_classes, (2,))

first_class = top_k(lambda log_probs: log_probs[:, :, 0].mean(1))

def not_data(*, seed):
    return 3

def not_a_network(*, input_shape, num_classes):
    return "network"

number = 7

def all_convolutions(*, input_shape, num_classes):
    return nn.Sequential(nn.Unflatten(1, (1, 1, 2)), nn.Conv2d(1, num_classes, (1, 2)), nn.Flatten())

def logistic(*, num_draws, scale=1.0, **others):
    seen.append({"num_draws": num_draws, "scale": scale, **others})
    return Bagging(LogisticRegression(C=scale), members=num_draws)

seen = []

def not_a_learner(**given):
    return 7

def takes_nothing():
    return None

class Watched:
    requires = {"targets", "features"}

    def __init__(self, chosen=first_class):
        self.chosen, self.contexts = chosen, []

    def __call__(self, context, batch_size, *, seed):
        self.contexts.append(context)
        return self.chosen(context, batch_size, seed=seed)

watched = Watched()
greedy = Watched()
greedy.requires = {"labels"}
"""
DIGITS_WITH_GRID = {"data": {"name": "digits"}, "model": {"network": "digits-mlp"}, "observe": {"grid": True}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine_for_assemble.py").write_text(MINE)
    return folder


def trial_of(acquisition="bald", options=None, *, seed=0, **tables):
    experiment = {
        "name": "experiment",
        "title": "Experiment",
        "data": {"name": "two-moons", "options": {"num_pool": 40, "num_test": 20}},
        "model": {"network": "moons-mlp", "num_draws": 3},
        "training": {"steps": 2},
        "schedule": {"initial_labels": 4, "batch_size": 2, "max_labels": 8},
        "acquisitions": {acquisition: options or {}},
        **tables,
    }
    return Trial(Experiment.model_validate(experiment), acquisition, options or {}, seed)


@pytest.fixture
def assembler(folder):
    return Assembler(device="cpu", threads=1, data_dir=None, folder=folder)


def test_a_trial_of_the_catalogues_is_ready_to_run(assembler):
    setup = assembler.setup(trial_of(seed=5))
    assert isinstance(setup.rounds, RoundSettings)
    assert (setup.rounds.seed, setup.rounds.num_draws, setup.rounds.candidates) == (5, 3, 0)
    assert (len(setup.pool), setup.schedule.num_rounds) == (40, 3)
    assert set(setup.observers) == {"test"}


def test_the_data_of_a_seed_are_loaded_once_and_other_seeds_have_others(assembler):
    first, same = (assembler.setup(trial_of(name)) for name in ("bald", "random"))
    other = assembler.setup(trial_of(seed=1))
    assert first.pool is same.pool
    assert other.manifest["data_hashes"] != first.manifest["data_hashes"]


def test_observers_are_those_that_the_experiment_asks_for(assembler):
    observe = {"grid": True, "information": {"acquisition": "bald", "labels": [4], "picks": 3}}
    assert set(assembler.setup(trial_of("bald", observe=observe)).observers) == {"test", "grid", "information"}
    assert set(assembler.setup(trial_of("random", observe=observe)).observers) == {"test", "grid"}


HARD = {
    "subset": 30,
    "class_imbalance": {"upper moon": 0.5},
    "out_of_distribution": {"data": "mine_for_assemble:stripes", "share": 0.25},
    "duplicates": 2,
    "label_noise": 0.2,
}


def test_a_corrupted_pool_is_of_the_seed_and_the_same_for_all_acquisitions(folder):
    first, same, other = (
        Assembler(device="cpu", threads=1, data_dir=None, folder=folder).setup(trial_of(name, seed=seed, pool=HARD))
        for name, seed in (("bald", 0), ("random", 0), ("bald", 1))
    )
    hashes = [setup.manifest["data_hashes"] for setup in (first, same, other)]
    assert hashes[0] == hashes[1]
    assert hashes[0]["pool_inputs"] != hashes[2]["pool_inputs"]
    assert torch.equal(first.classes, same.classes)
    rows = torch.arange(len(first.pool))
    assert torch.equal(first.pool.read(rows), same.pool.read(rows))


def test_a_corrupted_pool_is_not_taken_for_the_plain_one_of_the_same_data(assembler):
    sizes = [len(assembler.setup(trial_of(pool=pool)).pool) for pool in ({}, {"subset": 30}, {"duplicates": 2}, {})]
    assert sizes == [40, 30, 80, 40]


def test_a_trial_on_a_corrupted_pool_runs_and_says_queried_kinds(assembler, tmp_path):
    setup = assembler.setup(trial_of(pool=HARD))
    assert set(setup.observers) == {"test", "queried"}
    run_trial(setup, tmp_path)
    state = read_state(tmp_path)
    rows = list(state.answers)
    told = setup.classes[rows]
    assert [-1 if each.value is None else each.value for each in state.answers.values()] == told.tolist()
    asked = state.rounds[-1].metrics["queried"]
    assert asked["labels"] == 8
    assert asked["out_of_distribution"] == int((told == NONE_OF_THE_CLASSES).sum())
    assert asked["duplicates"] == 8 - setup.sources[rows].unique().numel()
    held = state.rounds[-1].metrics["pool"]
    assert held["labels"] == len(setup.pool)
    assert held["duplicates"] == len(setup.pool) // 2


def test_a_changed_hard_pool_is_refused_when_a_trial_is_continued(assembler, tmp_path):
    run_trial(assembler.setup(trial_of(pool=HARD)), tmp_path)
    key = trial_of(pool=HARD).key
    other = assembler.setup(trial_of(pool=HARD | {"label_noise": 0.3}))
    longer = replace(other, manifest=other.manifest | {"key": key}, schedule=replace(other.schedule, max_labels=10))
    with pytest.raises(JournalError) as caught:
        run_trial(longer, tmp_path)
    assert caught.value.entry == "data_hashes"


def test_the_manifest_tells_the_code_of_ones_own_data_from_outside(assembler):
    assert set(assembler.setup(trial_of(pool=HARD)).manifest["own_code"]) == {"mine_for_assemble:stripes"}


@pytest.mark.parametrize("labels", [[], [4, 8]])
def test_other_models_are_fitted_where_the_experiment_asks_for_it(assembler, tmp_path, labels):
    observe = {"transfer": {"models": ["forest", "head"], "labels": labels, "num_draws": 7}}
    run_trial(assembler.setup(trial_of(observe=observe)), tmp_path)
    rounds = read_state(tmp_path).rounds
    measured = {each.labels: each.metrics["transfer"] for each in rounds if "transfer" in each.metrics}
    assert list(measured) == (labels or [4, 6, 8])
    assert all(set(each) == {"forest", "head"} for each in measured.values())
    assert all(
        0 <= model["accuracy"] <= 1 and model["nll"] > 0 for each in measured.values() for model in each.values()
    )


def test_measuring_transfer_changes_nothing_else_of_a_trial(assembler, tmp_path):
    observe = {"transfer": {"models": ["forest"]}}
    plain, measured = (
        [
            (each.query, {key: value for key, value in each.metrics.items() if key != "transfer"})
            for each in read_state(tmp_path / name).rounds
        ]
        for name, tables in (("plain", {}), ("measured", {"observe": observe}))
        if run_trial(assembler.setup(trial_of(**tables)), tmp_path / name) is None
    )
    assert plain == measured


def test_a_users_own_data_network_and_acquisition_run(assembler, tmp_path):
    trial = trial_of(
        "mine_for_assemble:first_class",
        data={"name": "mine_for_assemble:stripes", "options": {"width": 2.0}},
        model={"network": "mine_for_assemble:network", "num_draws": 3},
    )
    events = []
    run_trial(assembler.setup(trial), tmp_path, on_progress=events.append)
    assert [event["labels"] for event in events if event["stage"] == "round"] == [4, 6, 8]


OWN_POSTERIOR = {"posterior": "mine_for_assemble:logistic", "options": {"scale": 0.5}, "num_draws": 3}


def test_a_users_own_posterior_is_given_what_the_study_says_and_runs(assembler, tmp_path):
    trial = trial_of(model=OWN_POSTERIOR, training={"steps": 2, "learning_rate": 0.1})
    setup = assembler.setup(trial)
    assert type(setup.rounds.learner).__name__ == "Bagging"
    given = sys.modules["mine_for_assemble"].seen[-1]
    config = given.pop("config")
    assert (config.steps, config.learning_rate) == (2, 0.1)
    assert given == {"num_draws": 3, "scale": 0.5, "network": None, "precision": "float32", "device": "cpu"}
    assert set(setup.manifest["own_code"]) == {"mine_for_assemble:logistic"}
    run_trial(setup, tmp_path)
    assert [each.labels for each in read_state(tmp_path).rounds] == [4, 6, 8]


def test_a_users_own_posterior_gets_the_network_with_the_dropout_that_is_tuned(assembler):
    model = {"posterior": "mine_for_assemble:logistic", "network": "moons-mlp", "num_draws": 3}
    tuned = assembler.setup(
        trial_of(model=model, training={"steps": 2, "tune": {"dropout": [0.1, 0.4]}})
    ).rounds.learner
    for setting in tuned.settings:
        tuned.build(setting)
        network = sys.modules["mine_for_assemble"].seen[-1]["network"]()
        assert {layer.p for layer in network if isinstance(layer, torch.nn.Dropout)} == {setting["dropout"]}


@pytest.mark.parametrize(
    ("model", "argument"),
    [
        ({"posterior": "mine_for_assemble:number"}, "model.posterior"),
        ({"posterior": "mine_for_assemble:not_a_learner"}, "model.posterior"),
        ({"posterior": "mine_for_assemble:takes_nothing"}, "model.posterior"),
        (
            {"posterior": "mine_for_assemble:logistic", "options": {"num_draws": 7, "device": "cuda"}},
            "model.options",
        ),
        ({"posterior": "builtins:dict"}, "model.posterior"),
    ],
)
def test_a_posterior_of_ones_own_that_is_none_is_refused(assembler, model, argument):
    with pytest.raises(ConfigurationError) as caught:
        assembler.setup(trial_of(model={**model, "num_draws": 3}))
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("acquisition", "model"),
    [("mine_for_assemble:missing", {}), ("bald", {"posterior": "mine_for_assemble:missing", "num_draws": 3})],
)
def test_a_name_that_a_module_of_ones_own_lacks_is_refused(assembler, acquisition, model):
    with pytest.raises(ConfigurationError) as caught:
        assembler.setup(trial_of(acquisition, **({"model": model} if model else {})))
    assert caught.value.got == "mine_for_assemble:missing"


def test_features_of_a_posterior_of_ones_own_are_missed_when_they_are_asked_for(assembler, tmp_path):
    setup = assembler.setup(trial_of("coreset", model=OWN_POSTERIOR))
    with pytest.raises(InputError) as caught:
        run_trial(setup, tmp_path)
    assert (caught.value.argument, caught.value.got) == ("features", "BaggingPosterior")


def test_needs_of_the_catalogue_reach_the_rounds(assembler):
    for name in ("bald", "epig", "coreset"):
        assert assembler.setup(trial_of(name)).rounds.requires == ACQUISITIONS[name].requires
    schedule = {"initial_labels": 4, "batch_size": 2, "max_labels": 8, "targets": 7}
    assert assembler.setup(trial_of("epig", schedule=schedule)).rounds.num_targets == 7


@pytest.mark.parametrize("name", sorted(name for name in ACQUISITIONS if ACQUISITIONS[name].requires))
def test_every_acquisition_that_needs_something_runs(assembler, tmp_path, name):
    events = []
    run_trial(assembler.setup(trial_of(name)), tmp_path, on_progress=events.append)
    assert [event["labels"] for event in events if event["stage"] == "round"] == [4, 6, 8]


def test_ones_own_acquisition_says_what_it_needs_and_gets_it(assembler, tmp_path):
    setup = assembler.setup(trial_of("mine_for_assemble:watched"))
    run_trial(setup, tmp_path)
    contexts = setup.rounds.acquisition.contexts
    assert [context.targets.shape[1:] for context in contexts] == [(3, 2), (3, 2)]
    assert [len(context.labelled_features) for context in contexts] == [4, 6]


def test_building_a_network_to_look_at_it_moves_no_generator(assembler):
    before = torch.get_rng_state()
    assembler.setup(trial_of("coreset"))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_an_option_needs_reaches_the_rounds_too(assembler, tmp_path):
    assert assembler.setup(trial_of("logdet")).rounds.requires == frozenset()
    setup = assembler.setup(trial_of("logdet", {"kernel": "features"}))
    assert setup.rounds.requires == {"features", "labelled_features"}
    run_trial(setup, tmp_path)
    assert read_state(tmp_path).is_complete(8)


def test_features_are_refused_before_anything_runs_where_there_are_none(assembler):
    model = {"network": "mine_for_assemble:all_convolutions", "num_draws": 3}
    assert assembler.setup(trial_of("bald", model=model))
    forest = {"posterior": "forest", "num_draws": 3}
    for tables, argument in (
        ({"model": model}, "model.network"),
        ({"model": forest, "training": {}}, "model.posterior"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            assembler.setup(trial_of("coreset", **tables))
        assert caught.value.argument == argument


def test_the_manifest_tells_the_code_of_what_is_ones_own(assembler, folder):
    mine = {"data": {"name": "mine_for_assemble:stripes"}, "model": {"network": "mine_for_assemble:network"}}
    names = ["mine_for_assemble:stripes", "mine_for_assemble:network", "mine_for_assemble:first_class"]
    digest = hashlib.sha256((folder / "mine_for_assemble.py").read_bytes()).hexdigest()
    manifest = assembler.setup(trial_of("mine_for_assemble:first_class", **mine)).manifest
    assert manifest["own_code"] == dict.fromkeys(names, digest)
    assert assembler.setup(trial_of()).manifest["own_code"] == {}


def test_changed_data_of_ones_own_are_refused_although_they_bring_no_hashes(assembler, tmp_path):
    def trial(**options):
        return trial_of(data={"name": "mine_for_assemble:unhashed", "options": options})

    run_trial(assembler.setup(trial()), tmp_path)
    key = assembler.setup(trial()).manifest["key"]
    for options in ({"shift": 1.0}, {"swap": 1}):
        longer = assembler.setup(trial(**options))
        longer = replace(
            longer, manifest={**longer.manifest, "key": key}, schedule=replace(longer.schedule, max_labels=10)
        )
        with pytest.raises(JournalError) as caught:
            run_trial(longer, tmp_path)
        assert caught.value.entry == "data_hashes"


@pytest.mark.parametrize(
    ("acquisition", "options", "tables", "argument"),
    [
        ("bald", {}, {"data": {"name": "mine_for_assemble:not_data"}}, "data.name"),
        ("mine_for_assemble:first_class", {"power": 2}, {}, "acquisitions.mine_for_assemble:first_class"),
        ("mine_for_assemble:number", {}, {}, "acquisitions.mine_for_assemble:number"),
        ("mine_for_assemble:greedy", {}, {}, "acquisitions.mine_for_assemble:greedy"),
        (
            "bald",
            {},
            {"data": {"name": "digits"}, "model": {"network": "digits-mlp"}, "observe": {"grid": True}},
            "observe.grid",
        ),
    ],
)
def test_what_does_not_fit_is_refused(assembler, acquisition, options, tables, argument):
    with pytest.raises(ConfigurationError) as caught:
        assembler.setup(trial_of(acquisition, options, **tables))
    assert caught.value.argument == argument


def test_a_users_network_that_is_none_is_refused(assembler, tmp_path):
    setup = assembler.setup(trial_of(model={"network": "mine_for_assemble:not_a_network", "num_draws": 3}))
    with pytest.raises(ConfigurationError) as caught:
        run_trial(setup, tmp_path)
    assert (caught.value.argument, caught.value.got) == ("model.network", "str")


def test_more_labels_than_rows_are_refused(assembler):
    with pytest.raises(InputError) as caught:
        assembler.setup(trial_of(schedule={"initial_labels": 4, "batch_size": 2, "max_labels": 41}))
    assert (caught.value.argument, caught.value.got) == ("schedule.max_labels", 41)


@pytest.mark.parametrize("name", ["digits-imbalanced", "digits-duplicates", "digits-noisy-labels"])
def test_a_corrupted_pool_is_bit_for_bit_that_of_the_stored_journals(name):
    trial = trials_of(load_study(name))[-1]
    stored = Path(__file__).parents[3] / "reports" / name / trial.folder / "manifest.json"
    setup = Assembler(device="cpu", threads=1, data_dir=None, folder=None).setup(trial)
    assert setup.manifest["data_hashes"] == json.loads(stored.read_text())["data_hashes"]
