"""Labels from files: what `export` wrote, and tables and tasks that others wrote.

An imported label is an event of its own kind, which is never a test label; it keeps who gave it, when, and what it was
where it comes from. All of a file is checked before anything is stored, and nothing is stored where a line is wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from lindley.errors import InputError
from lindley.labelling.class_events import resolve_class
from lindley.labelling.export.columns import CONTENT, LABEL, parse_value
from lindley.labelling.export.csv_file import read_csv
from lindley.labelling.export.jsonl_file import read_jsonl
from lindley.labelling.export.label_studio import read_label_studio
from lindley.labelling.export.parquet_file import read_parquet
from lindley.labelling.export.writing import Format, format_of
from lindley.labelling.fold import ProjectState, fold
from lindley.labelling.item_lookup import ItemLookup
from lindley.labelling.project import Project
from lindley.labelling.records import ProjectEvent, Stream, Unreadable
from lindley.labelling.sources.table import Line
from lindley.names import suggest_name
from lindley.session.validated_records import describe_fault
from lindley.text import short_repr

SHOWN_FAULTS = 10
_FIELDS = {each.name for each in fields(ProjectEvent)} - {"seq", "item", "class_id", "predicted"}
_KINDS = ("label", "skip", "flag", "note", "undo", "reveal", "adjudicate", "import")
_EVENT = TypeAdapter(ProjectEvent)
_LABELS = ("label", "adjudicate", "import")
_NOBODY = "import"
"""The person of a flag or a note that names nobody."""


@dataclass(frozen=True)
class Imported:
    """What an import brought."""

    num_lines: int
    num_events: int
    """Events that were stored."""
    num_labels: int
    """Items that got a label."""
    num_known: int
    """Events that were there already."""
    num_kept: int
    """Events of people who answered the same items here: what they said here stays."""


def import_labels(
    project: Project,
    path: Path,
    *,
    format: str | None = None,
    label: str = "class",
    spreadsheet: bool = False,
    on_progress: Callable[[int], None] = lambda count: None,
) -> Imported:
    """Import the labels of a file: all of them, or none where a line is wrong. Twice is the same as once.

    Args:
        project: The project.
        path: The file.
        format: "csv", "jsonl", "parquet" or "label-studio"; None: the suffix decides.
        label: The column of the names of classes.
        spreadsheet: Whether cells of a csv file were quoted for spreadsheets.
        on_progress: Called with the number of lines that were read.

    Raises:
        InputError: If an item or a class is not known, or a line is wrong otherwise; the message names the lines, and
            `error.rows` lists them.
        DataError: If the file is damaged.
    """
    chosen = format_of(path, format)
    if not path.is_file():
        raise InputError(f"{path} was not found.", argument="file", got=str(path))
    reading = _Reading(project, label, is_typed=chosen != "csv")
    count = 0
    for line in _read(path, chosen, spreadsheet=spreadsheet):
        count += 1
        on_progress(count)
        reading.add(line)
    reading.check(path)
    project.store.append_all([(name, [*group]) for name, group in groupby(reading.events, key=_appender)])
    labelled = {each.item for each in reading.events if each.kind == "import"}
    return Imported(count, len(reading.events), len(labelled), reading.num_known, reading.num_kept)


def _read(path: Path, format: Format, *, spreadsheet: bool) -> Iterator[Line | Unreadable]:
    if spreadsheet and format != "csv":
        raise InputError("Only csv files are quoted for spreadsheets.", argument="spreadsheet")
    if format == "csv":
        return read_csv(path, spreadsheet=spreadsheet)
    readers: dict[str, Callable[[Path], Iterator[Line | Unreadable]]] = {
        "jsonl": read_jsonl,
        "parquet": read_parquet,
        "label-studio": read_label_studio,
    }
    return readers[format](path)


def _appender(event: ProjectEvent) -> str:
    """Return the person who appends an event: of imported labels a program does, and they keep their person."""
    return "" if event.kind == "import" else event.person


class _Reading:
    """Makes events of lines, and remembers what is wrong."""

    def __init__(self, project: Project, label: str, *, is_typed: bool) -> None:
        self.events: list[ProjectEvent] = []
        self.num_known = self.num_kept = 0
        self._label, self._is_typed = label, is_typed
        self._lookup = ItemLookup(project)
        self._state: ProjectState = fold(project.store.events())
        self._classes = {each.name: each.id for each in self._state.classes}
        self._faults: list[tuple[str, str]] = []
        self._given: dict[tuple[int, str], tuple[int | None, str]] = {}
        self._uuids: set[str] = set()
        self._left_out: set[str] = set()

    def add(self, line: Line | Unreadable) -> None:
        """Read a line."""
        if isinstance(line, Unreadable):
            self._faults.append((line.place, line.reason))
            return
        try:
            for event in self._read(line):
                self._take(event)
        except ValueError as error:
            self._faults.append((line.place, str(error)))

    def check(self, path: Path) -> None:
        """Raise InputError where a line was wrong."""
        if not self._faults:
            return
        text = "; ".join(f"{place}: {reason}" for place, reason in self._faults[:SHOWN_FAULTS])
        more = len(self._faults) - SHOWN_FAULTS
        raise InputError(
            f"Nothing of {path} was imported: {text}{f'; and {more} more lines' if more > 0 else ''}.",
            argument="file",
            rows=[place for place, _ in self._faults],
        )

    def _read(self, line: Line) -> Iterator[ProjectEvent]:
        events = line.values.get("events")
        if events is not None and not any(line.values.get(name) for name in ("place", CONTENT)):
            yield from (self._event(each, None, None) for each in _objects(events))
            return
        if line.values.get("item") in (None, "") and line.values.get("reason"):
            return  # an entry that could not be read
        item = self._lookup.find(line, is_typed=self._is_typed)
        if item is None:
            return
        if events is not None:
            stream = _stream(line.values.get("stream"))
            yield from (self._event(each, item, stream) for each in _objects(events))
        else:
            yield from self._flat_events(line, item)

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

    def _event(self, values: Mapping[str, Any], item: int | None, stream: Stream | None) -> ProjectEvent:
        """Return an event that was written as JSON values."""
        kind = values.get("kind")
        if kind not in _KINDS:
            raise ValueError(f"there is no event of kind {short_repr(kind)}")
        if unknown := sorted({*values} - _FIELDS - {"class", "class_id", "predicted", "predicted_class"}):
            raise ValueError(f"an event has no {unknown[0]!r}")
        given = {name: values[name] for name in _FIELDS if name in values}
        given |= {"class_id": self._class(values.get("class")), "predicted": self._class(values.get("predicted_class"))}
        if "uuid" not in given:
            given["uuid"] = _uuid([item, *(str(given.get(name)) for name in ("person", "class_id", "server_time"))])
        return self._make_event({**given, "item": item}, stream)

    def _flat_events(self, line: Line, item: int) -> Iterator[ProjectEvent]:
        """Yield the events that the columns of a line say."""
        values = {name: parse_value(name, line.values.get(name)) for name in LABEL if name != "class"}
        name = _class_name(line.values.get(self._label))
        class_id = self._find_offered_class(name)
        answer = values["answer"] or ("label" if name is not None else None)
        if answer not in (None, "label", "skip", "disputed"):
            raise ValueError(f"its 'answer' must be label, skip or disputed; it is {short_repr(answer)}")
        if answer == "label" and class_id is None:
            raise ValueError(f"it has no class in the column {self._label!r}")
        stream, person = _stream(values["stream"]), values["person"] or ""
        kind = {"people": "label", "adjudicated": "adjudicate"}.get(values["origin"] or "", "import")
        votes = self._votes(values["votes"])
        for voter, vote in votes.items():
            if not (voter == person and answer == "label" and kind == "label"):
                yield self._make_event({"kind": "label", "item": item, "person": voter, "class_id": vote}, stream)
        if answer in ("label", "skip"):
            given = self._provenance(values)
            given |= {"kind": kind if answer == "label" else "skip", "class_id": class_id}
            if answer == "label":
                self._refuse_another(line, item, person, class_id)
            yield self._make_event({**given, "item": item, "person": person}, stream)
        if note := self._new_note(item, values):
            yield self._make_event({**note, "item": item, "person": person or _NOBODY}, stream)

    def _provenance(self, values: Mapping[str, Any]) -> dict[str, Any]:
        seconds = {"shown_ms": values["seconds"], "idle_ms": values["idle_seconds"]}
        view = values["view"]
        return {
            **{name: None if value is None else round(1000 * value) for name, value in seconds.items()},
            "server_time": values["time"],
            "client_time": values["client_time"],
            "epoch": values["round"],
            "chosen_by": values["acquisition"],
            "chosen_prob": values["acquisition_probability"],
            "predicted": self._class(values["predicted"]),
            "predicted_prob": values["predicted_probability"],
            "prediction_shown": bool(values["prediction_shown"]),
            "model_version": values["model"],
            "guideline_version": values["guideline"],
            "payload": {} if view in (None, "single") else {"view": view},
        }

    def _new_note(self, item: int, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the flag or the note of a line; None where it has none, or the item has it already."""
        kind, text = "flag" if values["flagged"] else "note", values["note"] or ""
        if kind == "note" and not text:
            return None
        known = [each for each in self._state.standing.get(item, ()) if each.kind in ("flag", "note")]
        same = "\n".join(each.note for each in known if each.note) == text
        if known and same and (kind == "flag") == any(each.kind == "flag" for each in known):
            return None
        return {"kind": kind, "note": text}

    def _refuse_another(self, line: Line, item: int, person: str, class_id: int | None) -> None:
        """Raise ValueError where a line before gave the item another class, of the same person."""
        before = self._given.setdefault((item, person), (class_id, line.place))
        if before[0] != class_id:
            raise ValueError(f"its item has another class in {before[1]}; copies of an item are one")

    def _make_event(self, given: dict[str, Any], stream: Stream | None) -> ProjectEvent:
        """Return the event as it is stored here: labels as imported ones, with what they were."""
        kind = given["kind"]
        given = {name: value for name, value in given.items() if value is not None}
        if "uuid" not in given:
            given["uuid"] = _uuid([[name, given[name]] for name in sorted(given)])
        imported = {"kind": kind, **({} if stream is None else {"stream": stream})}
        if kind in (*_LABELS, "skip"):
            given["payload"] = {**given.get("payload", {}), "imported": imported}
        if kind in _LABELS and given.get("class_id") is None:
            raise ValueError(f"a {kind} must name its class")
        if kind == "skip" and not given.get("person"):
            raise ValueError("a skip must name its person")
        try:
            return _EVENT.validate_json(
                json.dumps({**given, "kind": "import" if kind in _LABELS else kind}), strict=True
            )
        except ValidationError as error:
            raise ValueError(f"an event is wrong: {describe_fault(error)}") from None

    def _class(self, name: object) -> int | None:
        """Return the class of a name, which may be merged or retired; None where no name is given."""
        if name is None or name in self._classes:
            return None if name is None else self._classes[str(name)]
        if isinstance(name, str) and name.strip() in self._classes:
            return self._classes[name.strip()]
        raise ValueError(f"there is no class {short_repr(name)}.{suggest_name(str(name), self._classes)}")

    def _find_offered_class(self, name: object) -> int | None:
        class_id = self._class(name)
        if class_id is not None and resolve_class(self._state.classes, class_id) is None:
            raise ValueError(f"the class {name!r} is retired")
        return class_id

    def _votes(self, text: str | None) -> dict[str, int]:
        try:
            votes = {} if text is None else json.loads(text)
        except ValueError:
            votes = None
        if not isinstance(votes, dict):
            raise ValueError(f"its 'votes' must be a JSON object of classes by person; it is {short_repr(text)}")
        return {
            person: number for person, name in votes.items() if (number := self._find_offered_class(name)) is not None
        }


def _class_name(value: object) -> str | None:
    """Return the name of a class from a cell; a number is a name too."""
    if value is None or value == "" or value != value:  # NaN stands for what is missing
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _objects(events: object) -> Iterable[Mapping[str, Any]]:
    if not isinstance(events, list) or not all(isinstance(each, dict) for each in events):
        raise ValueError(f"its 'events' must be a list of objects; it is {short_repr(events)}")
    return events


def _stream(value: object) -> Stream | None:
    if value in (None, ""):
        return None
    found = next((each for each in get_args(Stream) if each == value), None)
    if found is None:
        raise ValueError(f"its 'stream' must be train, test or audit; it is {short_repr(value)}")
    stream: Stream = found
    return stream


def _uuid(content: object) -> str:
    """Return the uuid of an event that came without one: the same line gives the same again."""
    return hashlib.sha256(json.dumps(content, ensure_ascii=True, sort_keys=True).encode()).hexdigest()[:32]
