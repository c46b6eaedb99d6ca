"""Reading the results of a study from its folder: the trials that count, and the excluded ones with the reason."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from lindley.errors import JournalError
from lindley.measures.catalogue import METRICS, MetricSpec
from lindley.session.failures import read_failure
from lindley.session.files import REMEDY
from lindley.session.manifest import ManifestRecord, read_trial_manifest
from lindley.session.state import Round, read_state
from lindley.session.validated_records import Count, Record, find_fault
from lindley.study.config.schema import Experiment, Study
from lindley.study.folder import read_study
from lindley.study.results import ExperimentResults, StudyResults, TrialResults
from lindley.study.trials import Trial, trials_of_experiment
from lindley.text import escape_line


class _TrialManifest(ManifestRecord):
    """The fields of a manifest that reports use."""

    acquisition: str
    options: dict[str, Any]
    seed: int
    num_rows: Annotated[int, Field(ge=1)]
    class_names: Annotated[list[str], Field(min_length=2)]


Share = Annotated[float, Field(ge=0, le=1)]
Loss = Annotated[float, Field(ge=0)]


class _Counts(Record):
    labels: Count
    minority_class: Count
    duplicates: Count
    mislabelled: Count
    out_of_distribution: Count


class _OtherModel(Record):
    accuracy: Share | None = None
    nll: Loss | None = None


def _type_of(spec: MetricSpec) -> Any:
    """Return the type of a metric's value in a round: a number within its bounds, or one or None for each class."""
    number = Annotated[float, Field(ge=spec.bounds[0], le=spec.bounds[1])]
    return list[number | None] if spec.per_class else number


_FIELDS: dict[str, Any] = {
    **{name: (_type_of(spec) | None, None) for name, spec in METRICS.items()},
    "accuracy": (Share, ...),
    "recall": (list[Share | None], ...),
    "queried": (_Counts | None, None),
    "pool": (_Counts | None, None),
    "transfer": (dict[str, _OtherModel] | None, None),
}
_Measured: type[BaseModel] = create_model(
    "_Measured", __config__=ConfigDict(strict=True, allow_inf_nan=False), **_FIELDS
)
"""The metrics of a round: those of the catalogue and of other observers. Further ones are allowed."""


def load_results(
    out: str | os.PathLike[str], study: Study | None = None, *, check_arrays: bool = False
) -> StudyResults:
    """Return the results in an output folder, also of an unfinished study.

    A trial whose journal or manifest is damaged is excluded, with the reason. Control characters in names and titles
    are replaced here, for everything that shows the results.

    Args:
        out: The output folder.
        study: The study whose trials are read; by default the folder's own.
        check_arrays: Whether to exclude trials with damaged arrays too; required before arrays are read.

    Raises:
        InputError: If the folder holds no study.
    """
    out = Path(out)
    study = study or read_study(out)
    titles = [escape_line(experiment.title) for experiment in study.experiments]
    experiments = [
        _load_experiment(
            out,
            experiment,
            title if titles.count(title) == 1 else f"{title} ({experiment.name})",
            check_arrays=check_arrays,
        )
        for experiment, title in zip(study.experiments, titles, strict=True)
    ]
    there = {folder.parents[1].name for folder in (out / "trials").glob("*/*/seed-*")}
    unknown_experiments = tuple(
        escape_line(name) for name in sorted(there - {experiment.name for experiment in study.experiments})
    )
    name, title, description = map(escape_line, (study.name, study.title, study.description))
    return StudyResults(name, title, description, experiments, unknown_experiments)


def _load_experiment(out: Path, experiment: Experiment, title: str, *, check_arrays: bool) -> ExperimentResults:
    trials: list[TrialResults] = []
    excluded: dict[Path, str] = {}
    for folder in sorted((out / "trials" / experiment.name).glob("*/seed-*")):
        try:
            if trial := _read_trial(folder, experiment):
                if check_arrays:
                    trial.check_arrays()
                trials.append(trial)
        except (JournalError, OSError) as error:
            excluded[folder] = str(error)
    trials.sort(key=lambda trial: (trial.acquisition, trial.seed))
    trials, incomparable = _exclude_incomparable(trials)
    excluded |= {trial.folder: why for trial, why in incomparable}
    wanted = {out / trial.folder: (trial.acquisition, trial.seed) for trial in trials_of_experiment(experiment)}
    there = {trial.folder: trial.complete for trial in trials}
    return ExperimentResults(
        experiment.name,
        title,
        _escape_strings(experiment.model_dump(mode="json")),
        trials,
        tuple(wanted.values()),
        tuple(named for folder, named in wanted.items() if folder not in there and folder not in excluded),
        tuple(
            escape_line(f"{folder.relative_to(out).as_posix()}: excluded, {why}") for folder, why in excluded.items()
        ),
        {
            named: failure.message
            for folder, named in wanted.items()
            if not there.get(folder) and (failure := read_failure(folder))
        },
    )


