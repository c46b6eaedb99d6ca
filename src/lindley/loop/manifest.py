"""What a trial is and under what it ran: written beside its journal, compared when it is continued."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from lindley.errors import JournalError
from lindley.loop.files import REMEDY, write_json

FILE_NAME = "manifest.json"
FORMAT = 1

Manifest = dict[str, Any]


def environment(*, device: str, threads: int) -> Manifest:
    """Versions, device, threads and platform: where these are equal, bits are promised to be equal."""
    packages = ("lindley", "torch", "numpy", "scikit-learn", "scipy")
    versions = {name: version(name) for name in packages} | {"python": platform.python_version()}
    return {
        "versions": versions,
        "device": _device_name(device),
        "threads": threads,
        "platform": f"{platform.system()} {platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
    }


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a trial's folder; None when there is none.

    Raises JournalError when the file is not a manifest of this format.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return None
    try:
        manifest = json.loads(path.read_bytes())
        known = manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise JournalError(f"{path} is not a manifest of format {FORMAT}. Delete the trial's folder to run it again.")
    return dict(manifest)


def claim_folder(folder: Path, manifest: Manifest, events: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Write the manifest when the folder has none; else compare, and return what changed since the last run.

    {name: [then, now]} for versions, device, threads and platform. Raises JournalError when the folder is of another
    trial, when the data are others, or when it has events but no manifest.
    """
    stored = read_manifest(folder)
    if stored is None:
        if events:
            raise JournalError(f"{folder / FILE_NAME} is missing, but there is a journal beside it. {REMEDY}")
        write_json(folder / FILE_NAME, manifest)
        return {}
    if stored["key"] != manifest["key"]:
        raise JournalError(
            f"{folder} holds another trial (key {stored['key'][:8]}, expected {manifest['key'][:8]}). "
            "Write to another folder."
        )
    if stored["data_hashes"] != manifest["data_hashes"]:
        raise JournalError(
            f"{folder} was begun on other data: {stored['data_hashes']} then, {manifest['data_hashes']} now. "
            "Restore the data, or write to another folder."
        )
    before = _flat(stored)
    for event in events:
        if event["event"] == "resumed":
            before.update({name: now for name, (_, now) in event["changes"].items()})
    after = _flat(manifest)
    return {name: [before.get(name), after[name]] for name in after if before.get(name) != after[name]}


def _flat(manifest: Manifest) -> dict[str, Any]:
    return {**manifest["versions"], **{name: manifest[name] for name in ("device", "threads", "platform")}}


def _device_name(device: str) -> str:
    kind = torch.device(device)
    return f"{device} ({torch.cuda.get_device_name(kind)})" if kind.type == "cuda" else device
