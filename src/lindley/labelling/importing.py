"""Labels from files: what `export` wrote, and tables and tasks that others wrote.

An imported label is an event of its own kind, which is never a test label; it keeps who gave it, when, and what it was
where it comes from. All of a file is checked before anything is stored, and nothing is stored where a line is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from lindley.errors import Argument, InputError
from lindley.labelling.export.columns import COLUMNS, content_columns
from lindley.labelling.export.csv_file import read_csv
from lindley.labelling.export.hugging_face import read_hugging_face
from lindley.labelling.export.jsonl_file import read_jsonl
from lindley.labelling.export.label_studio import read_label_studio
from lindley.labelling.export.parquet_file import read_parquet
from lindley.labelling.export.writing import Format, check_spreadsheet, format_of
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.imported_events import EventReader
from lindley.labelling.item_lookup import NoItemError
from lindley.labelling.other_tools.reading import find_tool, read_tool
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent, Unreadable
from lindley.labelling.sources.table import Line

SHOWN_FAULTS = 10


@dataclass(frozen=True)
class Imported:
    """The result of an import."""

    num_lines: int
    num_events: int
    """Events that were stored."""
    num_labels: int
    """Items that were labelled."""
    num_known: int
    """Events that were there already."""
    num_kept: int
    """Events left out because the same person has answered the item in this project."""


def import_labels(
    project: Project,
    path: Path,
    *,
    format: str | None = None,
    label: str = "class",
    spreadsheet: bool = False,
    tool: str | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Imported:
    """Import the labels of a file: all of them, or none where a line is wrong. Twice is the same as once.

    Args:
        project: The project.
        path: The file.
        format: "csv", "jsonl", "parquet", "label-studio" or "hf", a folder; None: the suffix decides.
        label: The column of the names of classes; of Argilla the question.
        spreadsheet: Whether cells of a csv file were quoted for spreadsheets.
        tool: The tool that wrote the file: "prodigy", "doccano" or "argilla"; None: lindley, Label Studio or a person.
        on_progress: Called with the number of lines that were read.

    Raises:
        InputError: If an item or a class is not known, or a line is wrong otherwise; the message names the lines, and
            `error.rows` lists them.
        DataError: If the file is damaged.
    """
    if not (path.is_dir() if format == "hf" else path.is_file()):
        raise InputError(f"{path} was not found.", argument="file", got=str(path))
    if tool is None:
        chosen = format_of(path, format)
        reading = _Reading(project, label, is_typed=chosen != "csv")
        once = {label, *COLUMNS, *content_columns(project.settings).values()}
        lines = _read(path, chosen, once, spreadsheet=spreadsheet)
    else:
        if format is not None or spreadsheet:
            raise InputError("Name a tool or a format, not both.", argument="tool", got=tool)
        reading = _Reading(project, label, is_typed=True)
        names = {each.name for each in project.store.classes()}
        lines = read_tool(path, find_tool(tool), project.settings, names, question=label)
    count = 0
    for line in lines:
        count += 1
        on_progress(count)
        reading.add(line)
    reading.check(path)
    project.store.append_all([(name, [*group]) for name, group in groupby(reading.events, key=_appender)])
    labelled = {each.item for each in reading.events if each.kind == "import"}
    return Imported(count, len(reading.events), len(labelled), reading.num_known, reading.num_kept)


def _read(path: Path, format: Format, once: Collection[str], *, spreadsheet: bool) -> Iterator[Line | Unreadable]:
    check_spreadsheet(format, spreadsheet=spreadsheet)
    if format == "csv":
        return read_csv(path, once=once, spreadsheet=spreadsheet)
    if format == "parquet":
        return read_parquet(path, once=once)
    readers = {"jsonl": read_jsonl, "label-studio": read_label_studio, "hf": read_hugging_face}
    return readers[format](path)


def _appender(event: ProjectEvent) -> str:
    """Return the person who appends an event: of imported labels a program does, and they keep their person."""
    return "" if event.kind == "import" else event.person


class _Reading:
    """Takes the events of lines, and remembers what is wrong."""

    def __init__(self, project: Project, label: str, *, is_typed: bool) -> None:
        self.events: list[ProjectEvent] = []
        self.num_known = self.num_kept = 0
        self._state: ProjectState = fold(project.store.events())
        self._reader = EventReader(project, self._state, label, is_typed=is_typed)
        self._faults: list[tuple[str, str]] = []
        self._uuids: set[str] = set()
        self._left_out: set[str] = set()
        self._label = label
        self._columns: dict[str, None] = {}
        self._num_lines = self._num_without_item = 0

    def add(self, line: Line | Unreadable) -> None:
        """Read a line."""
        self._num_lines += 1
        if isinstance(line, Unreadable):
            self._faults.append((line.place, line.reason))
            return
        self._columns |= dict.fromkeys(line.values)
        try:
            for event in self._reader.read(line):
                self._take(event)
        except ValueError as error:
            self._num_without_item += isinstance(error, NoItemError)
            self._faults.append((line.place, str(error)))

    def check(self, path: Path) -> None:
        """Raise InputError where a line was wrong."""
        if self._columns and not {self._label, "events", "votes"} & {*self._columns}:
            raise InputError(
                f"{path} has no column {self._label!r}; it has {', '.join(map(repr, self._columns))}. "
                "Name the column of the classes: ",
                Argument("label", "COLUMN"),
                argument="label",
                got=self._label,
            )
        if not self._faults:
            return
        text = "; ".join(f"{place}: {reason}" for place, reason in self._faults[:SHOWN_FAULTS])
        more = len(self._faults) - SHOWN_FAULTS
        none = self._num_without_item == self._num_lines
        raise InputError(
            f"Nothing of {path} was imported{', for none of its lines is of an item of the project' if none else ''}: "
            f"{text.removesuffix('.')}{f'; and {more} more lines' if more > 0 else ''}{'' if text[-1] == '?' else '.'}",
            argument="file",
            rows=[place for place, _ in self._faults],
        )

    def _take(self, event: ProjectEvent) -> None:
        """Keep an event that is new, and that does not replace what its person said here."""
        if event.uuid in self._state.known:
            self.num_known += 1
        elif event.uuid in self._uuids:
            return  # a copy of the item
        elif self._stays(event):
            self.num_kept += 1
            self._left_out.add(event.uuid)
        else:
            self._uuids.add(event.uuid)
            self.events.append(event)

    def _stays(self, event: ProjectEvent) -> bool:
        """Return whether the person has answered the item here; what they said stays."""
        if event.kind == "undo":
            return event.target_uuid in self._left_out
        if event.kind not in ("import", "skip") or event.item is None:
            return False
        told = [each for each in self._state.standing.get(event.item, ()) if not each.imported]
        mine = [each for each in told if each.person == event.person]
        return any(each.kind in ("label", "skip", "adjudicate") for each in mine)
