"""What a trial is and under what it ran: kept beside its journal, compared when it is continued."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lindley.errors import JournalError
from lindley.session.files import REMEDY, read_plain_file, write_json
from lindley.session.records import ManifestRecord, fault_of
from lindley.text import visible_line

FILE_NAME = "manifest.json"
FORMAT = 1
_DATA = "data_hashes"
Manifest = dict[str, Any]


def read_manifest(folder: Path, record: type[ManifestRecord] = ManifestRecord) -> Manifest | None:
    """Return the manifest of a trial's folder; None when there is none. record: what the caller reads of it.

    Raises JournalError when the file is not a manifest of this format, or is damaged.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        manifest = json.loads(read_plain_file(path))
        known = manifest["format"] == FORMAT
    except Exception:  # whatever a reader raises: numbers, nesting and text beyond its limits, too
        known = False
    if not known:
        raise JournalError(f"{path} is not a manifest of format {FORMAT}. {REMEDY}")
    if fault := fault_of(record, manifest):
        raise JournalError(f"{path} is damaged: {fault}. {REMEDY}")
    return dict(manifest)


def manifest_beside(
    folder: Path, events: Sequence[Mapping[str, Any]], record: type[ManifestRecord] = ManifestRecord
) -> Manifest | None:
    """Return the manifest of a trial with these events; None where it has neither. Raises JournalError as
    `read_manifest` does, and where there are events without a manifest."""
    manifest = read_manifest(folder, record)
    if manifest is None and events:
        raise JournalError(f"{folder / FILE_NAME} is missing, but there is a journal beside it. {REMEDY}")
    return manifest


def claim_folder(folder: Path, manifest: Manifest, events: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Write the manifest when the folder has none; else compare, and return what changed since the last run.

    {name: [then, now]} for whatever `environment` tells and for a user's own code; then is None where an earlier
    version of lindley did not record it. Raises JournalError when the folder is of another trial, when the data are
    others, or when it has events but no manifest.
    """
    stored = manifest_beside(folder, events)
    if stored is None:
        write_json(folder / FILE_NAME, manifest)
        return {}
    _check_key(folder, stored, manifest)
    before = _flat(stored)
    for event in events:
        if event["event"] == "resumed":
            before.update({name: now for name, (_, now) in event["changes"].items()})
    after = _flat(manifest)
    if before[_DATA] is not None and before[_DATA] != after[_DATA]:
        raise JournalError(
            f"{folder} was begun on other data: {before[_DATA]} then, {after[_DATA]} now. "
            "Restore the data, or write to another folder."
        )
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def begin_folder(folder: Path, manifest: Manifest, events: Sequence[Mapping[str, Any]]) -> None:
    """Write the manifest for a trial that has no round yet: what it was begun on before, as data since repaired,
    counts for nothing.

    Raises JournalError when the folder is of another trial, or when it has events but no manifest.
    """
    stored = read_manifest(folder)
    if stored is None:
        claim_folder(folder, manifest, events)
        return
    _check_key(folder, stored, manifest)
    write_json(folder / FILE_NAME, manifest)


def said_changes(changes: Mapping[str, Sequence[Any]], *, arrow: str = "->") -> str:
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
    """What is compared, by name. A folder begun by an earlier version may lack some of it."""
    own = {f"code of {name}": digest for name, digest in manifest.get("own_code", {}).items()}
    there = {name: manifest[name] for name in ("code", "device", "threads", "platform", "cpu") if name in manifest}
    return {**manifest["versions"], **there, **own, _DATA: manifest[_DATA] or None}
