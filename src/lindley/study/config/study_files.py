"""Read a study: a packaged name or a TOML file becomes frozen, checked models.

The top-level tables are the defaults of every [[experiments]] table, which overrides them key by key. Tables
whose keys belong together are replaced whole: `_merge` has the list.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lindley.acquisition.specs import ACQUISITIONS
from lindley.errors import ConfigurationError
from lindley.files import read_plain_file
from lindley.names import suggest_name
from lindley.session.import_paths import is_import_path
from lindley.session.invalid_keys import InvalidKey, format_key, raise_errors
from lindley.study.config.errors import (
    EXPERIMENT_KEYS,
    STUDY_KEYS,
    experiment_errors,
    unknown_keys,
    wrong_values,
)
from lindley.study.config.schema import MAX_COUNT, MAX_SEEDS, Experiment, Model, Study
from lindley.study.config.validation import (
    contradictions,
    describe_unknown_acquisition,
    unknown_names,
    unreachable_observations,
)

_Tables = dict[str, Any]
_MAX_BYTES, _MAX_DEPTH = 4 << 20, 20
"""Of a study file."""
_DOTTED, _MAX_KEY_PARTS = re.compile(r"[^\s.]+(?:[ \t]*\.[ \t]*[^\s.]+)*"), 100  # linear: every place matches
_POSTERIOR = Model.model_fields["posterior"].default


def builtin_studies() -> list[str]:
    """Return the names of the packaged studies, sorted."""
    folder = resources.files("lindley.study.builtin")
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_study(
    name_or_path: str | os.PathLike[str],
    *,
    seeds: int | None = None,
    max_labels: int | None = None,
    acquisitions: Sequence[str] | None = None,
) -> Study:
    """Return a packaged study by its name, or the one of a .toml file, with every key checked.

    What the arguments change is said at the end of the study's description.

    Args:
        name_or_path: The name of a packaged study, or the path of a .toml file.
        seeds: The number of seeds of every experiment, in place of its own.
        max_labels: The number of labels at which every experiment ends, in place of its own.
        acquisitions: The acquisitions to keep, with the options that each experiment gives them; one that an
            experiment does not have is added to it without options.

    Raises:
        ConfigurationError: For an unknown study, key or name, or a wrong value; `argument` is the key, `path` the file.
    """
    source = os.fspath(name_or_path)
    name, text, path = _read_source(source)
    study = _build_study(name, _parse_toml(text, source), source, path)
    return _override(study, seeds, max_labels, acquisitions)


def check_study(study: Study) -> None:
    """Raise ConfigurationError for a study built in Python where its file would be refused.

    The types and limits of the keys were checked when it was built. Names, options and contradictions are checked here.
    """
    check_settings(study)
    raise_errors(
        [error for each in study.experiments for error in experiment_errors(each, unreachable_observations)], study.name
    )


def check_settings(study: Study) -> None:
    """Check a study as `check_study` does, but allow observations where it has no round: another run may go further."""
    errors = _repetitions(study.experiments)
    for experiment in study.experiments:
        errors += experiment_errors(experiment, unknown_names, contradictions)
    raise_errors(errors, study.name)


def _parse_toml(text: str, source: str) -> _Tables:
    """Return the tables of a study file; raise ConfigurationError, whatever the reader raises."""

    def refuse(why: str) -> ConfigurationError:
        return ConfigurationError(f"{source} {why}", path=source)

    if any(found[0].count(".") > _MAX_KEY_PARTS for found in _DOTTED.finditer(text)):  # which tomllib reads for minutes
        raise refuse(f"has a key of more than {_MAX_KEY_PARTS} parts. Shorten it.")
    try:
        tables = tomllib.loads(text)
    except RecursionError:
        raise refuse("is nested too deep. Write tables and lists less deep.") from None
    except Exception as error:  # also a number of more digits than Python reads
        raise refuse(f"is not valid TOML: {error}") from None
    level: list[Any] = [tables]
    for _ in range(_MAX_DEPTH):
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
        level = [each for each in level if isinstance(each, dict | list)]
    if level:
        raise refuse(f"is nested more than {_MAX_DEPTH} tables and lists deep. Write it less deep.")
    return tables


def _read_source(name_or_path: str) -> tuple[str, str, Path | None]:
    """Return the study's name, its text and the path of its file (None for a packaged one)."""
    known = builtin_studies()
    if name_or_path in known:
        file = resources.files("lindley.study.builtin").joinpath(f"{name_or_path}.toml")
        return name_or_path, file.read_text(encoding="utf-8"), None
    path = Path(name_or_path)
    if path.suffix != ".toml":
        file = Path(f"{path}.toml")
        hint = f" Did you mean {file}?" if file.is_file() else suggest_name(name_or_path, known)
        raise ConfigurationError(
            f'no study is called "{name_or_path}"; there are {", ".join(known)}, or the path of a .toml file.{hint}',
            argument="study",
            got=name_or_path,
        )
    try:
        return path.stem, read_plain_file(path, max_bytes=_MAX_BYTES).decode("utf-8-sig"), path
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"the study file {path} cannot be read: {why}", path=path) from None


