"""Reading a study: a packaged name or a TOML file -> frozen, checked models.

The top-level tables are the defaults of every [[experiments]] table, which overrides them key by key. What half of
the old and half of the new would make neither of is replaced whole: `_merge` has the list.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lindley.acquisition.specs import METHODS
from lindley.errors import ConfigurationError
from lindley.names import nearest
from lindley.session.files import read_plain_file
from lindley.session.import_paths import is_import_path
from lindley.study.config.errors import EXPERIMENT_KEYS, STUDY_KEYS, format_key, unknown_keys, wrong_values
from lindley.study.config.schema import MAX_COUNT, MAX_SEEDS, Experiment, Model, Study
from lindley.study.config.validation import (
    InvalidKey,
    contradictions,
    describe_unknown_acquisition,
    unknown_names,
    unreachable_observations,
)
from lindley.text import visible

_Tables = dict[str, Any]
_MAX_BYTES, _MAX_DEPTH = 4 << 20, 20
"""Of a study file."""
_DOTTED, _MAX_KEY_PARTS = re.compile(r"[^\s.]+(?:[ \t]*\.[ \t]*[^\s.]+)*"), 100  # linear: every place matches
_POSTERIOR = Model.model_fields["posterior"].default


def builtin_studies() -> list[str]:
    """The names of the packaged studies, sorted."""
    folder = resources.files("lindley.study.builtin")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_study(
    name_or_path: str | os.PathLike[str],
    *,
    seeds: int | None = None,
    max_labels: int | None = None,
    acquisitions: Sequence[str] | None = None,
) -> Study:
    """A packaged study by its name, or the one of a .toml file, with every key checked.

    seeds and max_labels replace those of every experiment. acquisitions keeps only these, with the options that the
    experiment gives them; one that an experiment does not have is added to it without options. What is replaced by
    something else is said at the end of the description.

    Raises ConfigurationError: an unknown study, key or name, or a wrong value; the message names it.
    """
    source = os.fspath(name_or_path)
    name, text, folder = _read_source(source)
    study = _build_study(name, _parse_toml(text, source), source, folder)
    return _override(study, seeds, max_labels, acquisitions)


def check_study(study: Study) -> None:
    """For a study built in Python: raise ConfigurationError where its file would be refused.

    The types and limits of the keys have been checked when it was built; here names, options and what contradicts.
    """
    check_settings(study)
    _raise_if_any(
        study.name,
        [
            _describe_in_experiment(experiment, found)
            for experiment in study.experiments
            for found in unreachable_observations(experiment)
        ],
    )


def check_settings(study: Study) -> None:
    """As `check_study`, but information may be asked for where this run has no round: another may go further."""
    found = [_describe_repeated(name) for name in _find_repeated([experiment.name for experiment in study.experiments])]
    for experiment in study.experiments:
        found += [
            _describe_in_experiment(experiment, found)
            for found in (*unknown_names(experiment), *contradictions(experiment))
        ]
    _raise_if_any(study.name, found)


def _parse_toml(text: str, source: str) -> _Tables:
    """The tables of a study file; ConfigurationError, whatever the reader raises."""
    if any(found[0].count(".") > _MAX_KEY_PARTS for found in _DOTTED.finditer(text)):  # which tomllib reads for minutes
        raise ConfigurationError(f"{source} has a key of more than {_MAX_KEY_PARTS} parts")
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{source} is nested too deep") from None
    except Exception as error:  # also a number of more digits than Python reads
        raise ConfigurationError(f"{source} is not valid TOML: {error}") from None
    level: list[Any] = [tables]
    for _ in range(_MAX_DEPTH):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        level = [each for each in level if isinstance(each, dict | list)]
    if level:
        raise ConfigurationError(f"{source} is nested more than {_MAX_DEPTH} tables and lists deep")
    return tables


def _read_source(name_or_path: str) -> tuple[str, str, Path | None]:
    """The study's name, its text and its folder (None for a packaged one)."""
    known = builtin_studies()
    if name_or_path in known:
        file = resources.files("lindley.study.builtin").joinpath(f"{name_or_path}.toml")
        return name_or_path, file.read_text(encoding="utf-8"), None
    path = Path(name_or_path)
    if path.suffix != ".toml":
        file = Path(f"{path}.toml")
        hint = f" Did you mean {file}?" if file.is_file() else nearest(name_or_path, known)
        raise ConfigurationError(
            f'no study is called "{name_or_path}"; there are {", ".join(known)}, or the path of a .toml file.{hint}'
        )
    try:
        return path.stem, read_plain_file(path, most=_MAX_BYTES).decode("utf-8-sig"), path.resolve().parent
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"the study file {path} cannot be read: {why}") from None


def _build_study(name: str, tables: _Tables, source: str, folder: Path | None) -> Study:
    experiments = tables.get("experiments", [])
    if not isinstance(experiments, list) or not all(isinstance(experiment, dict) for experiment in experiments):
        raise ConfigurationError(f"{source}: experiments must be written as [[experiments]] tables")
    found = [f"{format_key(found.path)} {found.text}" for found in unknown_keys(tables, STUDY_KEYS)]
    for experiment in experiments:
        found += [_locate(found, experiment, True) for found in unknown_keys(experiment, EXPERIMENT_KEYS)]
    _raise_if_any(source, found)
    defaults = {key: value for key, value in tables.items() if key not in ("title", "description", "experiments")}
    title = tables.get("title", name)
    if experiments:
        checked = [_build_experiment(_merge(defaults, experiment), experiment, source) for experiment in experiments]
    else:
        only = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-") or "study"
        checked = [_build_experiment({"name": only, "title": title, **defaults}, {}, source)]
    _raise_if_any(
        source, [_describe_repeated(name) for name in _find_repeated([experiment.name for experiment in checked])]
    )
    try:
        return Study(
            name=name, title=title, description=tables.get("description", ""), experiments=tuple(checked), folder=folder
        )
    except ValidationError as error:
        _raise_if_any(source, [f"{format_key(found.path)} {found.text}" for found in wrong_values(error)])
        raise


