"""A study file: defaults and experiments, and what is said of one that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from lindley.errors import ConfigurationError
from lindley.study.config import validation
from lindley.study.config.schema import CorruptedPool, Study, Training
from lindley.study.config.study_files import builtin_studies, load_study
from lindley.study.trials import trials_of
from lindley.training.config import TrainingConfig

GOOD = """
title = "A study"
seeds = 3

[data]
name = "two-moons"
options = { noise = 0.1 }

[model]
network = "moons-mlp"

[schedule]
initial_labels = 10
batch_size = 5
max_labels = 33

[acquisitions]
random = {}
bald = {}
"""
TWO_EXPERIMENTS = """
[[experiments]]
name = "first"

[[experiments]]
name = "second"
title = "The second"
seeds = 1
data = { name = "digits" }
model = { network = "digits-mlp" }
schedule = { batch_size = 4 }
acquisitions = { margin = {} }
"""


def load(folder: Path, text: str, **overrides: object) -> Study:
    path = folder / "mine.toml"
    path.write_text(text)
    return load_study(path, **overrides)


def refusal(folder: Path, text: str, **overrides: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, **overrides)
    return caught.value


def test_study_without_experiments_is_one_experiment_of_its_name(tmp_path):
    study = load(tmp_path, GOOD)
    (experiment,) = study.experiments
    assert (study.name, study.title, experiment.name, experiment.title) == ("mine", "A study", "mine", "A study")
    assert (experiment.seeds, experiment.first_seed, experiment.schedule.max_labels) == (3, 0, 33)
    assert list(experiment.acquisitions) == ["random", "bald"]


def test_experiment_overrides_the_defaults_key_by_key(tmp_path):
    first, second = load(tmp_path, GOOD + TWO_EXPERIMENTS).experiments
    assert (first.title, first.seeds, first.schedule.batch_size) == ("first", 3, 5)
    assert (second.title, second.seeds, second.schedule.batch_size) == ("The second", 1, 4)
    assert second.schedule.max_labels == first.schedule.max_labels


def test_acquisitions_of_an_experiment_replace_the_default_ones(tmp_path):
    first, second = load(tmp_path, GOOD + TWO_EXPERIMENTS).experiments
    assert list(first.acquisitions) == ["random", "bald"]
    assert list(second.acquisitions) == ["margin"]


def test_options_of_a_data_set_do_not_pass_to_another(tmp_path):
    first, second = load(tmp_path, GOOD + TWO_EXPERIMENTS).experiments
    assert first.data.options == {"noise": 0.1}
    assert second.data.options == {}


def test_experiment_can_turn_information_off(tmp_path):
    observe = '[observe]\ninformation = { acquisition = "random", labels = [10] }\n'
    experiments = '[[experiments]]\nname = "on"\n[[experiments]]\nname = "off"\nobserve = { information = false }\n'
    on, off = load(tmp_path, GOOD + observe + experiments).experiments
    assert on.observe.information.labels == (10,)
    assert off.observe.information is None


def test_rounds_end_at_max_labels_with_a_shortened_batch(tmp_path):
    schedule = load(tmp_path, GOOD).experiments[0].schedule
    assert [schedule.num_labels_at(round) for round in range(schedule.num_rounds)] == [10, 15, 20, 25, 30, 33]


@pytest.mark.parametrize(
    ("old", "new", "argument"),
    [
        ("batch_size = 5", "batch_sise = 5", "schedule.batch_sise"),
        ("seeds = 3", "seads = 3", "seads"),
        ("[model]", "[modell]", "modell"),
        ("batch_size = 5", "batch_size = 0", "schedule.batch_size"),
        ("batch_size = 5", 'batch_size = "5"', "schedule.batch_size"),
        ("seeds = 3", "seeds = true", "seeds"),
        ("seeds = 3", "seeds = 0", "seeds"),
        ("seeds = 3", "first_seed = -1", "first_seed"),
        ('"A study"', "7", "title"),
        ('name = "two-moons"', 'name = "two-moon"', "data.name"),
        ("moons-mlp", "moon-mlp", "model.network"),
        ("bald = {}", "bold = {}", "acquisitions.bold"),
        ("bald = {}", "bald = { num_path = 3 }", "acquisitions.bald"),
        ("bald = {}", "batchbald = { num_path = 3 }", "acquisitions.batchbald"),
        ("bald = {}", "bald = 3", "acquisitions.bald"),
        ("noise = 0.1", "noise = nan", "data.options.noise"),
        ("noise = 0.1", "noise = 1979-05-27", "data.options.noise"),
        ("max_labels = 33", "max_labels = 9", "schedule.max_labels"),
        ("max_labels = 33", "max_labels = 33\ncandidates = 4", "schedule.candidates"),
        ("max_labels = 33", "", "schedule.max_labels"),
        ("seeds = 3", "seeds = 3\ntraining.tune = {}", "training.tune"),
        ("seeds = 3", "seeds = 3\ntraining.tune = { decay = [0.1] }", "training.tune.decay"),
        ("seeds = 3", "seeds = 3\ntraining.tune = { dropout = [0.0] }", "training.tune.dropout[0]"),
        (
            "seeds = 3",
            "seeds = 3\ntraining = { weight_decay = 0.1, tune = { weight_decay = [0.2] } }",
            "training.weight_decay",
        ),
        ("random = {}\nbald = {}", "", "acquisitions"),
        ("noise = 0.1", "nois = 0.1", "data.options"),
        ("noise = 0.1", "noise = -1", "data.options"),
        ("bald = {}", '"my:own" = { a = 1 }', "acquisitions.my:own"),
        ("initial_labels = 10", "initial_labels = 1\ninitial = 'balanced'", "schedule.initial_labels"),
        ("[data]", "[data]\nseed = 3", "data.seed"),
    ],
)
def test_wrong_study_is_refused_by_its_key_and_file(tmp_path, old, new, argument):
    assert old in GOOD
    error = refusal(tmp_path, GOOD.replace(old, new))
    assert (error.argument, error.path) == (argument, tmp_path / "mine.toml")
    assert argument in str(error)


def test_a_misspelt_key_is_shown_the_keys_and_the_nearest(tmp_path):  # golden message
    error = refusal(tmp_path, GOOD.replace("batch_size = 5", "batch_sise = 5"))
    assert str(error) == (
        f"{tmp_path / 'mine.toml'}: schedule.batch_sise is not a key; the keys of [schedule] are initial_labels, "
        'initial, batch_size, max_labels, validation_labels, candidates, targets. Did you mean "batch_size"?'
    )


def test_a_value_beyond_its_limit_is_shown_with_what_was_expected(tmp_path):  # golden message
    error = refusal(tmp_path, GOOD.replace("max_labels = 33", "max_labels = 9"))
    assert str(error) == (
        f"{tmp_path / 'mine.toml'}: schedule.max_labels must be at least schedule.initial_labels = 10; got 9."
    )
    assert (error.got, error.errors[0].expected) == (9, "at least schedule.initial_labels = 10")


@pytest.mark.parametrize(
    ("table", "argument"),
    [
        ('[training]\nschedule = "cosin"', "training.schedule"),
        ("[training]\nlearning_rate = 0", "training.learning_rate"),
        ("[training]\nweight_decay = -1.0", "training.weight_decay"),
        ("[training]\nweight_decay = inf", "training.weight_decay"),
        ("[training]\nsteps = 50\nwarmup = 50", "training.warmup"),
        ("[training]\npatience = 3", "schedule.validation_labels"),
        ("[observe]\ngrid = 1", "observe.grid"),
        ("[observe]\ninformation = { labels = [] }", "observe.information.labels"),
        ("[observe]\ninformation = { labels = [0] }", "observe.information.labels[0]"),
        ("[observe]\ninformation = { labels = [11] }", "observe.information.labels"),
        ('[observe]\ninformation = { acquisition = "margin", labels = [10] }', "observe.information.acquisition"),
        ("[observe]\ninformation = { label = [10] }", "observe.information.label"),
        ("[observe]\ntransfer = { models = [] }", "observe.transfer.models"),
        ("[observe]\ntransfer = { labels = [10] }", "observe.transfer.models"),
        ('[observe]\ntransfer = { models = ["forrest"] }', "observe.transfer.models[0]"),
        ('[observe]\ntransfer = { models = ["ensemble"] }', "observe.transfer.models[0]"),
        ('[observe]\ntransfer = { models = ["head"], labels = [11] }', "observe.transfer.labels"),
        ("[pool]\nduplicats = 2", "pool.duplicats"),
        ("[pool]\nduplicates = 0", "pool.duplicates"),
        ("[pool]\nsubset = -1", "pool.subset"),
        ("[pool]\nduplicate_noise = -0.1", "pool.duplicate_noise"),
        ("[pool]\nlabel_noise = 1.1", "pool.label_noise"),
        (
            "[pool]\nclass_imbalance = { 'upper moon' = 1.0 }",
            "pool.class_imbalance.upper moon",
        ),
        (
            "[pool]\nclass_imbalance = { 'uper moon' = 0.1 }",
            "pool.class_imbalance.uper moon",
        ),
        ("[pool]\nout_of_distribution = { data = 'mnist' }", "pool.out_of_distribution.share"),
        (
            "[pool]\nout_of_distribution = { data = 'mnst', share = 0.1 }",
            "pool.out_of_distribution.data",
        ),
        (
            "[pool]\nout_of_distribution = { data = 'mnist', share = 0.1 }",
            "pool.out_of_distribution.data",
        ),
        (
            "[pool]\nout_of_distribution = { data = 'two-moons', share = 0.1 }",
            "pool.out_of_distribution.data",
        ),
        (
            "[pool]\nout_of_distribution = { data = 'my:own', shar = 0.1 }",
            "pool.out_of_distribution.shar",
        ),
        (
            "[pool]\nout_of_distribution = { data = 'my:own', share = 0.1 }\n[observe]\ngrid = true",
            "pool.out_of_distribution",
        ),
        ("[experiments]\nname = 3", "experiments"),
        ("[[experiments]]\ntitle = 'No name'", "name"),
        ("[[experiments]]\nname = 'a/b'", "experiments[a/b].name"),
        (
            f"[[experiments]]\nname = '{'a' * 101}'",
            f"experiments[{'a' * 101}].name",
        ),
        ("[[experiments]]\nname = 'a'\n[[experiments]]\nname = 'a'", "experiments"),
        (
            "[[experiments]]\nname = 'a'\nschedule = { batch_sise = 3 }",
            "experiments[a].schedule.batch_sise",
        ),
        ("[[experiments]]\nname = 'a'\nschedule = { batch_size = 0 }", "experiments[a].schedule.batch_size"),
        ("[[experiments]]\nname = 'a'\ndescription = 'x'", "experiments[a].description"),
    ],
)
def test_wrong_table_is_refused_by_its_key(tmp_path, table, argument):
    assert refusal(tmp_path, f"{GOOD}\n{table}\n").argument == argument


@pytest.mark.parametrize("posterior", ["mc-dropout", "ensemble"])
def test_posteriors_are_known(tmp_path, posterior):
    text = GOOD.replace("[model]", f'[model]\nposterior = "{posterior}"')
    assert load(tmp_path, text).experiments[0].model.posterior == posterior


def test_unknown_posterior_is_refused(tmp_path):
    error = refusal(tmp_path, GOOD.replace("[model]", '[model]\nposterior = "ensembel"'))
    assert (error.argument, error.got) == ("model.posterior", "ensembel")


@pytest.mark.parametrize("bad", ["mine", "my.module:", ":name", "my module:name", "my.module:two words"])
def test_what_is_not_module_and_name_is_no_name_of_ones_own(tmp_path, bad):
    assert refusal(tmp_path, GOOD.replace('"two-moons"', f'"{bad}"')).argument == "data.name"


def test_names_of_ones_own_are_taken_as_they_are(tmp_path):
    text = GOOD.replace('"two-moons"', '"my.data:load"').replace('"moons-mlp"', '"nets:make"')
    experiment = load(tmp_path, text.replace("bald =", '"asking:mine" =')).experiments[0]
    assert (experiment.data.name, experiment.model.network) == ("my.data:load", "nets:make")
    assert list(experiment.acquisitions) == ["random", "asking:mine"]


def test_more_labels_than_the_data_set_has_rows_are_refused(tmp_path):
    text = GOOD.replace("options = { noise = 0.1 }", "").replace("max_labels = 33", "max_labels = 501")
    error = refusal(tmp_path, text)
    assert (error.argument, error.got) == ("schedule.max_labels", 501)
    assert error.errors[0].expected.startswith("at most 500,")


def test_a_subset_larger_than_the_data_set_is_refused(tmp_path):
    text = GOOD.replace("options = { noise = 0.1 }", "") + "[pool]\nsubset = 501\n"
    error = refusal(tmp_path, text)
    assert (error.argument, error.got) == ("pool.subset", 501)
    assert error.errors[0].expected.startswith("at most 500,")


def test_a_pool_with_copies_may_have_more_labels_than_the_data_set_rows(tmp_path):
    text = GOOD.replace("options = { noise = 0.1 }", "").replace("max_labels = 33", "max_labels = 900")
    assert load(tmp_path, text + "[pool]\nduplicates = 2\n").experiments[0].pool.duplicates == 2


@pytest.mark.parametrize(
    ("pool", "rows"),
    [
        ("subset = 20", 20),
        ("subset = 10\nduplicates = 3", 30),
        ("subset = 15\nout_of_distribution = { data = 'my:own', share = 0.5 }", 30),
    ],
)
def test_more_labels_than_the_corrupted_pool_has_rows_are_refused(tmp_path, pool, rows):
    text = GOOD.replace("options = { noise = 0.1 }", "") + f"[pool]\n{pool}\n"
    error = refusal(tmp_path, text)
    assert (error.argument, error.got) == ("schedule.max_labels", 33)
    assert error.errors[0].expected.startswith(f"at most {rows},")


def test_experiment_can_turn_rows_from_outside_and_transfer_off(tmp_path):
    tables = """
