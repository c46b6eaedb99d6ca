"""A labelling project in Python: open it, ask for items, tell answers, train and read the status, without a server.

>>> project = Project.open("questions")                                     # doctest: +SKIP
>>> for question in project.ask(10, person="ann"):                          # doctest: +SKIP
...     project.tell({question.item: "HUM"}, person="ann")
>>> project.train()                                                         # doctest: +SKIP
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np

from lindley.errors import DataError, HeldError, InputError
from lindley.labelling import reads
from lindley.labelling.claims import StreamCounts
from lindley.labelling.epochs import Epoch, model_record, read_epoch, read_probs, round_record
from lindley.labelling.records import ClassRecord, Item, Lease, ProjectEvent
from lindley.labelling.round_records import RoundRecord
from lindley.labelling.settings import ProjectSettings, read_settings
from lindley.labelling.storages import find_storage
from lindley.labelling.store import ProjectStore
from lindley.labelling.streams import is_test_due
from lindley.session.event_store import Receipt, Refused
from lindley.session.locks import FileLock

if TYPE_CHECKING:
    from lindley.apps.notebook.widget import LabelWidget
    from lindley.labelling.model import ProjectModel
    from lindley.labelling.status_records import ProjectStatus

_ANSWERS = ("label", "skip", "import", "undo", "adjudicate", "class")


class Project:
    """A labelling project (a context manager); several processes may have it open."""

    def __init__(self, folder: Path, settings: ProjectSettings, store: ProjectStore) -> None:
        """Take the parts; see `Project.open`.

        Args:
            folder: Its folder.
            settings: Its settings.
            store: Its database, which the project closes.
        """
        self.folder, self.settings, self.store = folder, settings, store
        self._newest: tuple[Epoch, np.ndarray | None] | None = None
        self._widget: LabelWidget | None = None

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Project:
        """Open the project in a folder.

        Raises:
            ConfigurationError: If the folder holds no project, or its settings are wrong.
            JournalError: If its database is damaged, or of a newer version.
        """
        path = Path(folder)
        settings = read_settings(path)
        return cls(
            path, settings, ProjectStore.open(find_storage(path, settings), lease_seconds=settings.lease_seconds)
        )

    @classmethod
    def create(
        cls,
        folder: str | os.PathLike[str],
        source: str | os.PathLike[str],
        *,
        classes: Sequence[str],
        text: str | None = None,
        features: Sequence[str] | None = None,
        label: str | None = None,
        id: str | None = None,
        keys: Sequence[str] | None = None,
        describe: Mapping[str, str] = MappingProxyType({}),
        encoder: str | None = None,
        acquisition: str | None = None,
        test_labels: int = 60,
        target: float | None = None,
        overlap: int = 1,
        double: float = 0.0,
        seed: int = 0,
        database: str | None = None,
    ) -> Project:
        """Make a project of data, with its features, and open it. An error leaves nothing of it.

        Args:
            folder: The folder of the project, which must be missing or empty.
            source: A folder of images, or a .csv, .tsv, .jsonl, .parquet or .npy file. It is not changed.
            classes: The names of the classes, in the order of their keys.
            text: The column of the texts to label.
            features: The columns of the features of rows to label.
            label: The column of known labels; "folder" for the folders that images lie in.
            id: The column of the items' own ids.
            keys: The keys of the classes; None: their names where these are keys, and else 1, 2, 3 ...
            describe: By class a sentence that says what it is.
            encoder: What makes features: a folder, a hub name, or your own "module:name"; None: the kind's default.
            acquisition: The acquisition that chooses batches once there are labels; None: the kind's default.
            test_labels: The number of test labels that are collected at one in three; later ones come at one in ten.
            target: The accuracy at which the advice is to stop, between 0 and 1.
            overlap: The number of people who label each item.
            double: The share of the items, drawn at random, that one more person labels, blind.
            seed: Seed of everything random.
            database: The address of a PostgreSQL database, without its password; None: a file in the folder.

        Raises:
            InputError: If an argument cannot be used, the folder holds something, or nothing can be labelled.
            DataError: If the source is damaged.
        """
        from lindley.labelling.creation import ProjectOptions, create_project

        options = ProjectOptions(
            classes=classes,
            text=text,
            features=features,
            label=label,
            id=id,
            keys=keys,
            describe=describe,
            encoder=encoder,
            acquisition=acquisition,
            test_labels=test_labels,
            target=target,
            overlap=overlap,
            double=double,
            seed=seed,
            database=database,
        )
        create_project(Path(folder), Path(source), options)
        return cls.open(folder)

    # Answers

    def ask(self, count: int = 1, *, person: str = "me") -> list[Lease]:
        """Return items for a person to label, the oldest first. Items stay the same until they are answered.

        Args:
            count: The number of items to hold.
            person: The name of the person, who is added if new.
        """
        self._add_person(person)
        return self.store.claim(person, count, want_test=self.wants_test)

    def tell(self, answers: Mapping[int, str | None], *, person: str = "me") -> None:
        """Store a person's answers; they are durable on return.

        Args:
            answers: The name of the class of each item, or None to skip the item.
            person: The name of the person, who is added if new.

        Raises:
            InputError: If a class or an item is not known; then none is stored.
        """
        self._add_person(person)
        ids = {each.name: each.id for each in self.classes()}
        if unknown := sorted({name for name in answers.values() if name is not None and name not in ids}):
            raise InputError(argument="answers", expected=f"classes among {', '.join(ids)}", got=unknown)
        if outside := [item for item in answers if not 0 <= item < self.num_items]:
            raise InputError(argument="answers", expected=f"items from 0 to {self.num_items - 1}", rows=outside)
        events = [
            self.add_prediction(ProjectEvent(uuid4().hex, "skip", item=item))
            if name is None
            else self.add_prediction(ProjectEvent(uuid4().hex, "label", item=item, class_id=ids[name]))
            for item, name in answers.items()
        ]
        self._check(self.store.append(person, events))

    def widget(self, *, person: str = "me") -> LabelWidget:
        """Return the labelling page for a notebook; while it is open, models are trained as `lindley label` does.

        Run again in the same notebook, it takes the place of the earlier one.

        Args:
            person: The name of the person who labels, who is added if new.

        Raises:
            InputError: If the extra `notebook` is not installed.
            HeldError: If another process labels or trains already, such as `lindley label` or another notebook.
        """
        from lindley.apps.notebook.widget import open_widget

        self._add_person(person)
        self._widget = open_widget(self, person)
        return self._widget

    def undo(self, uuid: str, *, person: str = "me") -> None:
        """Undo an answer, by the uuid of its event. Raises InputError if it is not the person's."""
        self._check(self.store.append(person, [ProjectEvent(uuid4().hex, "undo", target_uuid=uuid)]))

    def classes(self) -> list[ClassRecord]:
        """Return the classes that are in use, in the order of their ids."""
        return [each for each in self.store.classes() if not each.retired]

    # Results

    def status(self) -> ProjectStatus:
        """Return the status of the project: labels, accuracy, and advice when to stop."""
        from lindley.labelling.status import project_status

        return project_status(self)

    def model(self) -> ProjectModel:
        """Return the newest model, which predicts new data. Raises InputError if there is none yet."""
        from lindley.labelling.model import load_model

        return load_model(self)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        spreadsheet: bool = False,
        labelled: bool = False,
        predictions: bool = False,
    ) -> None:
        """Write all labels and their provenance into a file, one line for each entry of the sources.

        Args:
            path: The file, which is written completely or not at all; a new folder for "hf".
            format: "csv", "jsonl", "parquet", "label-studio" or "hf"; None: the suffix decides.
            spreadsheet: Whether text that a spreadsheet program would take for a formula is quoted; only csv.
            labelled: Whether only items with an answer are written.
            predictions: Whether to add the newest model's predictions.

        Raises:
            InputError: If the format is not known, or there is no model to predict with.
        """
        from lindley.files import open_atomically
        from lindley.labelling.export.writing import check_spreadsheet, export_project, format_of
        from lindley.labelling.predict import Predictor

        chosen = format_of(Path(path), format)
        check_spreadsheet(chosen, spreadsheet=spreadsheet)
        predictor = Predictor(self) if predictions else None
        if chosen == "hf":
            from lindley.labelling.export.hugging_face import export_hugging_face

            export_hugging_face(self, Path(path), labelled=labelled, predictor=predictor)
            return
        with open_atomically(Path(path)) as file:
            export_project(self, file, chosen, spreadsheet=spreadsheet, labelled=labelled, predictor=predictor)

    def import_labels(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        label: str = "class",
        tool: str | None = None,
    ) -> int:
        """Import the labels of a file, all or none, and return the number of items that were labelled.

        Args:
            path: The file, as `export` writes it, or a table with a column of classes.
            format: "csv", "jsonl", "parquet", "label-studio" or "hf"; None: the suffix decides.
            label: The column of the names of classes; of Argilla the question.
            tool: The tool that exported the file: "prodigy", "doccano" or "argilla".

        Raises:
            InputError: If an item or a class is not known; `error.rows` lists the lines.
        """
        from lindley.labelling.importing import import_labels

        return import_labels(self, Path(path), format=format, label=label, tool=tool).num_labels

    @property
    def num_items(self) -> int:
        """The number of items, N."""
        return self.store.read(reads.count_items)

    def place(self, item: int) -> str:
        """Return the place of an item's first entry, such as "questions.csv, line 12"."""
        return self.places([item]).get(item, "")

    def places(self, items: Sequence[int]) -> dict[int, str]:
        """Return the place of each item's first entry."""
        return self.store.read(lambda connection: reads.read_places(connection, items))

    def image_path(self, item: Item) -> Path:
        """Return the file of an image."""
        return Path(item.source) / item.content

    # Training

    def train(self) -> Epoch:
        """Train a model on all labels, in this process, and rank the queue with it.

        Raises:
            InputError: If no item is left to choose, or an item cannot be read; the old queue stays.
            HeldError: If a server or a notebook labels on this project, which trains by itself.
        """
        from lindley.labelling.trainer import train_epoch

        with self.hold():
            epoch = train_epoch(self, self.store.epoch() + 1)
            self.adopt(epoch.number)
        return epoch

    def hold(self) -> FileLock:
        """Return the lock that one process holds as long as it trains models. Raises HeldError; it names the holder."""
        try:
            return FileLock(self.folder / "project", timeout=0.0)
        except HeldError as error:
            raise HeldError(
                f"{self.folder} is being labelled or trained already, by {error.holder}. A server trains by itself, "
                "and so does a notebook: label there, or end it first.",
                path=error.path,
                holder=error.holder,
            ) from None

    def is_round_due(self, *, whole_batches: bool) -> bool:
        """Return whether a model should be trained: before the first, and when there are new labels to learn from.

        Args:
            whole_batches: Whether it takes as many new answers as a batch has items; else one is enough.
        """
        try:
            epoch = self.current_epoch()
        except DataError:  # its files are damaged: a new one takes their place
            return True
        if epoch is None:
            return True
        return self.count_new_answers(epoch.upto_seq) >= (self.settings.batch_size if whole_batches else 1)

    def count_new_answers(self, since: int) -> int:
        """Return the number of events after a place from which a model will learn."""
        return self.store.read(lambda connection: reads.count_new_answers(connection, since, _ANSWERS))

    def wants_test(self, counts: StreamCounts) -> bool:
        """Return whether the next item comes from the test stream."""
        return is_test_due(counts.train, counts.test, test_labels=self.settings.test_labels)

    def adopt(self, number: int) -> None:
        """Take an epoch over from its files: swap the queue, and remember round and model, all in one transaction."""
        epoch = read_epoch(self.folder, number)
        probs = read_probs(self.folder, epoch)
        record, model = round_record(epoch, seed=self.settings.seed), model_record(epoch)
        predicted = () if probs is None else epoch.predicted(probs)
        self.store.swap_queue(epoch.number, epoch.queue, record=record, model=model, predicted=predicted)
        self._newest = epoch, probs

    def record_failure(self, reason: str) -> None:
        """Remember that a round failed; the queue stays as it is."""
        rounds = self.store.rounds()
        upto = rounds[-1].upto_seq if rounds else 0
        failed = RoundRecord(
            self.store.epoch() + 1, upto, 0, 0, self.settings.acquisition, status="failed", error=reason
        )
        self.store.add_round(failed)

    def current_epoch(self) -> Epoch | None:
        """Return the epoch of the queue; None before the first. Raises DataError where its files are damaged."""
        newest = self._read_newest()
        return None if newest is None else newest[0]

    def probs(self) -> np.ndarray | None:
        """Return the probabilities of all items at the newest epoch, [N, C]; None before the first model."""
        newest = self._read_newest()
        return None if newest is None else newest[1]

    def prediction(self, item: int, number: int | None = None) -> tuple[int, float, str] | None:
        """Return the class that the model predicts of an item, its probability and the model; None before the first.

        Args:
            item: The item.
            number: The number of the epoch where that was read already; None: it is read.
        """
        epoch, probs = self._read_newest(number) or (None, None)
        if epoch is None or probs is None or not 0 <= item < len(probs):
            return None
        best = int(probs[item].argmax())
        return epoch.class_ids[best], float(probs[item, best]), epoch.model_version

    def add_prediction(self, event: ProjectEvent, number: int | None = None) -> ProjectEvent:
        """Return an answer together with what the model predicts of its item, where its files can be read.

        Args:
            event: The answer.
            number: The number of the epoch where that was read already; None: it is read.
        """
        try:
            predicted = None if event.item is None else self.prediction(event.item, number)
        except DataError:  # no answer is lost for it
            return event
        if predicted is None:
            return event
        class_id, probability, version = predicted
        return replace(event, predicted=class_id, predicted_prob=probability, model_version=version)

    def close(self) -> None:
        """Close the database, and the widget where there is one."""
        if self._widget is not None:
            self._widget.close()
        self.store.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _add_person(self, name: str) -> None:
        if name not in self.store.people():
            self.store.add_person(name)

    def _read_newest(self, number: int | None = None) -> tuple[Epoch, np.ndarray | None] | None:
        """Return the epoch of the queue with its probabilities, read once: they never change."""
        number, newest = self.store.epoch() if number is None else number, self._newest
        if number == 0:
            return None
        if newest is None or newest[0].number != number:
            epoch = read_epoch(self.folder, number)
            self._newest = newest = epoch, read_probs(self.folder, epoch)
        return newest

    @staticmethod
    def _check(receipts: Iterable[Receipt]) -> None:
        for receipt in receipts:
            if isinstance(receipt, Refused):
                raise InputError(f"The answer was refused: {receipt.reason}.", argument="answers")
