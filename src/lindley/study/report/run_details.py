"""Run details as tables and sentences: settings, versions, data, and unfinished or excluded trials."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lindley.session.manifest import describe_changes
from lindley.study.config.schema import CorruptedPool
from lindley.study.plot_style import acquisition_title
from lindley.study.report.tables import Table
from lindley.study.results import ExperimentResults, StudyResults, TrialResults


def settings_table(results: StudyResults) -> Table:
    """Return every setting of every experiment, one column per experiment."""
    columns = [_settings_of(experiment) for experiment in results.experiments]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = tuple((name, *(column.get(name, "–") for column in columns)) for name in names)
    titles = ("setting", *(experiment.title for experiment in results.experiments))
    return Table("settings", "Settings", titles, rows, "candidates = 0 means the whole unlabelled pool in every round.")


def environments_table(results: StudyResults) -> Table:
    """Return versions, code, machine and data from the manifests, with all values where trials differ."""
    rows = []
    for experiment in results.experiments:
        manifests = [trial.manifest for trial in experiment.trials]
        if not manifests:
            continue
        for name in dict.fromkeys(key for manifest in manifests for key in manifest["versions"]):
            rows.append(
                (experiment.title, name, _join_values([manifest["versions"].get(name) for manifest in manifests]))
            )
        for name in ("code", "device", "threads", "precision", "platform", "cpu", "num_rows", "num_test"):
            rows.append((experiment.title, name, _join_values([manifest.get(name) for manifest in manifests])))
        paths = [each.fit.compute_path for trial in experiment.trials for each in trial.rounds if each.fit.compute_path]
        if paths:
            rows.append((experiment.title, "computation of draws", _join_values(paths)))
        if chosen := [
            each.fit.hyperparameters for trial in experiment.trials for each in trial.rounds if each.fit.hyperparameters
        ]:
            rows.append((experiment.title, "tuned settings", _count_settings(chosen)))
        for name in dict.fromkeys(key for manifest in manifests for key in manifest["data_hashes"]):
            hashes = {manifest["data_hashes"].get(name) for manifest in manifests}
            shown = str(hashes.pop()) if len(hashes) == 1 else f"{len(hashes)} different values (generated per seed)"
            rows.append((experiment.title, f"data: {name}", shown))
    return Table("environments", "Versions, machine and data", ("experiment", "item", "value"), tuple(rows))


def describe_unfinished(results: StudyResults) -> list[str]:
    """Return a sentence for each unfinished trial, and for the trials of an acquisition that have not started."""
    sentences = []
    for experiment in results.experiments:
        target = experiment.config["schedule"]["max_labels"]
        for trial in experiment.trials:
            if not trial.complete:
                reached = f"{trial.labels[-1]} of {target} labels so far"
                failed = _failure_note(experiment, trial.acquisition, trial.seed)
                subject = f"{experiment.title}, {_name(trial)}"
                sentences.append(f"{subject}: not finished, {reached}. Its rounds so far are shown.{failed}")
        without: dict[tuple[str, str], list[int]] = {}
        for name, seed in experiment.missing:
            without.setdefault((name, _failure_note(experiment, name, seed)), []).append(seed)
        sentences += [
            f"{experiment.title}, {acquisition_title(name)}, {_seeds(seeds)}: no round yet.{failed}"
            for (name, failed), seeds in without.items()
        ]
    return sentences


def describe_excluded(results: StudyResults) -> list[str]:
    """Return a sentence for each excluded trial in the folder (other settings or data, or damaged), and for each
    experiment that the study does not have."""
    names = ", ".join(experiment.name for experiment in results.experiments)
    unknown = [
        f"trials/{name}: excluded, since the study has no experiment of that name; it has {names}."
        for name in results.unknown_experiments
    ]
    return [sentences for experiment in results.experiments for sentences in experiment.excluded] + unknown


def describe_unequal_first_fits(results: StudyResults) -> list[str]:
    """Return a sentence for each set of seeds whose trials start with equal labels but different first fits."""
    sentences = []
    for experiment in results.experiments:
        unlike: dict[tuple[tuple[str, ...], ...], list[int]] = {}
        for seed in sorted({trial.seed for trial in experiment.trials}):
            alike: dict[tuple[Any, Any], list[str]] = {}
            for trial in (each for each in experiment.trials if each.seed == seed):
                alike.setdefault(trial.first_fit, []).append(acquisition_title(trial.acquisition))
            if len(alike) > 1:
                unlike.setdefault(tuple(map(tuple, alike.values())), []).append(seed)
        sentences += [
            f"{experiment.title}, {_seeds(seeds)}: trials start with the "
            "same labels but different first fits, as on another processor or with other code: "
            f"{' | '.join(', '.join(names) for names in groups)} (equal between the bars). Pairs across bars include "
            "that difference."
            for groups, seeds in unlike.items()
        ]
    return sentences


def describe_continuations(results: StudyResults) -> list[str]:
    """Return a sentence for each trial that continued under other code, versions, machine or threads."""
    return [
        f"{experiment.title}, {_name(trial)}, from round {event.round} on: "
        + describe_changes(event.changes, arrow="→")
        for experiment in results.experiments
        for trial in experiment.trials
        for event in trial.resumed
    ]


def describe_label_counting(results: StudyResults) -> list[str]:
    """Return how the labels are counted under these settings."""
    stopped = [
        experiment for experiment in results.experiments if experiment.config["schedule"].get("validation_labels")
    ]
    further = (
        "Validation labels, which stop a fit early, count too. A trial uses no further labels. "
        if stopped
        else "A trial uses no further labels, neither for early stopping nor for choosing settings. "
    )
    sentences = [
        "Every number of labels includes all training labels of the model, also the initial ones. "
        f"{further}The file of a packaged study says how its training settings were chosen; those of the MNIST studies "
        "come from a pilot on other seeds, by accuracy on the test set."
    ]
    sentences += [
        f"{experiment.title}: {experiment.config['schedule']['validation_labels']} of the labels are validation "
        "labels, drawn at random before the first round."
        for experiment in stopped
    ]
    balanced = [
        experiment for experiment in results.experiments if experiment.config["schedule"]["initial"] == "balanced"
    ]
    if balanced:
        sentences.append(
            f"The initial labels are balanced over the classes in "
            f"{', '.join(experiment.title for experiment in balanced)}. In practice this requires more labels: a "
            "person would have to label further rows to find such a set, and those are not counted here."
        )
    subset = [experiment for experiment in results.experiments if experiment.config["schedule"]["candidates"]]
    sentences += [
        f"{experiment.title}: each round chose from a random subset of about "
        f"{experiment.config['schedule']['candidates']:,} candidates (duplicates of an image stay together), not from "
        "the whole pool."
        for experiment in subset
    ]
    sentences += [text for experiment in results.experiments for text in _describe_pool_corruption(experiment)]
    return sentences


def _describe_pool_corruption(experiment: ExperimentResults) -> list[str]:
    """Return how corruptions of the pool affect the labels."""
    pool, sentences = experiment.config["pool"], []
    if pool["out_of_distribution"] is not None:
        sentences.append(
            f"{experiment.title}: {100 * pool['out_of_distribution']['share']:g} % of the pool’s rows are of "
            f"{pool['out_of_distribution']['data']}, of none of the classes. A query of such a row counts as a label, "
            "but the model is not trained on it."
        )
    if pool["label_noise"]:
        sentences.append(
            f"{experiment.title}: the oracle mislabels each row with probability {pool['label_noise']:g}; "
            "the test set has the true classes."
        )
    return sentences


def _settings_of(experiment: ExperimentResults) -> dict[str, str]:
    flat: dict[str, str] = {}
    plain = CorruptedPool().model_dump(mode="json")
    for table in ("data", "pool", "model", "training", "schedule", "observe"):
        for key, value in experiment.config[table].items():
            if table != "pool" or value != plain[key]:
                flat[f"{table}.{key}"] = _value(value)
    flat["seeds"] = ", ".join(str(seed) for seed in sorted({trial.seed for trial in experiment.trials})) or "none yet"
    flat["acquisitions"] = ", ".join(
        acquisition_title(name) + (f" {_value(options)}" if options else "")
        for name, options in experiment.config["acquisitions"].items()
    )
    return flat


def _value(value: Any) -> str:
    if value in (None, {}, []):
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _join_values(values: list[Any]) -> str:
    """Return all different values, and for how many trials none was recorded."""
    known = sorted({str(value) for value in values if value is not None})
    unknown = values.count(None)
    text = ", ".join(known) or "–"
    return f"{text}; not recorded for {unknown} of {len(values)} trials" if known and unknown else text


def _count_settings(settings: Sequence[Mapping[str, Any]]) -> str:
    """Return each setting with the number of fits that chose it, the most frequent first."""
    texts = Counter(", ".join(f"{key} = {value}" for key, value in setting.items()) for setting in settings)
    return "; ".join(f"{text}: {count} fits" for text, count in texts.most_common())


def _failure_note(experiment: ExperimentResults, acquisition: str, seed: int) -> str:
    message = experiment.failures.get((acquisition, seed))
    return "" if message is None else f" It failed: {message}"


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _name(trial: TrialResults) -> str:
    return f"{acquisition_title(trial.acquisition)}, seed {trial.seed}"