[pool]
out_of_distribution = { data = "my:own", share = 0.1 }
[observe]
transfer = { models = ["head"] }
[[experiments]]
name = "on"
[[experiments]]
name = "off"
pool = { out_of_distribution = false }
observe = { transfer = false }
"""
    on, off = load(tmp_path, GOOD + tables).experiments
    assert on.pool.out_of_distribution.share == 0.1
    assert on.observe.transfer.models == ("head",)
    assert (off.pool, off.observe.transfer) == (CorruptedPool(), None)


def test_every_mistake_is_named_at_once(tmp_path):
    error = refusal(tmp_path, GOOD.replace("batch_size", "batch_sise").replace("network", "netwerk"))
    assert {each.argument for each in error.errors} == {"schedule.batch_sise", "model.netwerk"}


def test_syntax_error_names_file_and_line(tmp_path):
    error = refusal(tmp_path, 'title = "A"\nseeds 3\n')
    assert Path(error.path) == tmp_path / "mine.toml"
    assert "line 2" in str(error)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load_study(tmp_path / "nothere.toml")
    assert caught.value.path == tmp_path / "nothere.toml"


def test_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "odd.toml").write_bytes(b"title = '\xff\xfe'")
    with pytest.raises(ConfigurationError) as caught:
        load_study(tmp_path / "odd.toml")
    assert caught.value.path == tmp_path / "odd.toml"


def test_unknown_study_lists_the_packaged_ones_and_the_nearest():
    with pytest.raises(ConfigurationError) as error:
        load_study("minst")
    assert (error.value.argument, error.value.got) == ("study", "minst")
    assert all(name in str(error.value) for name in builtin_studies())
    assert 'Did you mean "mnist"?' in str(error.value)


def test_overrides_replace_the_values_of_every_experiment(tmp_path):
    study = load(tmp_path, GOOD + TWO_EXPERIMENTS, seeds=2, max_labels=20, acquisitions=["bald"])
    assert [(experiment.seeds, experiment.schedule.max_labels) for experiment in study.experiments] == [
        (2, 20),
        (2, 20),
    ]
    assert [list(experiment.acquisitions) for experiment in study.experiments] == [["bald"], ["bald"]]


def test_description_says_what_the_command_line_changed(tmp_path):
    text = 'description = "Three seeds show it."\n' + GOOD
    changed = load(tmp_path, text, seeds=1, max_labels=20, acquisitions=["bald", "margin"])
    assert changed.description == (
        "Three seeds show it. Changed on the command line: seeds = 1, max_labels = 20, acquisitions = bald, margin."
    )
    assert load(tmp_path, GOOD, seeds=1).description == "Changed on the command line: seeds = 1."
    same = load(tmp_path, text, seeds=3, max_labels=33, acquisitions=["random", "bald"])
    assert same.description == "Three seeds show it."
    keys = [trials_of(study)[0].key for study in (load(tmp_path, text), load(tmp_path, text, seeds=1))]
    assert keys[0] == keys[1]


def test_chosen_acquisition_keeps_the_options_that_its_experiment_gives(tmp_path):
    text = GOOD.replace("bald = {}", "batchbald = { num_configurations = 7 }")
    study = load(tmp_path, text, acquisitions=["batchbald", "margin"])
    assert study.experiments[0].acquisitions == {"batchbald": {"num_configurations": 7}, "margin": {}}


@pytest.mark.parametrize(
    ("overrides", "argument", "got"),
    [
        ({"seeds": 0}, "seeds", 0),
        ({"max_labels": 0}, "max_labels", 0),
        ({"max_labels": 9}, "experiments[mine].schedule.max_labels", 9),
        ({"acquisitions": ["blad"]}, "acquisitions", "blad"),
        ({"acquisitions": []}, "acquisitions", []),
    ],
)
def test_override_that_cannot_be_is_refused(tmp_path, overrides, argument, got):
    error = refusal(tmp_path, GOOD, **overrides)
    assert (error.argument, error.got) == (argument, got)


def test_shortened_run_keeps_what_is_measured_at_later_labels(tmp_path):
    observe = '[observe]\ninformation = { acquisition = "bald", labels = [30] }\n'
    study = load(tmp_path, GOOD + observe, max_labels=20, acquisitions=["random"])
    assert study.experiments[0].observe.information.labels == (30,)


def test_training_has_the_keys_and_defaults_of_the_recipe():
    """But for what a trial cannot have: it gives its learner no posterior to begin at."""
    assert Training().model_dump(exclude={"tune"}) == {
        key: value for key, value in vars(TrainingConfig()).items() if key != "warm_start"
    }


def test_study_survives_json_and_forgets_its_folder(tmp_path):
    study = load(tmp_path, GOOD)
    assert study.folder == tmp_path
    again = Study.model_validate_json(study.model_dump_json())
    assert again == study.model_copy(update={"folder": None})


@pytest.mark.parametrize("name", builtin_studies())
def test_packaged_study_loads_and_says_what_it_is(name):
    study = load_study(name)
    assert study.name == name
    assert study.description


def test_the_packaged_studies_are_these():
    ours = [
        "batch",
        "demo",
        "digits",
        "digits-batch",
        "mnist",
        "mnist-10",
        "mnist-2000",
        "mnist-affine",
        "mnist-warmup",
        "two-moons",
    ]
    hard = ["digits-duplicates", "digits-imbalanced", "digits-noisy-labels", "fashion-outside"]
    reproductions = ["batchbald-cnn", "batchbald-mnist", "repeated-mnist"]
    assert builtin_studies() == sorted([*ours, *hard, *reproductions, "transfer"])


def test_each_hard_study_makes_its_pool_hard_in_one_way():
    ways = {
        "digits-imbalanced": {"class_imbalance"},
        "digits-duplicates": {"duplicates", "duplicate_noise"},
        "digits-noisy-labels": {"label_noise"},
        "fashion-outside": {"subset", "out_of_distribution"},
    }
    for name, keys in ways.items():
        (experiment,) = load_study(name).experiments
        assert {key for key, value in experiment.pool if value != getattr(CorruptedPool(), key)} == keys
        methods = [name for name in experiment.acquisitions if name != "batchbald-logdet"]
        assert methods == ["random", "margin", "entropy", "bald", "batchbald", "power-bald"]
        assert experiment.seeds == 8  # the fewest with which five comparisons can detect anything


def test_mnist_is_the_seed_projects_schedule():
    for name, batch_size in (("mnist", 100), ("mnist-10", 10)):
        (experiment,) = load_study(name).experiments
        schedule = experiment.schedule
        assert (schedule.initial_labels, schedule.batch_size, schedule.max_labels) == (20, batch_size, 1020)
        assert (schedule.initial, schedule.candidates, experiment.model.num_draws) == ("balanced", 0, 10)
        assert experiment.seeds >= 5
        assert list(experiment.acquisitions)[:4] == ["random", "margin", "entropy", "bald"]


def test_batch_compares_bald_with_batchbald_at_four_sizes_on_two_data_sets():
    experiments = load_study("batch").experiments
    sizes = {(experiment.data.name, experiment.schedule.batch_size) for experiment in experiments}
    assert sizes == {(name, size) for name in ("mnist", "repeated-mnist") for size in (4, 10, 40, 100)}
    assert all(experiment.seeds >= 3 and experiment.model.num_draws == 100 for experiment in experiments)
    assert all(list(experiment.acquisitions)[:2] == ["bald", "batchbald"] for experiment in experiments)
    assert all(
        ("batchbald-logdet" in experiment.acquisitions) == (experiment.schedule.batch_size >= 40)
        for experiment in experiments
    )


def test_features_are_refused_of_a_posterior_that_has_none(tmp_path, monkeypatch):
    text = GOOD.replace("bald = {}", "coreset = {}")
    assert load(tmp_path, text).experiments[0].schedule.targets == 100
    monkeypatch.setattr(validation, "WITH_FEATURES", ("ensemble",))
    assert refusal(tmp_path, text).argument == "model.posterior"
    assert refusal(tmp_path, GOOD, acquisitions=["badge"]).argument == "experiments[mine].model.posterior"


def test_a_misspelt_posterior_is_the_only_complaint(tmp_path):
    text = GOOD.replace("bald = {}", "coreset = {}").replace("[model]", '[model]\nposterior = "mc-droput"')
    assert [each.argument for each in refusal(tmp_path, text).errors] == ["model.posterior"]


def test_a_posterior_of_ones_own_may_have_a_network_a_recipe_and_features(tmp_path):
    text = GOOD.replace("[model]", '[model]\nposterior = "mine:logistic"\noptions = { C = 2 }')
    for variant in (text, text.replace('network = "moons-mlp"', ""), text.replace("bald = {}", "coreset = {}")):
        model = load(tmp_path, variant).experiments[0].model
        assert (model.posterior, model.options) == ("mine:logistic", {"C": 2})
    tuned = text + "[training.tune]\ndropout = [0.1]\n"
    assert load(tmp_path, tuned)
    assert refusal(tmp_path, tuned.replace('network = "moons-mlp"', "")).argument == "training.tune.dropout"


FOREST = GOOD.replace('network = "moons-mlp"', 'posterior = "forest"').replace("[training]\nsteps = 100\n", "")


def test_a_posterior_without_a_network_needs_none(tmp_path):
    options = 'posterior = "forest"\noptions = { pseudo_count = 0.5 }'
    model = load(tmp_path, FOREST.replace('posterior = "forest"', options)).experiments[0].model
    assert (model.network, model.posterior, model.options) == ("", "forest", {"pseudo_count": 0.5})


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        (GOOD.replace('network = "moons-mlp"', ""), "model.network"),
        (FOREST.replace("[model]", '[model]\nnetwork = "moons-mlp"'), "model.network"),
        (FOREST + "[training]\nsteps = 7\n", "training.steps"),
        (FOREST.replace("[model]", "[model]\noptions = { trees = 7 }"), "model.options"),
        (FOREST.replace("[model]", "[model]\noptions = { pseudo_count = -1.0 }"), "model.options"),
        (FOREST.replace("[model]", '[model]\noptions = { pseudo_count = "a" }'), "model.options"),
        (GOOD.replace("[model]", "[model]\noptions = { pseudo_count = 7 }"), "model.options"),
    ],
    ids=[
        "no network",
        "a network too many",
        "a recipe too many",
        "not of a forest",
        "below zero",
        "no number",
        "not of dropout",
    ],
)
def test_networks_recipes_and_options_are_those_of_the_posterior(tmp_path, text, argument):
    assert refusal(tmp_path, text).argument == argument


def test_number_of_targets_is_at_least_one(tmp_path):
    error = refusal(tmp_path, GOOD.replace("batch_size = 5", "batch_size = 5\ntargets = 0"))
    assert (error.argument, error.got) == ("schedule.targets", 0)


def test_an_experiment_names_all_data_that_it_reads():
    assert load_study("fashion-outside").experiments[0].data_sets == ("fashion-mnist", "mnist")
    assert load_study("digits").experiments[0].data_sets == ("digits",)


def test_what_an_experiment_says_to_be_empty_is_empty_and_classes_that_are_rare_are_its_own(tmp_path):
    hard = GOOD.replace("[schedule]", '[pool]\nclass_imbalance = { "upper moon" = 0.5 }\nduplicates = 2\n\n[schedule]')
    experiments = """
