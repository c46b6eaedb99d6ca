"""`lindley import DIR FILE`."""

from __future__ import annotations

from pathlib import Path

from lindley.apps.printing import print_result
from lindley.apps.stage_counter import count_stage
from lindley.labelling.importing import import_labels
from lindley.labelling.project import Project


def import_file(
    folder: Path, path: Path, *, format: str | None, label: str, spreadsheet: bool, tool: str | None
) -> None:
    """Import the labels of a file into a project.

    Args:
        folder: The folder of the project.
        path: The file.
        format: Its format; None: its suffix decides.
        label: The column of the names of classes.
        spreadsheet: Whether its cells were quoted for spreadsheets.
        tool: The tool that exported it; None: none of the other tools.
    """
    with Project.open(folder) as project, count_stage("Reading") as count:
        found = import_labels(
            project, path, format=format, label=label, spreadsheet=spreadsheet, tool=tool, on_progress=count
        )
    parts = [f"labels for {found.num_labels} items", f"{found.num_events} new answers and notes"]
    if found.num_known:
        parts.append(f"{found.num_known} already imported")
    if found.num_kept:
        parts.append(f"{found.num_kept} left out because the same person has answered the item in this project")
    print_result(f"Read {found.num_lines} lines: {', '.join(parts)}.")
