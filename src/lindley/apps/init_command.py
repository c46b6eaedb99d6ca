"""`lindley init SOURCE` and `lindley add DIR SOURCE`."""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_message, print_result
from lindley.apps.stage_counter import count_stage
from lindley.errors import InputError
from lindley.labelling.initialise import Additions, add_source, make_project
from lindley.labelling.item_features import feature_method, item_features
from lindley.labelling.project import Project
from lindley.labelling.settings import build_settings
from lindley.labelling.sources.open_source import open_source
from lindley.names import suggest_name

SHOWN_PLACES = 10
"""The number of unreadable entries, and of copies, that are listed on stderr."""


@dataclass(frozen=True)
class InitOptions:
    """The options of `lindley init`; see its --help."""

    source: Path
    classes: Sequence[str]
    to: Path | None
    text: str | None
    features: Sequence[str] | None
    label: str | None
    id: str | None
    keys: str | None
    describe: Path | None
    encoder: str | None
    acquisition: str
    test_labels: int
    target: float | None
    overlap: int
    seed: int


def make(options: InitOptions) -> None:
    """Make a project, compute its features, and say what comes next."""
    folder = options.to or Path(f"{options.source.name.split('.')[0] or 'project'}-labels")
    source = open_source(
        options.source,
        text=options.text,
        features=options.features,
        label=options.label,
        id=options.id,
        classes=options.classes,
    )
    if options.keys is not None and len(options.keys) != len(options.classes):
        raise InputError(argument="keys", expected=f"{len(options.classes)} keys, one a class", got=options.keys)
    descriptions = _read_descriptions(options.describe, options.classes)
    settings = build_settings(
        {
            "kind": source.kind,
            "seed": options.seed,
            "text": options.text or "",
            "columns": tuple(options.features or ()),
            "label": options.label or "",
            "id": options.id or "",
            "features": _features(options.encoder),
            "acquisition": options.acquisition,
            "test_labels": options.test_labels,
            "target": _share(options.target),
            "people_per_item": options.overlap,
        }
    )
    feature_method(settings)  # a missing encoder is said before anything is made
    with count_stage("Reading") as count:
        found = make_project(
            folder,
            source,
            options.classes,
            settings,
            keys=options.keys,
            descriptions=descriptions,
            on_progress=count,
        )
    with Project.open(folder) as project:
        _report(project, found)
        with count_stage("Features") as count:
            item_features(project, on_progress=lambda done, total: count(done))
    print_result(f"Project: {folder}")
    print_result(f"Label it: {program_name()} label {shlex.quote(str(folder))}")


def add_more(
    folder: Path,
    path: Path,
    *,
    text: str | None,
    features: Sequence[str] | None,
    label: str | None,
    id: str | None,
) -> None:
    """Add a source to a project.

    Args:
        folder: The folder of the project.
        path: The source.
        text: The column of the text, in place of the project's.
        features: The columns of the features, in place of the project's.
        label: The column of known labels, in place of the project's.
        id: The column of ids, in place of the project's.
    """
    with Project.open(folder) as project:
        settings = project.settings
        table = settings.kind in ("text", "rows")
        source = open_source(
            path,
            text=text or settings.text or None,
            features=features or settings.columns or None,
            label=label or ((settings.label or None) if table or settings.kind == "images" else None),
            id=id or ((settings.id or None) if table else None),
            classes=[each.name for each in project.classes()],
        )
        with count_stage("Reading") as count:
            found = add_source(project, source, on_progress=count)
        _report(project, found)


def _read_descriptions(path: Path | None, classes: Sequence[str]) -> dict[str, str]:
    """Return the sentences of a file by class. Raises InputError where it cannot be used."""
    if path is None:
        return {}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", argument="describe", got=str(path)) from None
    for name, sentence in given.items():
        if name not in classes:
            raise InputError(
                f"{path} describes {name!r}; the classes are {', '.join(classes)}.{suggest_name(name, classes)}",
                argument="describe",
                got=name,
            )
        if not isinstance(sentence, str):
            raise InputError(argument="describe", expected=f"a sentence for {name!r} in {path}", got=sentence)
    return given


def _features(encoder: str | None) -> str:
    if encoder is None:
        return ""
    from lindley.session.import_paths import is_import_path

    return encoder if is_import_path(encoder) else f"encoder:{encoder}"


def _share(percent: float | None) -> float | None:
    if percent is not None and not 0 < percent < 100:
        raise InputError(argument="target", expected="a percentage above 0 and below 100", got=percent)
    return None if percent is None else percent / 100


def _report(project: Project, found: Additions) -> None:
    parts = [f"{found.num_new} items"]
    if found.duplicates:
        parts.append(f"{len(found.duplicates)} copies")
    if found.num_near_duplicates:
        parts.append(f"{found.num_near_duplicates} near-duplicates")
    if found.num_labels:
        parts.append(f"{found.num_labels} labels imported")
    parts.append(f"{len(found.unreadable)} unreadable")
    print_result(f"{found.num_entries} entries: {', '.join(parts)}.")
    copies, unreadable = found.duplicates[:SHOWN_PLACES], found.unreadable[:SHOWN_PLACES]
    first = project.places([item for _, item in copies])
    _list_places([f"{place}: a copy of {first[item]}" for place, item in copies], len(found.duplicates))
    _list_places([f"{each.place}: {each.reason}" for each in unreadable], len(found.unreadable))
    for reason, count in Counter(found.label_reasons).most_common(SHOWN_PLACES):
        print_message(f"  {count} known labels were left out: {reason}")


def _list_places(lines: Sequence[str], total: int) -> None:
    for line in lines:
        print_message(f"  {line}")
    if total > len(lines):
        print_message(f"  … and {total - len(lines)} more")
