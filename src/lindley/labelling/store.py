"""The store of a labelling project: one database that holds items, people, events and leases, and is the truth.

All changes go through one writer thread; every reader has a connection of its own, and holds it briefly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np

from lindley.errors import InputError
from lindley.labelling import claims, reads
from lindley.labelling.additions import Addition
from lindley.labelling.audit_records import predict_audit, start_audit
from lindley.labelling.claims import WantTest
from lindley.labelling.class_changes import next_class_id, read_classes, with_free_keys
from lindley.labelling.database import Database, create_database
from lindley.labelling.event_append import Appender
from lindley.labelling.item_changes import change_need
from lindley.labelling.ranked_queue import QueueRow, read_epoch, read_queue, replace_queue
from lindley.labelling.records import ClassAction, ClassRecord, Entry, Item, Lease, ProjectEvent
from lindley.labelling.round_records import ModelRecord, RoundRecord, add_model, add_round, read_models, read_rounds
from lindley.labelling.sql import Storage, sa
from lindley.labelling.tables import person
from lindley.session.event_store import Receipt, Refused
from lindley.text import is_line

T = TypeVar("T")
ClassValue = str | int | Sequence[str] | None
"""What a change of a class may need."""


def utc_now() -> datetime:
    """Return the time of this machine, for display."""
    return datetime.now(UTC)


class ProjectStore:
    """The database of a project (a context manager); several processes may have it open.

    Args:
        database: The database, which the store closes.
        lease_seconds: How long an item is held for a person who does not answer.
        utc: The time, for display.
    """

    def __init__(
        self, database: Database, *, lease_seconds: float = 300.0, utc: Callable[[], datetime] = utc_now
    ) -> None:
        self._database, self.path = database, database.path
        self.lease_seconds, self._utc = lease_seconds, utc
        self._streams: tuple[tuple[int, int], np.ndarray] | None = None

    @classmethod
    def create(cls, place: Path | Storage, *, seed: int = 0, **options: Any) -> ProjectStore:
        """Make the database of a new project, as `create_database` does, and open it.

        Args:
            place: Its file, or where else it lies.
            seed: Seed of the order of items.
            options: The options of `open`.
        """
        create_database(place, seed=seed)
        return cls.open(place, **options)

    @classmethod
    def open(
        cls,
        place: Path | Storage,
        *,
        lease_seconds: float = 300.0,
        utc: Callable[[], datetime] = utc_now,
        **options: Any,
    ) -> ProjectStore:
        """Open the database of a project.

        Args:
            place: Its file, or where else it lies.
            lease_seconds: How long an item is held for a person who does not answer.
            utc: The time, for display.
            options: The options of `Database`.
        """
        return cls(Database(place, **options), lease_seconds=lease_seconds, utc=utc)

    def read(self, function: Callable[[sa.Connection], T]) -> T:
        """Run a function in a transaction that reads one moment of the database. Keep it short: writers wait."""
        return self._database.read(function)

    def write(self, function: Callable[[sa.Connection], T]) -> T:
        """Run a function in a transaction of the writer, and return its result once that is durable."""
        return self._database.writer.run(function)

    def back_up(self, path: Path) -> None:
        """Write a copy of the database, as one moment has it, to a file that does not exist."""
        self._database.back_up(path)

    def close(self) -> None:
        """Finish what was asked for, and close the database."""
        self._database.close()

    def __enter__(self) -> ProjectStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Items

    def add(self, *, need: int = 1, double_share: float = 0.0) -> Addition:
        """Begin an addition of items: `with store.add() as addition: addition.add(...); addition.finish()`."""
        return Addition(self._database.writer, self.path, need=need, double_share=double_share)

    def add_items(self, found: Iterable[tuple[Entry, Item | None]], *, need: int = 1) -> int:
        """Add what was found in a source, all or nothing, and return the number of items of the project.

        Args:
            found: Each entry, with its item where that is new.
            need: The number of people who shall label each item.
        """
        with self.add(need=need) as addition:
            addition.add(found)
            return addition.finish()

    def items(self, rows: Iterable[int] | None = None) -> Iterator[Item]:
        """Yield the items of these rows, in this order; None: all. Raises InputError for rows that are not there."""
        return reads.read_items(self.read, rows)

    def entries(self) -> Iterator[Entry]:
        """Yield one line for each thing found in the sources, in order."""
        return reads.read_entries(self.read)

    def hashes(self) -> dict[str, int]:
        """Return the item of each hash."""
        return {value: number for number, value in reads.read_column(self.read, "hash")}

    def groups(self) -> np.ndarray:
        """Return the group of each item, [N]."""
        return np.array(self._column("grp"), dtype=np.int64)

    def streams(self) -> np.ndarray:
        """Return the stream of each item, [N], as text; read only. It is kept, so that a round reads it once."""
        while True:
            key = self.read(reads.read_streams_key)
            kept = self._streams
            if kept is not None and kept[0] == key:
                return kept[1]
            others = dict(reads.read_other_streams(self.read))
            if self.read(reads.read_streams_key) == key:  # else items or an audit came while it was read
                streams = np.full(key[0], "train", dtype="<U8")
                streams[np.array([*others], dtype=np.int64)] = [*others.values()]
                streams.setflags(write=False)
                self._streams = key, streams

    def items_on_lease(self) -> list[int]:
        """Return the items that somebody holds."""
        return self.read(reads.read_leased)

    def set_need(self, need: int, items: Iterable[int] | None = None) -> None:
        """Set the number of people who shall label each of these items; None: all."""
        wanted = None if items is None else list(items)
        self.write(lambda connection: change_need(connection, need, wanted))

    def start_audit(self, items: Sequence[int], *, count: int | None = None, need: int = 1) -> list[int]:
        """Begin an audit of items, in this order, and return those that were fresh: no event is of their group.

        Args:
            items: The items.
            count: The number of items to take, the first that are fresh; None: all.
            need: The number of people who shall label each of them.
        """
        most = len(items) if count is None else count
        return self.write(lambda connection: start_audit(connection, items, count=most, need=need))

    # People and classes

    def add_person(self, name: str, token_hash: str | None = None) -> None:
        """Add a person, or give one another token. Raises InputError for a name that is no line of text."""
        if not name.strip() or not is_line(name):
            raise InputError(argument="name", expected="one line of text without control characters", got=name)
        created = self._time()
        self.write(lambda connection: reads.put_person(connection, name, token_hash, created))

    def people(self) -> list[str]:
        """Return the names of all people, those whom imported labels name too."""
        return self.read(lambda connection: list(connection.scalars(sa.select(person.c.name).order_by(person.c.name))))

    def find_person(self, token_hash: str) -> str | None:
        """Return the person of a token; None where it is nobody's."""
        return self.read(lambda c: c.scalar(sa.select(person.c.name).where(person.c.token_hash == token_hash)))

    def classes(self) -> list[ClassRecord]:
        """Return all classes by their ids, also those that are retired."""
        return self.read(read_classes)

    def add_class(self, name: str, *, hotkey: str | None = None, description: str = "", by: str = "") -> int:
        """Add a class, as an event, and return its id.

        Args:
            name: Its name, which no other class has had.
            hotkey: The key that chooses it; None: the next free one.
            description: A sentence that says what it is.
            by: The person who adds it.

        Raises:
            InputError: If the name or the key is taken, or cannot be one.
        """
        payload = {"action": "add", "name": name, "hotkey": hotkey, "description": description}
        return self._change_class(None, payload, by)

    def change_class(self, class_id: int, action: ClassAction, value: ClassValue = None, *, by: str = "") -> None:
        """Change a class, as an event.

        Args:
            class_id: The class.
            action: "rename", "describe", "hotkey", "merge", "split" or "retire".
            value: The new name, description or key; the id of the class into which it is merged; the names of the
                classes into which it is split.
            by: The person who changes it.

        Raises:
            InputError: If that cannot be.
        """
        names = {"rename": "name", "describe": "description", "hotkey": "hotkey", "merge": "into", "split": "names"}
        payload = {"action": action, **({names[action]: value} if action in names else {})}
        self._change_class(class_id, payload, by)

    def _change_class(self, class_id: int | None, payload: dict[str, Any], by: str) -> int:
        def change(connection: sa.Connection) -> tuple[int, Receipt]:
            number = next_class_id(connection) if class_id is None else class_id
            adds = payload["action"] in ("add", "split")
            given = with_free_keys(connection, payload, class_id) if adds else payload
            made = ProjectEvent(uuid=uuid4().hex, kind="class", class_id=number, payload=given)
            return number, self._append(connection, by, [made], self._database.moment(connection))[0]

        number, receipt = self.write(change)
        if isinstance(receipt, Refused):
            raise InputError(f"{receipt.reason}.", argument="class")
        return number

    # Events and claims

    def append(self, person: str, events: Sequence[ProjectEvent]) -> list[Receipt]:
        """Append events of a person: each is "stored", "known" by its uuid, or Refused. They are durable on return.

        An answer without a lease, which came late, is kept as well as the others' answers.

        Args:
            person: The name of the person; "" for a program.
            events: The events; fields that an answer leaves None are those of its lease.
        """
        return self.write(lambda c: self._append(c, person, events, self._database.moment(c)))

    def append_all(self, batches: Sequence[tuple[str, Sequence[ProjectEvent]]]) -> None:
        """Append events of several people in one transaction: all of them, or none where one is refused.

        Args:
            batches: Each person with their events, in order; people who are new are added.

        Raises:
            InputError: If an event is refused.
        """

        def work(connection: sa.Connection) -> None:
            known, created = {"", *connection.scalars(sa.select(person.c.name))}, self._time()
            for name in dict.fromkeys(name for name, _ in batches if name not in known):
                reads.put_person(connection, name, None, created)
            appender = self._appender(connection, self._database.moment(connection))
            for name, events in batches:
                refused = [each for each in appender.append(name, events) if isinstance(each, Refused)]
                if refused:
                    raise InputError(f"Nothing was stored: {refused[0].reason}.", argument="events")

        self.write(work)

    def claim(self, person: str, count: int, *, want_test: WantTest = False) -> list[Lease]:
        """Lease items to a person until they hold `count`, and return what they hold, the oldest first.

        Twice gives the same. Items of an audit come first, then those of the wanted stream, then those of the other.

        Args:
            person: The name of the person.
            count: The number of items that the person shall hold.
            want_test: Whether the next item comes from the test stream, or what decides that from the counts.

        Raises:
            InputError: If the person is not known.
        """
        return self.append_and_claim(person, (), count, want_test=want_test)[1]

    def append_and_claim(
        self,
        person: str,
        events: Sequence[ProjectEvent],
        count: int,
        *,
        want_test: WantTest = False,
        release: Sequence[str] = (),
    ) -> tuple[list[Receipt], list[Lease]]:
        """Append events, give leases back and claim, in one transaction.

        Args:
            person: The name of the person.
            events: The events, as `append` takes them.
            count: The number of items that the person shall hold.
            want_test: Whether the next item comes from the test stream, or what decides that from the counts.
            release: The tokens of leases to give back first.
        """
        return self.write(lambda c: self.claim_within(c, person, events, count, want_test=want_test, release=release))

    def claim_within(
        self,
        connection: sa.Connection,
        person: str,
        events: Sequence[ProjectEvent],
        count: int,
        *,
        want_test: WantTest = False,
        release: Sequence[str] = (),
    ) -> tuple[list[Receipt], list[Lease]]:
        """See `append_and_claim`; this is a part of a transaction of the writer that does more than that."""
        moment = self._database.moment(connection)
        appender = self._appender(connection, moment)
        appender.check_person(person)
        if release:
            claims.release(connection, person, release)
        receipts = appender.append(person, events) if events else []
        seconds = self.lease_seconds
        held = claims.claim_items(connection, person, count, want_test=want_test, moment=moment, seconds=seconds)
        return receipts, [self._lease(each, moment.now) for each in held]

    def claim_picked(self, person: str, items: Sequence[int], *, picked_by: str) -> list[Lease]:
        """Lease items that a person picked, and return the leases, as `claims.claim_picked` does.

        Args:
            person: The name of the person.
            items: The items; those of the test stream and of audits, and those that need nobody else, are left out.
            picked_by: How the items were picked: "search", "similar" or "grid".
        """

        def work(connection: sa.Connection) -> list[Lease]:
            moment = self._database.moment(connection)
            self._appender(connection, moment).check_person(person)
            seconds = self.lease_seconds
            found = claims.claim_picked(connection, person, items, picked_by=picked_by, moment=moment, seconds=seconds)
            return [self._lease(each, moment.now) for each in found]

        return self.write(work)

    def release_grid(self, person: str) -> None:
        """Give back what a person was shown together."""
        self.write(lambda connection: claims.release_grid(connection, person))

    def release(self, person: str, tokens: Sequence[str]) -> int:
        """Give leases of a person back, by their tokens, and return how many there were."""
        return self.write(lambda connection: claims.release(connection, person, tokens))

    def events(self, since_seq: int = 0) -> Iterator[ProjectEvent]:
        """Yield the events after a place in their order."""
        return reads.read_events(self.read, since_seq)

    # Queue, rounds and models

    def swap_queue(
        self,
        epoch: int,
        rows: Sequence[QueueRow],
        *,
        record: RoundRecord | None = None,
        model: ModelRecord | None = None,
        predicted: Sequence[int] = (),
    ) -> int:
        """Put a new ranking in the place of the queue, with its round and its model; return how many rows it keeps.

        It is one transaction: an error leaves everything as it was. Items that were answered, also after the model
        was fitted, and items that somebody holds are left out.

        Args:
            epoch: The number of the queue, larger than that before.
            rows: The ranking, best first.
            record: The round that made it.
            model: The model that made it.
            predicted: By item the class that the model predicts: an audit that is under way keeps that of its items.

        Raises:
            InputError: If the epoch is not new, or an item is unknown or ranked twice.
        """

        def work(connection: sa.Connection) -> int:
            if model is not None:
                add_model(connection, model)
            if record is not None:
                add_round(connection, record)
            version = None if model is None else model.version
            kept = replace_queue(connection, epoch, rows, version)
            predict_audit(connection, epoch, version, predicted)
            return kept

        return self.write(work)

    def epoch(self) -> int:
        """Return the number of the queue; 0 before the first."""
        return self.read(read_epoch)

    def queue(self) -> list[QueueRow]:
        """Return the queue by rank."""
        return self.read(read_queue)

    def add_round(self, record: RoundRecord) -> None:
        """Append a round that made no queue, such as one that failed."""
        self.write(lambda connection: add_round(connection, record))

    def rounds(self) -> list[RoundRecord]:
        """Return the rounds in the order in which they ended."""
        return self.read(read_rounds)

    def models(self) -> list[ModelRecord]:
        """Return the models in the order added."""
        return self.read(read_models)

    def _append(
        self, connection: sa.Connection, person: str, events: Sequence[ProjectEvent], moment: claims.Moment
    ) -> list[Receipt]:
        return self._appender(connection, moment).append(person, events)

    def _appender(self, connection: sa.Connection, moment: claims.Moment) -> Appender:
        until, has_audit = moment.now + self.lease_seconds, moment.meta["audit"]
        return Appender(connection, until=until, time=self._time(), has_audit=has_audit)

    def _time(self) -> str:
        return self._utc().isoformat(timespec="milliseconds")

    def _lease(self, held: Mapping[str, Any], now: float) -> Lease:
        until = self._utc() + timedelta(seconds=held["until"] - now)
        values = {name: held[name] for name in ("item", "person", "token", *claims.CHOICE)}
        return Lease(until=until.isoformat(timespec="milliseconds"), **values)

    def _column(self, name: str) -> list[Any]:
        return [value for _, value in reads.read_column(self.read, name)]
