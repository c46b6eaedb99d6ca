"""The lines of a file of another tool, as an import takes them: what finds the item, and the events."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from lindley.errors import InputError
from lindley.labelling.other_tools.argilla import read_argilla
from lindley.labelling.other_tools.doccano import EVERYBODY, read_doccano
from lindley.labelling.other_tools.prodigy import read_prodigy
from lindley.labelling.other_tools.tool_records import ToolRecord, item_values, read_records
from lindley.labelling.records import Unreadable
from lindley.labelling.settings import ProjectSettings
from lindley.labelling.sources.table import Line

Tool = Literal["prodigy", "doccano", "argilla"]
TOOLS: tuple[Tool, ...] = get_args(Tool)


def find_tool(name: str) -> Tool:
    """Return the tool of this name. Raises InputError where there is none."""
    found = next((each for each in TOOLS if each == name), None)
    if found is None:
        raise InputError(argument="tool", expected=f"one of {', '.join(TOOLS)}", got=name)
    return found


def read_tool(
    path: Path, tool: Tool, settings: ProjectSettings, classes: Collection[str], *, question: str
) -> Iterator[Line | Unreadable]:
    """Yield the records of a file, each with its line; one that cannot be used with the reason.

    Args:
        path: The file.
        tool: The tool that wrote it.
        settings: The settings of the project.
        classes: The names of its classes.
        question: Of Argilla, the name of the question that gives the class.

    Raises:
        DataError: If the file begins with a list and is no JSON.
    """
    person = "" if path.stem == EVERYBODY else path.stem

    def read(values: Mapping[str, Any]) -> ToolRecord:
        if tool == "prodigy":
            return read_prodigy(values, classes)
        if tool == "doccano":
            return read_doccano(values, person)
        return read_argilla(values, question, settings.text)

    for line in read_records(path):
        if isinstance(line, Unreadable):
            yield line
            continue
        try:
            record = read(line.values)
            yield Line(line.place, {**item_values(settings, record), "events": [*record.events]})
        except ValueError as error:
            yield Unreadable(line.place, str(error))