def _build_study(name: str, tables: _Tables, source: str, path: Path | None) -> Study:
    """Return the study of a file's tables, checked; path: the file, which a packaged study has not."""
    experiments = tables.get("experiments", [])
    if not isinstance(experiments, list) or not all(isinstance(each, dict) for each in experiments):
        invalid = InvalidKey(("experiments",), "must be written as [[experiments]] tables.", got=experiments)
        raise_errors([invalid.error("experiments")], source, path)
    errors = [each.error(format_key(each.path)) for each in unknown_keys(tables, STUDY_KEYS)]
    for own in experiments:
        errors += [_error(each, own, is_own=True) for each in unknown_keys(own, EXPERIMENT_KEYS)]
    raise_errors(errors, source, path)
    defaults = {key: value for key, value in tables.items() if key not in ("title", "description", "experiments")}
    title = tables.get("title", name)
    if experiments:
        checked = [_build_experiment(_merge(defaults, own), own, source, path) for own in experiments]
    else:
        only = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-") or "study"
        checked = [_build_experiment({"name": only, "title": title, **defaults}, {}, source, path)]
    raise_errors(_repetitions(checked), source, path)
    settings = {"name": name, "title": title, "description": tables.get("description", "")}
    try:
        return Study(**settings, experiments=tuple(checked), folder=path and path.resolve().parent)
    except ValidationError as error:
        raise_errors([each.error(format_key(each.path)) for each in wrong_values(error)], source, path)
        raise


def _build_experiment(tables: _Tables, own: _Tables, source: str, path: Path | None) -> Experiment:
    """Return one merged experiment, checked; own is its [[experiments]] table, to name a key as it was written."""
    try:
        experiment = Experiment.model_validate(tables)
    except ValidationError as error:
        raise_errors([_error(each, own) for each in wrong_values(error)], source, path)
        raise
    invalid = [*unknown_names(experiment), *contradictions(experiment), *unreachable_observations(experiment)]
    raise_errors([_error(each, own) for each in invalid], source, path)
    return experiment


def _error(invalid: InvalidKey, own: _Tables, *, is_own: bool = False) -> ConfigurationError:
    """Return the error of a key by its full name: within its [[experiments]] table where it was written there."""
    inner: Any = own
    for part in invalid.path:
        known = isinstance(inner, dict) and part in inner
        inner = inner[part] if known else inner
        is_own = is_own or (known and part == invalid.path[-1])
    key, name = format_key(invalid.path), own.get("name", "?")
    if is_own:
        return invalid.error(f"experiments[{name}].{key}")
    return invalid.error(key, f"(It is a default of experiment {name}.)" if own else "")


def _repetitions(experiments: Sequence[Experiment]) -> list[ConfigurationError]:
    """Return an error for each name that several experiments have."""
    repeated = [name for name, count in sorted(Counter(each.name for each in experiments).items()) if count > 1]
    invalid = [InvalidKey(("experiments",), f'has the name "{name}" twice. Rename one.', got=name) for name in repeated]
    return [each.error("experiments") for each in invalid]


def _merge(defaults: Mapping[str, Any], own: Mapping[str, Any], path: tuple[str, ...] = ()) -> _Tables:
    """Return the defaults with an experiment's own keys over them; nothing is changed in place.

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
    """Return the study with the values of the command line in every experiment."""
    experiments = []
    for experiment in study.experiments:
        changed: _Tables = {}
        if seeds is not None:
            if not 1 <= seeds <= MAX_SEEDS:
                raise ConfigurationError(argument="seeds", expected=f"1 to {MAX_SEEDS}", got=seeds)
            changed["seeds"] = seeds
        if max_labels is not None:
            if not 1 <= max_labels <= MAX_COUNT:
                raise ConfigurationError(argument="max_labels", expected=f"1 to {MAX_COUNT}", got=max_labels)
            changed["schedule"] = experiment.schedule.model_copy(update={"max_labels": max_labels})
        if acquisitions is not None:
            _check_acquisitions(acquisitions)
            changed["acquisitions"] = {name: experiment.acquisitions.get(name, {}) for name in acquisitions}
        experiments.append(experiment.model_copy(update=changed))
        raise_errors(experiment_errors(experiments[-1], contradictions), study.name)
    replaced = {"seeds": seeds, "max_labels": max_labels, "acquisitions": acquisitions and ", ".join(acquisitions)}
    return study.model_copy(
        update={"experiments": tuple(experiments), "description": _describe_changes(study, experiments, replaced)},
    )


def _describe_changes(study: Study, experiments: Sequence[Experiment], replaced: Mapping[str, object]) -> str:
    """Return the study's description, with what was changed on the command line at its end."""

    def settings(experiment: Experiment) -> dict[str, object]:
        acquisitions = list(experiment.acquisitions)
        return {
            "seeds": experiment.seeds,
            "max_labels": experiment.schedule.max_labels,
            "acquisitions": acquisitions,
        }

    before, after = map(settings, study.experiments), map(settings, experiments)
    differing = {name for old, new in zip(before, after, strict=True) for name in old if old[name] != new[name]}
    changed = ", ".join(f"{name} = {value}" for name, value in replaced.items() if name in differing)
    return f"{study.description} Changed on the command line: {changed}.".strip() if changed else study.description


def _check_acquisitions(names: Sequence[str]) -> None:
    """Raise ConfigurationError where none is named, or one that is neither in the catalogue nor an import path."""
    unknown = [name for name in names if name not in ACQUISITIONS and not is_import_path(name)]
    found = [InvalidKey(("acquisitions",), describe_unknown_acquisition(name), got=name) for name in unknown]
    if not names:
        found = [InvalidKey(("acquisitions",), "must name at least one.", got=names)]
    raise_errors([each.error("acquisitions") for each in found])
