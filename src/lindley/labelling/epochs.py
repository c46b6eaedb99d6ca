"""The epochs of a project: the results of each round of training, in files that are written completely or not at all.

`epochs/000012.npy` holds the probabilities of all items, `epochs/000012.json` all else, with the hash of the former.
The trainer writes the second last; the server reads it and swaps its queue. Old probabilities are thinned out: of an
older epoch only the predictions of test items stay, which the learning curve reads.
"""

from __future__ import annotations

import hashlib
import io
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lindley.errors import DataError
from lindley.files import read_plain_file, write_atomically, write_json
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.round_records import ModelRecord, RoundRecord

REMEDY = "No label is lost: delete this file, and train again with `lindley train`."
"""The advice for a damaged file of an epoch."""
FOLDER = "epochs"
KEPT = 2
"""The number of newest epochs whose probabilities of all items are kept."""


@dataclass(frozen=True)
class Epoch:
    """The results of a round of training."""

    number: int
    """From 1."""
    upto_seq: int
    """The last event that it knows."""
    acquisition: str
    class_ids: tuple[int, ...]
    """The classes that it knows, in the order of its probabilities."""
    num_train: int
    """The number of labels from which its model learned."""
    queue: tuple[QueueRow, ...]
    model_version: str = ""
    """"" while there is no model."""
    feature_version: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    test_items: Sequence[int] = ()
    """The items of the test stream that were there."""
    test_predicted: Sequence[int] = ()
    """For each of them the id of the class that was predicted."""
    test_confidence: Sequence[float] = ()
    """For each of them the probability of that class."""
    probs_sha256: str = ""

    def predicted(self, probs: np.ndarray) -> list[int]:
        """Return the id of the most probable class of each item, [N], from its probabilities, [N, C]."""
        found: list[int] = np.array(self.class_ids)[probs.argmax(1)].tolist()
        return found


def round_record(epoch: Epoch, *, seed: int) -> RoundRecord:
    """Return what the database keeps of the round that gave an epoch."""
    return RoundRecord(
        epoch.number,
        epoch.upto_seq,
        epoch.num_train,
        len(epoch.test_items),
        epoch.acquisition,
        seed=seed,
        info_nats=epoch.metrics.get("information"),
        info_se=epoch.metrics.get("information_se"),
        model_version=epoch.model_version or None,
        seconds=epoch.seconds,
    )


def model_record(epoch: Epoch) -> ModelRecord | None:
    """Return what the database keeps of the model of an epoch; None where it has none."""
    if not epoch.model_version:
        return None
    return ModelRecord(
        epoch.model_version,
        f"models/{epoch.model_version}",
        epoch.probs_sha256,
        epoch.feature_version,
        epoch.num_train,
        epoch.metrics,
    )


def write_epoch(folder: Path, epoch: Epoch, probs: np.ndarray | None) -> None:
    """Write an epoch; it is there when its JSON file is.

    Args:
        folder: The project's folder.
        epoch: The epoch; its hash is filled in.
        probs: The probabilities of all items, [N, C] float32; None while there is no model.
    """
    digest = ""
    if probs is not None:
        buffer = io.BytesIO()
        np.save(buffer, probs.astype(np.float32), allow_pickle=False)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        write_atomically(_path(folder, epoch.number, "npy"), buffer.getvalue())
    write_json(_path(folder, epoch.number, "json"), {**asdict(epoch), "probs_sha256": digest})
    for number in list_epochs(folder)[:-KEPT]:
        _path(folder, number, "npy").unlink(missing_ok=True)


def list_epochs(folder: Path) -> list[int]:
    """Return the numbers of the epochs that are there, in order."""
    return sorted(int(path.stem) for path in (folder / FOLDER).glob("*.json") if path.stem.isdecimal())


def read_epoch(folder: Path, number: int) -> Epoch:
    """Return an epoch. Raises DataError where its file is missing or damaged."""
    path = _path(folder, number, "json")
    try:
        values = json.loads(read_plain_file(path))
        queue = tuple(QueueRow(**each) for each in values.pop("queue"))
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return Epoch(**{**values, **lists}, queue=queue)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} cannot be read: {error}. {REMEDY}", path=path) from None


def pack(epoch: Epoch) -> Epoch:
    """Return an epoch without its queue, in as little memory as it takes, for those who keep many."""
    return replace(
        epoch,
        queue=(),
        test_items=array("q", epoch.test_items),
        test_predicted=array("q", epoch.test_predicted),
        test_confidence=array("d", epoch.test_confidence),
    )


def read_probs(folder: Path, epoch: Epoch) -> np.ndarray | None:
    """Return the probabilities of all items at an epoch, [N, C]; None where it has no model, or they are thinned out.

    Raises DataError where the file was altered.
    """
    path = _path(folder, epoch.number, "npy")
    if not epoch.probs_sha256 or not path.is_file():
        return None
    content = read_plain_file(path, max_bytes=1 << 40)
    if hashlib.sha256(content).hexdigest() != epoch.probs_sha256:
        raise DataError(f"{path} was altered: its sha256 is not the one in the epoch. {REMEDY}", path=path)
    probs: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    return probs


def keep_predictions(probs: np.ndarray, items: Sequence[int], class_ids: Sequence[int]) -> dict[str, tuple[Any, ...]]:
    """Return what an epoch keeps of some items: `test_items`, `test_predicted` and `test_confidence`.

    Args:
        probs: The probabilities of all items, [N, C].
        items: The items.
        class_ids: The ids of the C classes.
    """
    chosen = probs[[*items]]
    best = chosen.argmax(1) if len(items) else np.zeros(0, dtype=int)
    return {
        "test_items": tuple(items),
        "test_predicted": tuple(class_ids[index] for index in best.tolist()),
        "test_confidence": tuple(float(value) for value in chosen.max(1)) if len(items) else (),
    }


def _path(folder: Path, number: int, suffix: str) -> Path:
    return folder / FOLDER / f"{number:06d}.{suffix}"
