"""Checks of an experiment beyond types: names and options that no catalogue has, and keys that contradict others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Set

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.specs import ACQUISITIONS
from lindley.contracts import FEATURE_PARTS
from lindley.datasets.catalogue import DATASETS, DatasetSpec, check_dataset_options
from lindley.errors import InputError
from lindley.names import suggest_name
from lindley.networks.catalogue import NETWORKS
from lindley.posteriors.catalogue import POSTERIORS, WITH_FEATURES, WITH_NETWORK, WITHOUT_NETWORK, check_options
from lindley.session.invalid_keys import InvalidKey
from lindley.study.config.schema import CorruptedPool, Experiment, Options, Training, Tune

MAX_ROUNDS = 100_000
"""Rounds of one trial."""
MAX_OPTION = 1_000_000
"""The largest value of an option that counts, such as num_configurations: all of it is in memory at a time."""


def describe_unknown(word: str, allowed: Iterable[str], *, or_else: str = "") -> str:
    """Return the end of a sentence: "word" is not one of ... Did you mean ...

    Args:
        word: The name that is unknown.
        allowed: The names that there are.
        or_else: What else would do, with the comma before it.
    """
    names = list(allowed)
    return f'"{word}" is not one of {", ".join(names)}{or_else}.{suggest_name(word, names)}'


def unknown_names(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield names that are neither in a catalogue nor import paths, and options that what they name does not take."""
    added, import_paths = experiment.pool.out_of_distribution, experiment.import_paths
    chosen = (
        (("data", "name"), experiment.data.name, DATASETS, 'or your own "module:function"'),
        (
            ("pool", "out_of_distribution", "data"),
            added.data if added else None,
            DATASETS,
            'or your own "module:function"',
        ),
        (("model", "network"), experiment.model.network or None, NETWORKS, 'or your own "module:factory"'),
        (("model", "posterior"), experiment.model.posterior, POSTERIORS, 'or your own "module:factory"'),
    )
    for path, name, allowed, own in chosen:
        if name is not None and name not in allowed and name not in import_paths:
            yield InvalidKey(path, describe_unknown(name, allowed, or_else=f", {own}"), got=name)
    for place, name in enumerate(experiment.observe.transfer.models if experiment.observe.transfer else ()):
        if name not in WITHOUT_NETWORK:
            text = describe_unknown(name, WITHOUT_NETWORK)
            yield InvalidKey(("observe", "transfer", "models", place), text, got=name)
    if experiment.data.name in DATASETS:
        yield from _check_options(
            ("data", "options"), check_dataset_options, experiment.data.name, experiment.data.options
        )
    if experiment.model.posterior in POSTERIORS:
        yield from _check_options(
            ("model", "options"), check_options, experiment.model.posterior, experiment.model.options
        )
    for name, options in experiment.acquisitions.items():
        if name not in ACQUISITIONS and name not in import_paths:
            yield InvalidKey(("acquisitions", name), describe_unknown_acquisition(name), got=name)
        elif name in ACQUISITIONS:
            for option, value in options.items():
                if isinstance(value, int) and value > MAX_OPTION:
                    yield InvalidKey(("acquisitions", name, option), expected=f"at most {MAX_OPTION}", got=value)
            yield from _check_options(("acquisitions", name), acquisition_named, name, options)
        elif options:
            yield InvalidKey(("acquisitions", name), describe_refused_options(options), got=options)


def describe_refused_options(options: Iterable[str]) -> str:
    """Return the end of a sentence on an acquisition that is given as an import path and has options."""
    return f"is your own and takes no options; got {', '.join(options)}. Set them in your module."


def describe_unknown_acquisition(name: str) -> str:
    """Return the end of a sentence on a name that is neither an acquisition of the catalogue nor an import path."""
    return describe_unknown(name, ACQUISITIONS, or_else=', or your own "module:name"')


def describe_missing_features(posterior: str, acquisition: str, requires: Set[str]) -> str:
    """Return what is wrong where an acquisition requires features and a posterior has none; "" where nothing is.

    Whether a posterior of the user's own has features shows when it is fitted.

    Args:
        posterior: The name of the posterior.
        acquisition: The name of the acquisition.
        requires: What the acquisition requires.
    """
    if not requires & FEATURE_PARTS or posterior in WITH_FEATURES or posterior not in POSTERIORS:
        return ""
    return f'"{posterior}" has no features, which {acquisition} requires; {", ".join(WITH_FEATURES)} have.'


