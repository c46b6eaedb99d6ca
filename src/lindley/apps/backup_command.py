"""`lindley backup DIR FILE` and `lindley restore FILE DIR`."""

from __future__ import annotations

import shlex
from pathlib import Path

from lindley.apps.interrupts import program_name
from lindley.apps.output_file import check_out, refuse_overwrite
from lindley.apps.printing import print_message, print_result
from lindley.apps.stage_counter import count_stage
from lindley.errors import DataError, InputError
from lindley.labelling.backup import back_up_project, restore_project
from lindley.labelling.postgresql import check_url
from lindley.labelling.project import Project


def back_up(folder: Path, file: Path, *, overwrite: bool) -> None:
    """Write a backup of a project.

    Args:
        folder: The folder of the project.
        file: The backup.
        overwrite: Whether that file may be replaced.
    """
    check_out(file, argument="file")
    refuse_overwrite(file, overwrite=overwrite, argument="file")
    with Project.open(folder) as project:
        with count_stage("Files") as count:
            number = back_up_project(project, file, on_progress=count)
        if project.settings.kind == "images":
            print_message("The images are not included; they stay where they are.")
    print_result(
        f"Backed up {number} files to {file}. Restore them: {program_name()} restore {shlex.quote(str(file))} DIR"
    )


def restore(file: Path, folder: Path, *, database: str | None) -> None:
    """Restore a project from a backup, and look whether its images are where they were.

    Args:
        file: The backup.
        folder: The folder of the project, which must be missing or empty.
        database: The address of a PostgreSQL database that takes the labels; None: they stay in the folder.
    """
    if not file.is_file():
        raise InputError(f"There is no file {file}.", argument="file", got=str(file))
    url = "" if database is None else check_url(database)
    try:
        with count_stage("Files") as count:
            number = restore_project(file, folder, database=url, on_progress=count)
    except DataError as error:
        raise InputError(str(error), argument="file", got=str(file)) from None
    with Project.open(folder) as project:
        if project.settings.kind == "images":
            missing = sum(not project.image_path(item).is_file() for item in project.store.items())
            if missing:
                print_message(f"{missing} images are missing from their folders: copy them back before you continue.")
    print_result(f"Restored {number} files. Continue: {program_name()} label {shlex.quote(str(folder))}")
