"""The manifest of a trial: what it is and where it ran. It lies beside the journal, and is compared on resuming."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from lindley.errors import JournalError
from lindley.files import read_plain_file, write_json
from lindley.session.files import REMEDY
from lindley.session.journal_file import FILE_NAME as JOURNAL
from lindley.session.journal_ranges import check_ranges
from lindley.session.state import SessionState
from lindley.session.validated_records import Count, Record, find_fault
from lindley.text import escape_line

FILE_NAME = "manifest.json"
FORMAT = 1
_DATA = "data_hashes"
Manifest = dict[str, Any]


class ManifestRecord(Record):
    """The entries of a manifest that are read where a trial is continued; others may read more."""

    model_config = ConfigDict(extra="ignore")

    key: str
    versions: dict[str, str]
    data_hashes: dict[str, str]
    own_code: Mapping[str, str | None] = {}
    num_rows: Count | None = None
    class_names: list[str] | None = None


def read_manifest(folder: Path, record: type[ManifestRecord] = ManifestRecord) -> Manifest | None:
    """Return the manifest of a trial's folder; None when there is none.

    Args:
        folder: The trial's folder.
        record: The entries that the caller reads.

    Raises:
        JournalError: If the file is not a manifest of this format, or is not what was written.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        manifest = dict(json.loads(read_plain_file(path)))
        known = manifest["format"] == FORMAT
        intact = manifest.pop("check") == _digest(manifest)
    except Exception:  # whatever a reader raises: numbers, nesting and text beyond its limits, too
        known = intact = False
    if not known:
        raise JournalError(f"{path} is not a manifest of format {FORMAT}. {REMEDY}", path=path)
    if not intact:
        raise JournalError(f"{path} is damaged: it is not what was written. {REMEDY}", path=path)
    if fault := find_fault(record, manifest):
        raise JournalError(f"{path} is damaged: {fault}. {REMEDY}", path=path)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest with its digest, whole or not at all."""
    write_json(folder / FILE_NAME, {**manifest, "check": _digest(manifest)})


def read_trial_manifest(
    folder: Path, state: SessionState, record: type[ManifestRecord] = ManifestRecord, *, key: str | None = None
) -> Manifest | None:
    """Return the manifest of a trial; None where the trial has not begun and has none.

    Args:
        folder: The trial's folder.
        state: The state of the journal in the folder.
        record: The entries that the caller reads.
        key: The key that the trial must have; None: whatever the manifest holds.

    Raises:
        JournalError: If `read_manifest` does, if a journal has no manifest, if the two belong to different trials or to
            another trial than expected, or if the journal holds rows or classes that the manifest does not have.
    """
    manifest, path = read_manifest(folder, record), folder / FILE_NAME
    if manifest is None:
        if state.key is not None:
            raise JournalError(f"{path} is missing, but there is a journal beside it. {REMEDY}", path=path)
        return None
    journal = folder / JOURNAL
    if state.key not in (None, manifest["key"]):
        raise JournalError(
            f"{journal} is not the journal of its manifest: its key is {str(state.key)[:8]}, not "
            f"{manifest['key'][:8]}. {REMEDY}",
            path=journal,
        )
    if key is not None and manifest["key"] != key:
        raise JournalError(
            f"{folder} holds another trial (key {manifest['key'][:8]}, expected {key[:8]}). Write to another folder.",
            path=path,
            entry="key",
        )
    if manifest.get("num_rows") and manifest.get("class_names"):
        num_rows, num_classes = manifest["num_rows"], len(manifest["class_names"])
        check_ranges(state, num_rows=num_rows, num_classes=num_classes, path=journal)
    return manifest


def claim_folder(folder: Path, manifest: Manifest, state: SessionState) -> dict[str, list[Any]]:
    """Write the manifest where the trial has no round yet; else return what changed since the last run.

    Whatever a trial without a round was begun on, such as data since repaired, counts for nothing.

    Args:
        folder: The trial's folder.
        manifest: The manifest of the trial that is to run.
        state: The state of the journal in the folder.

    Returns:
        By name [the value before, the value now], for the environment and for a user's own code.

    Raises:
        JournalError: If the folder holds another trial, or if its rounds were run on other data.
    """
    stored = read_trial_manifest(folder, state, key=manifest["key"])
    if stored is None or not state.rounds:
        write_manifest(folder, manifest)
        return {}
    before, after = _compared_values(stored), _compared_values(manifest)
    for event in state.resumptions:
        before.update({name: now for name, (_, now) in event.changes.items()})
    if before[_DATA] != after[_DATA]:
        raise JournalError(
            f"{folder} was begun on other data: {before[_DATA]} then, {after[_DATA]} now. "
            "Restore the data, or write to another folder.",
            path=folder / FILE_NAME,
            entry=_DATA,
        )
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def describe_changes(changes: Mapping[str, Sequence[Any]], *, arrow: str = "->") -> str:
    """Return what `claim_folder` returned in words; of a hash the first digits."""

    def short(name: str, value: Any) -> Any:
        return value[:8] if name.startswith("code") and isinstance(value, str) else value

    changed = (f"{name} {short(name, then)} {arrow} {short(name, now)}" for name, (then, now) in changes.items())
    return escape_line(", ".join(changed))


def _compared_values(manifest: Manifest) -> dict[str, Any]:
    """Return what is compared, by name."""
    own = {f"code of {name}": digest for name, digest in manifest.get("own_code", {}).items()}
    there = {name: manifest[name] for name in ("code", "device", "threads", "platform", "cpu") if name in manifest}
    return {**manifest["versions"], **there, **own, _DATA: manifest[_DATA]}


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return 16 hex digits of the sha256 of a manifest's canonical JSON."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