[[experiments]]
name = "hard"

[[experiments]]
name = "as-it-is"
pool = {}
data = { options = {} }

[[experiments]]
name = "other"
pool = { class_imbalance = { "lower moon" = 0.5 } }
"""
    hard, plain, other = load(tmp_path, hard + experiments).experiments
    assert (hard.pool.class_imbalance, hard.pool.duplicates, hard.data.options) == (
        {"upper moon": 0.5},
        2,
        {"noise": 0.1},
    )
    assert (plain.pool, plain.data.options) == (CorruptedPool(), {})
    assert (other.pool.class_imbalance, other.pool.duplicates) == ({"lower moon": 0.5}, 2)


def test_options_of_a_posterior_go_with_it(tmp_path):
    head = GOOD.replace('network = "moons-mlp"', 'posterior = "forest"\noptions = { pseudo_count = 0.5 }')
    experiments = '[[experiments]]\nname = "first"\n[[experiments]]\nname = "second"\nmodel = { posterior = "head" }\n'
    first, second = load(tmp_path, head + experiments).experiments
    assert (first.model.options, second.model.options) == ({"pseudo_count": 0.5}, {})


def test_a_study_may_begin_with_a_byte_order_mark_and_have_an_empty_title(tmp_path):
    study = load(tmp_path, "\ufeff" + GOOD.replace("A study", "").lstrip())
    assert study.title == study.experiments[0].title == "mine"


@pytest.mark.parametrize("name", [".", "", "/"])
def test_what_is_no_name_of_a_study_is_refused(name):
    with pytest.raises(ConfigurationError) as caught:
        load_study(name)
    assert (caught.value.argument, caught.value.got) == ("study", name)


@pytest.mark.parametrize(
    ("old", "new", "argument"),
    [
        ("seeds = 3", "seeds = 3\ntraining.class_weights = [1, 2, 3]", "training.class_weights"),
        ("seeds = 3", "seeds = 3\ntraining.rotate = 5", "training.rotate"),
        ("options = { noise = 0.1 }", "[observe]\ngrid = true", "observe.grid"),
    ],
)
def test_what_does_not_go_with_the_form_of_the_data_is_refused(tmp_path, old, new, argument):
    text = GOOD if "grid" not in new else GOOD.replace("two-moons", "digits").replace("moons-mlp", "digits-mlp")
    assert refusal(tmp_path, text.replace(old, new)).argument == argument


def test_options_of_the_default_posterior_stay_where_an_experiment_names_it(tmp_path):
    text = GOOD.replace('network = "moons-mlp"', 'network = "moons-mlp"\noptions = { drop_connect = 0.1 }')
    experiments = (
        '[[experiments]]\nname = "first"\n[[experiments]]\nname = "second"\nmodel = { posterior = "mc-dropout" }\n'
    )
    first, second = load(tmp_path, text + experiments).experiments
    assert first.model.options == second.model.options == {"drop_connect": 0.1}
