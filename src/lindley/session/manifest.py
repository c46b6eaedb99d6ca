"""What a trial is and under what it ran: kept beside its journal, compared when it is continued."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from lindley.errors import JournalError
from lindley.session.files import REMEDY, read_plain_file, write_json
from lindley.session.records import Record, fault_of
from lindley.session.state import SessionState
from lindley.text import visible_line

FILE_NAME = "manifest.json"
FORMAT = 1
_DATA = "data_hashes"
Manifest = dict[str, Any]


class ManifestRecord(Record):
    """What is read of a manifest where a trial is continued; others may read more of it."""

    model_config = ConfigDict(extra="ignore")

    key: str
    versions: dict[str, str]
    data_hashes: dict[str, str]
    own_code: Mapping[str, str | None] = {}


def read_manifest(folder: Path, record: type[ManifestRecord] = ManifestRecord) -> Manifest | None:
    """Return the manifest of a trial's folder; None when there is none. record: what the caller reads of it.

    Raises JournalError when the file is not a manifest of this format, or is not what was written.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        manifest = dict(json.loads(read_plain_file(path)))
        known = manifest["format"] == FORMAT
        intact = manifest.pop("check") == _check(manifest)
    except Exception:  # whatever a reader raises: numbers, nesting and text beyond its limits, too
        known = intact = False
    if not known:
        raise JournalError(f"{path} is not a manifest of format {FORMAT}. {REMEDY}")
    if not intact:
        raise JournalError(f"{path} is damaged: it is not what was written. {REMEDY}")
    if fault := fault_of(record, manifest):
        raise JournalError(f"{path} is damaged: {fault}. {REMEDY}")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest with its check, whole or not at all."""
    write_json(folder / FILE_NAME, {**manifest, "check": _check(manifest)})


def manifest_of(folder: Path, state: SessionState, record: type[ManifestRecord] = ManifestRecord) -> Manifest | None:
    """Return the manifest of a trial in this state; None where it has not begun and has none.

    Raises JournalError as `read_manifest` does, where a journal has no manifest, and where the two are of two trials.
    """
    manifest = read_manifest(folder, record)
    if manifest is None and state.key is not None:
        raise JournalError(f"{folder / FILE_NAME} is missing, but there is a journal beside it. {REMEDY}")
    if manifest is not None and state.key not in (None, manifest["key"]):
        raise JournalError(
            f"the journal in {folder} is not that of its manifest: its key is {str(state.key)[:8]}, not "
            f"{manifest['key'][:8]}. {REMEDY}"
        )
    return manifest


def claim_folder(folder: Path, manifest: Manifest, state: SessionState) -> dict[str, list[Any]]:
    """Write the manifest when the trial has no round yet; else compare, and return what changed since the last run.

    {name: [then, now]} for whatever `environment` tells and for a user's own code. What a trial without a round was
    begun on, such as data since repaired, counts for nothing. Raises JournalError when the folder is of another trial,
    or its rounds are of other data.
    """
    stored = manifest_of(folder, state)
    if stored is not None:
        _check_key(folder, stored, manifest)
    if stored is None or not state.rounds:
        write_manifest(folder, manifest)
        return {}
    before, after = _flat(stored), _flat(manifest)
    for event in state.resumed:
        before.update({name: now for name, (_, now) in event.changes.items()})
    if before[_DATA] != after[_DATA]:
        raise JournalError(
            f"{folder} was begun on other data: {before[_DATA]} then, {after[_DATA]} now. "
            "Restore the data, or write to another folder."
        )
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def describe_changes(changes: Mapping[str, Sequence[Any]], *, arrow: str = "->") -> str:
    """What `claim_folder` returned, in words; a hash by its first digits."""

    def short(name: str, value: Any) -> Any:
        return value[:8] if name.startswith("code") and isinstance(value, str) else value

    told = (f"{name} {short(name, then)} {arrow} {short(name, now)}" for name, (then, now) in changes.items())
    return visible_line(", ".join(told))


def _check_key(folder: Path, stored: Manifest, manifest: Manifest) -> None:
    if stored["key"] != manifest["key"]:
        raise JournalError(
            f"{folder} holds another trial (key {stored['key'][:8]}, expected {manifest['key'][:8]}). "
            "Write to another folder."
        )


def _flat(manifest: Manifest) -> dict[str, Any]:
    """What is compared, by name."""
    own = {f"code of {name}": digest for name, digest in manifest.get("own_code", {}).items()}
    there = {name: manifest[name] for name in ("code", "device", "threads", "platform", "cpu") if name in manifest}
    return {**manifest["versions"], **there, **own, _DATA: manifest[_DATA]}


def _check(manifest: Mapping[str, Any]) -> str:
    """16 hex digits of the sha256 of a manifest's canonical JSON."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