def _read_trial(folder: Path, experiment: Experiment) -> TrialResults | None:
    """Return the trial in a folder; None without a finished round.

    Raises JournalError where it is damaged, or does not belong to the experiment with its present settings.
    """
    state, end = read_state(folder), experiment.schedule.max_labels
    rounds = _rounds_up_to(end, state.rounds)
    manifest = read_trial_manifest(folder, state, _TrialManifest)
    if manifest is None or not rounds:
        return None
    if not _belongs_to(experiment, manifest) or not folder.name.endswith(
        manifest["key"][:8]
    ):  # e.g. a copy of a folder
        raise JournalError("it was run with other settings.", path=folder)
    _check_metrics(rounds, len(manifest["class_names"]), folder)
    return TrialResults(
        manifest["acquisition"],
        manifest["seed"],
        _escape_strings(manifest),
        rounds,
        tuple(row for query in state.queries if query.purpose == "initial" for row in query.rows),
        {row: int(answer.value) for row, answer in state.answers.items() if answer.value is not None},
        folder,
        state.is_complete(end),
        state.resumptions,
    )


def _check_metrics(rounds: Sequence[Round], num_classes: int, folder: Path) -> None:
    """Raise JournalError for metrics of a wrong type or number of classes, and for those that only some rounds have."""
    for each in rounds:
        fault = find_fault(_Measured, each.metrics)
        if not fault and len(each.metrics["recall"]) != num_classes:
            fault = f"recall has {len(each.metrics['recall'])} classes; the data have {num_classes}"
        if not fault and ("queried" in each.metrics) != ("queried" in rounds[0].metrics):
            fault = "queried is counted in some rounds only"
        if fault:
            raise JournalError(f"the metrics of round {each.index} are damaged: {fault}. {REMEDY}", path=folder)


def _escape_strings(value: Any) -> Any:
    """Return a JSON value whose strings are safe to show."""
    if isinstance(value, dict):
        return {escape_line(key): _escape_strings(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_escape_strings(inner) for inner in value]
    return escape_line(value) if isinstance(value, str) else value


def _rounds_up_to(end: int, rounds: Sequence[Round]) -> list[Round]:
    """Return the rounds up to `end` labels; the last of them queries nothing where the trial went further."""
    kept = [each for each in rounds if each.labels <= end]
    if 0 < len(kept) < len(rounds):
        kept[-1] = replace(kept[-1], query=None)
    return kept


def _exclude_incomparable(
    trials: Sequence[TrialResults],
) -> tuple[list[TrialResults], list[tuple[TrialResults, str]]]:
    """Return the trials that can be paired, and the excluded others with the reason.

    A trial is excluded if most trials of its seed have other data or other initial labels, as in folders copied from
    several machines; if most trials have other classes; or if most trials of an acquisition that the study no longer
    has use other options, since its seeds would count twice.
    """
    options: dict[str, Counter[str]] = {}
    for trial in trials:
        options.setdefault(trial.acquisition, Counter())[_options_of(trial)] += 1
    classes = Counter(_classes_of(trial) for trial in trials).most_common(1)
    kept, incomparable = [], []
    for trial in trials:
        seed = [each for each in trials if each.seed == trial.seed]
        data = Counter(_data_of(each) for each in seed)
        initial = Counter(each.initial_rows for each in seed)
        if _data_of(trial) != data.most_common(1)[0][0]:
            incomparable.append((trial, "it was run on other data than most trials of its seed."))
        elif _classes_of(trial) != classes[0][0]:
            incomparable.append((trial, "it has other classes than most trials of its experiment."))
        elif trial.initial_rows != initial.most_common(1)[0][0]:
            incomparable.append((trial, "it started with other labels than most trials of its seed."))
        elif _options_of(trial) != options[trial.acquisition].most_common(1)[0][0]:
            incomparable.append((trial, f"it has other options than most trials of {trial.acquisition}."))
        else:
            kept.append(trial)
    return kept, incomparable


def _data_of(trial: TrialResults) -> str:
    """Return the hashes of its data."""
    return json.dumps(trial.manifest["data_hashes"], sort_keys=True)


def _classes_of(trial: TrialResults) -> tuple[str, ...]:
    return tuple(trial.manifest["class_names"])


def _options_of(trial: TrialResults) -> str:
    return json.dumps(trial.manifest["options"], sort_keys=True)


def _belongs_to(experiment: Experiment, manifest: dict[str, Any]) -> bool:
    """Return whether a trial has the settings of the experiment; a folder may hold older trials with others."""
    name = manifest["acquisition"]
    options = experiment.acquisitions.get(name, manifest["options"])
    key: str = manifest["key"]
    return Trial(experiment, name, dict(options), manifest["seed"]).key == key