def _build_experiment(tables: _Tables, own: _Tables, source: str) -> Experiment:
    """One merged experiment, checked; own is its [[experiments]] table, to name a key as it was written."""
    try:
        experiment = Experiment.model_validate(tables)
    except ValidationError as error:
        _raise_if_any(source, [_locate(found, own) for found in wrong_values(error)])
        raise
    found = [*unknown_names(experiment), *contradictions(experiment), *unreachable_observations(experiment)]
    _raise_if_any(source, [_locate(found, own) for found in found])
    return experiment


def _locate(found: InvalidKey, own: _Tables, is_own: bool = False) -> str:
    """The each, beginning with the key's full path as it was written."""
    inner: Any = own
    for part in found.path:
        known = isinstance(inner, dict) and part in inner
        inner = inner[part] if known else inner
        is_own = is_own or (known and part == found.path[-1])
    path = format_key(found.path)
    if is_own:
        path = f"experiments[{own.get('name', '?')}].{path}"
    elif own:
        path = f"{path} (experiment {own.get('name', '?')})"
    return f"{path} {found.text}"


def _raise_if_any(source: str, found: Sequence[str]) -> None:
    if found:
        told = "\n".join(f"{source}: {each}" for each in dict.fromkeys(found))
        raise ConfigurationError(visible(told))


def _describe_in_experiment(experiment: Experiment, found: InvalidKey) -> str:
    return f"experiment {experiment.name}: {format_key(found.path)} {found.text}"


def _find_repeated(names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _describe_repeated(name: str) -> str:
    return f'experiments: the name "{name}" is used twice'


def _merge(defaults: Mapping[str, Any], own: Mapping[str, Any], path: tuple[str, ...] = ()) -> _Tables:
    """The defaults with an experiment's own keys over them; nothing is changed in place.

    Acquisitions and imbalanced classes are replaced whole, as is what an experiment says to be empty; options go with
    what they are options of.
    """
    result = dict(defaults)
    for table, of, default in (("data", "name", None), ("model", "posterior", _POSTERIOR)):
        if path == (table,) and own.get(of, before := result.get(of, default)) != before:
            result.pop("options", None)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        replaced = not value or (*path, key) in (("acquisitions",), ("pool", "class_imbalance"))
        result[key] = _merge(result[key], value, (*path, key)) if both and not replaced else value
    return result


def _override(study: Study, seeds: int | None, max_labels: int | None, acquisitions: Sequence[str] | None) -> Study:
    """The study with the values of the command line in every experiment."""
    experiments = []
    for experiment in study.experiments:
        changed: _Tables = {}
        if seeds is not None:
            if not 1 <= seeds <= MAX_SEEDS:
                raise ConfigurationError(f"seeds must be 1 to {MAX_SEEDS}; got {seeds}")
            changed["seeds"] = seeds
        if max_labels is not None:
            if not 1 <= max_labels <= MAX_COUNT:
                raise ConfigurationError(f"max_labels must be 1 to {MAX_COUNT}; got {max_labels}")
            changed["schedule"] = experiment.schedule.model_copy(update={"max_labels": max_labels})
        if acquisitions is not None:
            _raise_if_any("acquisitions", _find_wrong_acquisitions(acquisitions))
            changed["acquisitions"] = {name: experiment.acquisitions.get(name, {}) for name in acquisitions}
        experiments.append(experiment.model_copy(update=changed))
        _raise_if_any(
            study.name, [_describe_in_experiment(experiment, found) for found in contradictions(experiments[-1])]
        )
    replaced = {"seeds": seeds, "max_labels": max_labels, "acquisitions": acquisitions and ", ".join(acquisitions)}
    return study.model_copy(
        update={"experiments": tuple(experiments), "description": _describe_changes(study, experiments, replaced)},
    )


def _describe_changes(study: Study, experiments: Sequence[Experiment], replaced: Mapping[str, object]) -> str:
    """The study's description; where it was changed on the command line, the name and claims are not all it says."""
    differ = {
        "seeds": [experiment.seeds for experiment in experiments]
        != [experiment.seeds for experiment in study.experiments],
        "max_labels": [p.schedule.max_labels for p in experiments]
        != [p.schedule.max_labels for p in study.experiments],
        "acquisitions": [list(p.acquisitions) for p in experiments]
        != [list(p.acquisitions) for p in study.experiments],
    }
    changed = ", ".join(f"{name} = {replaced[name]}" for name, differs in differ.items() if differs)
    return f"{study.description} Changed on the command line: {changed}.".strip() if changed else study.description


def _find_wrong_acquisitions(acquisitions: Sequence[str]) -> list[str]:
    if not acquisitions:
        return ["at least one is needed"]
    return [
        describe_unknown_acquisition(name) for name in acquisitions if name not in METHODS and not is_import_path(name)
    ]