def contradictions(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield keys that are each allowed, but not together."""
    yield from _network_contradictions(experiment)
    schedule, data = experiment.schedule, DATASETS.get(experiment.data.name)
    yield from _pool_contradictions(experiment)
    if bool(schedule.validation_labels) != bool(experiment.training.patience):
        text = (
            "validation labels stop a fit early and do nothing else: set both schedule.validation_labels and "
            f"training.patience, or neither; got {schedule.validation_labels} and {experiment.training.patience}."
        )
        yield InvalidKey(("schedule", "validation_labels"), text)
    if experiment.training.warmup >= experiment.training.steps:
        expected = f"less than training.steps = {experiment.training.steps}"
        yield InvalidKey(("training", "warmup"), expected=expected, got=experiment.training.warmup)
    if schedule.max_labels < (least := schedule.label_schedule.initial_labels + schedule.validation_labels):
        also = " + validation_labels" if schedule.validation_labels else ""
        expected = f"at least schedule.initial_labels{also} = {least}"
        yield InvalidKey(("schedule", "max_labels"), expected=expected, got=schedule.max_labels)
    if 0 < schedule.candidates < schedule.batch_size:
        expected = f"0 (all) or at least schedule.batch_size = {schedule.batch_size}"
        yield InvalidKey(("schedule", "candidates"), expected=expected, got=schedule.candidates)
    if data and schedule.initial == "balanced" and schedule.initial_labels < data.num_classes:
        expected = f"at least {data.num_classes}, one of each class, for a balanced start"
        yield InvalidKey(("schedule", "initial_labels"), expected=expected, got=schedule.initial_labels)
    if data:
        yield from _shape_contradictions(experiment, data)
    if schedule.num_rounds > MAX_ROUNDS:
        text = f"makes {schedule.num_rounds:,} rounds to schedule.max_labels; the most are {MAX_ROUNDS:,}. Raise it."
        yield InvalidKey(("schedule", "batch_size"), text, got=schedule.batch_size)
    yield from _draw_contradictions(experiment)
    for name, options in experiment.acquisitions.items():
        requires = ACQUISITIONS[name].requirements(options) if name in ACQUISITIONS else frozenset()
        if text := describe_missing_features(experiment.model.posterior, name, requires):
            yield InvalidKey(("model", "posterior"), text, got=experiment.model.posterior)
    if data:
        yield from _row_contradictions(experiment, data.num_rows_with(experiment.data.options))


def _shape_contradictions(experiment: Experiment, data: DatasetSpec) -> Iterator[InvalidKey]:
    """Yield keys that do not suit the number of classes or the shape of the inputs."""
    weights, shape = experiment.training.class_weights, list(data.input_shape)
    if weights and len(weights) != data.num_classes:
        expected = f"{data.num_classes} numbers, one for each class of {experiment.data.name}"
        yield InvalidKey(("training", "class_weights"), expected=expected, got=list(weights))
    for key in () if experiment.model.posterior in experiment.import_paths else ("shift", "rotate", "scale", "flip"):
        if getattr(experiment.training, key) and len(shape) != 3:
            name = experiment.data.name
            text = f"changes images, [channels, height, width]; inputs of {name} are {shape}. Leave it out."
            yield InvalidKey(("training", key), text, got=getattr(experiment.training, key))
    if experiment.observe.grid and shape != [2]:
        text = f"requires two-dimensional data; inputs of {experiment.data.name} are {shape}. Set it to false."
        yield InvalidKey(("observe", "grid"), text, got=True)


def _pool_contradictions(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield classes and data sets of [pool] that do not suit the data; a user's own data are checked when loaded."""
    pool, data = experiment.pool, DATASETS.get(experiment.data.name)
    if pool.out_of_distribution is not None:
        if experiment.observe.grid:
            text = "has no meaning with observe.grid, whose pictures have two classes. Leave one of them out."
            yield InvalidKey(("pool", "out_of_distribution"), text)
        other = DATASETS.get(pool.out_of_distribution.data)
        if data and other and not _is_compatible(other, data):
            fitting = [
                *(name for name, each in DATASETS.items() if _is_compatible(each, data)),
                'your own "module:function"',
            ]
            expected = f"of the shape of {data.name} and of other classes: {' or '.join(fitting)}"
            path = ("pool", "out_of_distribution", "data")
            yield InvalidKey(path, expected=expected, got=pool.out_of_distribution.data)
    if data is None:
        return
    for name in pool.class_imbalance:
        if name not in data.class_names:
            yield InvalidKey(("pool", "class_imbalance", name), describe_unknown(name, data.class_names), got=name)


def _row_contradictions(experiment: Experiment, rows: int) -> Iterator[InvalidKey]:
    """Yield counts beyond the rows of the data, or of the corrupted pool before classes are imbalanced."""
    pool, max_labels = experiment.pool, experiment.schedule.max_labels
    if pool.subset > rows:
        expected = f"at most {rows}, the rows of {experiment.data.name}"
        yield InvalidKey(("pool", "subset"), expected=expected, got=pool.subset)
    share = pool.out_of_distribution.share if pool.out_of_distribution else 0.0
    most = math.ceil((pool.subset or rows) / (1 - share)) * pool.duplicates
    if max_labels > most:
        made = "" if pool == CorruptedPool() else " as [pool] makes it"
        expected = f"at most {most}, the rows of {experiment.data.name}{made}"
        yield InvalidKey(("schedule", "max_labels"), expected=expected, got=max_labels)


def _is_compatible(other: DatasetSpec, data: DatasetSpec) -> bool:
    """Return whether rows of the other data set can be mixed in as rows of none of the classes."""
    return other.input_shape == data.input_shape and other.class_names != data.class_names


def _draw_contradictions(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield model.num_draws = 1 where draws are compared: every score would be 0, and every choice random."""
    if experiment.model.num_draws > 1:
        return
    comparing = [
        name for name in experiment.acquisitions if name in ACQUISITIONS and ACQUISITIONS[name].disagreement_based
    ]
    comparing = [name for name in comparing if experiment.acquisitions[name].get("kernel") != "features"]
    if experiment.observe.information is not None:
        comparing.append("observe.information")
    if comparing:
        names = ", ".join(comparing)
        text = f"With one draw all scores of {names} are 0 and all choices random. Raise it, or leave these out."
        yield InvalidKey(("model", "num_draws"), text, expected=f"at least 2, since {names} compares draws", got=1)


def _network_contradictions(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield a network that is missing, and a network or training settings that the posterior does not use."""
    posterior, tune = experiment.model.posterior, experiment.training.tune
    if posterior in experiment.import_paths:  # it may use a network and training settings as it likes
        yield from _tune_contradictions(experiment.training)
        if tune and tune.dropout and not experiment.model.network:
            text = "is of the network's dropout layers, and there is no model.network. Leave it out."
            yield InvalidKey(("training", "tune", "dropout"), text)
        return
    if posterior not in POSTERIORS:
        return  # unknown_names says so
    if posterior in WITH_NETWORK:
        if not experiment.model.network:
            yield InvalidKey(
                ("model", "network"), f'is required for posterior = "{posterior}"; there are {", ".join(NETWORKS)}.'
            )
        yield from _tune_contradictions(experiment.training)
        return
    if experiment.model.network:
        yield InvalidKey(
            ("model", "network"), f'has no meaning for posterior = "{posterior}", which trains none. Leave it out.'
        )
    default = Training()
    for key, value in experiment.training:
        if key != "class_weights" and value != getattr(default, key):
            yield InvalidKey(("training", key), f'has no meaning for posterior = "{posterior}". Leave it out.')


def _tune_contradictions(training: Training) -> Iterator[InvalidKey]:
    """Yield a choice among nothing, and settings that are both fixed and chosen."""
    if training.tune is None:
        return
    if not training.tune.values and not training.tune.temperature:
        settings = [key for key in Tune.model_fields if key not in ("measure", "folds")]
        text = f"must list values of at least one of {', '.join(settings)} to choose among."
        yield InvalidKey(("training", "tune"), text)
    for key in training.tune.values:
        if key != "dropout" and getattr(training, key):
            text = f"is chosen among training.tune.{key}; got {getattr(training, key)} as well. Leave one of them out."
            yield InvalidKey(("training", key), text)


def unreachable_observations(experiment: Experiment) -> Iterator[InvalidKey]:
    """Yield what would never be measured: numbers of labels without a round, and acquisitions that are not there."""
    information, transfer, schedule = experiment.observe.information, experiment.observe.transfer, experiment.schedule
    if information is not None and information.acquisition not in experiment.acquisitions:
        text = describe_unknown(information.acquisition, experiment.acquisitions)
        yield InvalidKey(("observe", "information", "acquisition"), text, got=information.acquisition)
    reached: Sequence[int] = []
    if schedule.num_rounds <= MAX_ROUNDS:
        reached = [schedule.num_labels_at(round) for round in range(schedule.num_rounds)]
    for name, table in (("information", information), ("transfer", transfer)):
        missed = sorted(set(table.labels) - set(reached)) if table is not None else []
        if missed:
            first = f"{', '.join(map(str, reached[:20]))}{', …' if len(reached) > 20 else ''}"
            text = f"names {missed[:20]}, where no round is; the rounds are at {first} labels."
            yield InvalidKey(("observe", name, "labels"), text, got=missed)


def _check_options(
    path: tuple[str, ...], check: Callable[[str, Options], object], name: str, options: Options
) -> Iterator[InvalidKey]:
    try:
        check(name, options)
    except InputError as error:
        yield InvalidKey(path, f"cannot be used: {error}", got=options)
