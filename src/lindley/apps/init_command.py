"""`lindley init SOURCE` and `lindley add DIR SOURCE`."""

from __future__ import annotations

import shlex
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_message, print_result
from lindley.apps.stage_counter import count_stage, count_stages
from lindley.errors import InputError
from lindley.labelling.creation import ProjectOptions, create_project
from lindley.labelling.initialise import SHOWN_PLACES, Additions, add_source
from lindley.labelling.project import Project
from lindley.labelling.sources.open_source import open_source
from lindley.text import count_noun


def make(
    source: Path, folder: Path | None, options: ProjectOptions, *, describe: Path | None, target: float | None
) -> None:
    """Make a project with its features, and say what comes next.

    Args:
        source: A folder of images, or a file.
        folder: The folder of the project; None: beside, named as the source.
        options: The other options.
        describe: The file of the classes' sentences.
        target: The accuracy at which to stop, in percent.
    """
    folder = folder or Path(f"{source.name.split('.')[0] or 'project'}-labels")
    options = replace(options, describe=_read_descriptions(describe), target=_share(target))
    with count_stages() as count:
        create_project(folder, source, options, on_stage=count, on_found=_report)
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


def _read_descriptions(path: Path | None) -> dict[str, str]:
    """Return the sentences of a file by class. Raises InputError where it cannot be read."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", argument="describe", got=str(path)) from None


def _share(percent: float | None) -> float | None:
    if percent is not None and not 1 <= percent < 100:
        raise InputError(argument="target", expected="in percent, from 1 to below 100, as in 90", got=percent)
    return None if percent is None else percent / 100


def _report(project: Project, found: Additions) -> None:
    parts = [count_noun(found.num_new, "item")]
    if found.num_known:
        parts.append(f"{found.num_known:,} known already")
    if found.num_found_again:
        parts.append(f"{count_noun(found.num_found_again, 'item')} found again")
    if found.duplicates:
        parts.append(count_noun(len(found.duplicates), "copy", "copies"))
    if found.num_near_duplicates:
        parts.append(count_noun(found.num_near_duplicates, "near-duplicate"))
    if found.num_labels or project.settings.label:
        parts.append(f"{count_noun(found.num_labels, 'label')} imported")
    parts.append(f"{len(found.unreadable)} unreadable")
    print_result(f"{count_noun(found.num_entries, 'entry', 'entries')}: {', '.join(parts)}.")
    copies, unreadable = found.duplicates[:SHOWN_PLACES], found.unreadable[:SHOWN_PLACES]
    first = project.places([item for _, item in copies])
    _list_places([f"{place}: a copy of {first[item]}" for place, item in copies], len(found.duplicates))
    _list_places([f"{each.place}: {each.reason}" for each in unreadable], len(found.unreadable))
    for reason, count in Counter(found.label_reasons).most_common(SHOWN_PLACES):
        print_message(f"  {count_noun(count, 'known label')} left out: {reason}")


def _list_places(lines: Sequence[str], total: int) -> None:
    for line in lines:
        print_message(f"  {line}")
    if total > len(lines):
        print_message(f"  … and {total - len(lines)} more")
