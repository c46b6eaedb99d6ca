"""The tables of a labelling project, for any database. Events are the truth; what else changes follows from them.

`item.open` = `need` - people with a label - leases: the number of people who may still be served the item. It is below
zero where an answer came after its lease was over and the item had gone to somebody else: the answer is kept.
"""

from __future__ import annotations

from typing import Any, get_args

from lindley.labelling import postgresql, sqlite
from lindley.labelling.records import EventKind, Stream, View
from lindley.labelling.sql import sa

metadata = sa.MetaData()
_BIG = sa.BigInteger
_INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # whose INTEGER is as large, and numbers rows by itself


def _choice(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})")


meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
"""schema_version; seed; clock, in seconds of the store's; epoch and model_version of the queue; most_need, the largest
need of an item; audit, whether there is one; split, whether a class was split."""

class_ = sa.Table(
    "class",
    metadata,
    sa.Column("id", _INT, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("hotkey", sa.Text),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("merged_into", sa.ForeignKey("class.id")),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("split", sa.Boolean, nullable=False),
)

item = sa.Table(
    "item",
    metadata,
    sa.Column("id", _INT, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("meta", sa.JSON, nullable=False),
    sa.Column("grp", _INT, nullable=False),
    sa.Column("stream", sa.Text, _choice("stream", get_args(Stream)), nullable=False),
    sa.Column("need", _INT, sa.CheckConstraint("need >= 1"), nullable=False),
    sa.Column("open", _INT, nullable=False),
    sa.Column("order_key", _BIG, nullable=False),
    sa.Column("ready", sa.Boolean, nullable=False),
    sa.Column("again", sa.Boolean, nullable=False, default=False),
)
"""`order_key` orders a stream at random: noise keyed by the hash. `ready` is false until its addition is finished.
`again`: a label of it was of a class that was split."""

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("id", _INT, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("item", sa.ForeignKey("item.id"), index=True),
    sa.Column("reason", sa.Text),
    sa.Column("ready", sa.Boolean, nullable=False),
    sa.CheckConstraint("(item IS NULL) <> (reason IS NULL)"),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("token_hash", sa.Text, unique=True),
    sa.Column("created", sa.Text, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", _INT, primary_key=True),
    sa.Column("uuid", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, _choice("kind", get_args(EventKind)), nullable=False),
    sa.Column("item", sa.ForeignKey("item.id")),
    sa.Column("person", sa.ForeignKey("person.name")),
    sa.Column("class_id", sa.ForeignKey("class.id")),
    sa.Column("target_uuid", sa.Text),
    sa.Column("shown_ms", _INT),
    sa.Column("idle_ms", _INT),
    sa.Column("epoch", _INT),
    sa.Column("chosen_by", sa.Text),
    sa.Column("chosen_prob", sa.Float),
    sa.Column("predicted", sa.ForeignKey("class.id")),
    sa.Column("predicted_prob", sa.Float),
    sa.Column("prediction_shown", sa.Boolean, nullable=False),
    sa.Column("model_version", sa.Text),
    sa.Column("guideline_version", _INT),
    sa.Column("client_time", sa.Text),
    sa.Column("server_time", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Index("event_answer", "item", "person"),
    sa.Index("event_target", "target_uuid"),
)
"""The columns are the fields of a ProjectEvent; NULL is a person of no name."""

touched = sa.Table(
    "touched",
    metadata,
    sa.Column("item", sa.ForeignKey("item.id"), primary_key=True),
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("uuid", sa.Text, nullable=False),
    sa.Column("class_id", _INT),
)
"""Who has answered an item, and the answer that counts: nobody is served an item again."""

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("item", sa.ForeignKey("item.id"), primary_key=True),
    sa.Column("person", sa.ForeignKey("person.name"), primary_key=True),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    sa.Column("until", sa.Float, nullable=False, index=True),
    sa.Column("number", _INT, nullable=False),
    sa.Column("view", sa.Text, _choice("view", get_args(View)), nullable=False),
    sa.Column("epoch", _INT),
    sa.Column("chosen_by", sa.Text),
    sa.Column("chosen_prob", sa.Float),
    sa.Column("model_version", sa.Text),
    sa.Index("lease_person", "person", "number"),
)
"""`until` counts seconds of the store's clock; `number` orders what a person holds."""

tally = sa.Table(
    "tally",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("labels", _INT, nullable=False),
    sa.Column("labelled", _INT, nullable=False),
)
"""The number of people's labels in each stream, and of the items that have a label, imported ones too."""

queue = sa.Table(
    "queue",
    metadata,
    sa.Column("rank", _INT, primary_key=True, autoincrement=False),
    sa.Column("item", sa.ForeignKey("item.id"), nullable=False, unique=True),
    sa.Column("chosen_by", sa.Text, nullable=False),
    sa.Column("score", sa.Float),
    sa.Column("prob", sa.Float),
)

round_ = sa.Table(
    "round",
    metadata,
    sa.Column("number", _INT, primary_key=True),
    sa.Column("epoch", _INT, nullable=False),
    sa.Column("upto_seq", _INT, nullable=False),
    sa.Column("n_train", _INT, nullable=False),
    sa.Column("n_test", _INT, nullable=False),
    sa.Column("acquisition", sa.Text, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("seed", _BIG, nullable=False),
    sa.Column("info_nats", sa.Float),
    sa.Column("info_se", sa.Float),
    sa.Column("model_version", sa.Text),
    sa.Column("seconds", sa.JSON, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
)

model = sa.Table(
    "model",
    metadata,
    sa.Column("number", _INT, primary_key=True),
    sa.Column("version", sa.Text, nullable=False, unique=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("feature_version", sa.Text, nullable=False),
    sa.Column("n_labels", _INT, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", _INT, primary_key=True, autoincrement=False),
    sa.Column("model_version", sa.Text),
    sa.Column("closed_seq", _INT),
)
audit_item = sa.Table(
    "audit_item",
    metadata,
    sa.Column("item", sa.ForeignKey("item.id"), primary_key=True),
    sa.Column("audit", sa.ForeignKey("audit.number"), nullable=False, index=True),
    sa.Column("predicted", sa.ForeignKey("class.id")),
)
"""The items of each audit, with the class that its model predicts. An audit is closed by the event that ended it."""

session_event = sa.Table(
    "session_event",
    metadata,
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("position", _INT, primary_key=True, autoincrement=False),
    sa.Column("event", sa.JSON, nullable=False),
)
session_answer = sa.Table(
    "session_answer",
    metadata,
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("uuid", sa.Text, primary_key=True),
)
"""The events of sessions, each in its order, and the uuids of their answers."""


def read_meta(connection: sa.Connection, key: str) -> Any:
    """Return a value of the table meta."""
    return connection.scalar(_META, {"which": key})


def select_meta(key: str) -> sa.Select[Any]:
    """Return the statement that reads a value of the table meta."""
    return sa.select(meta.c.value).where(meta.c.key == key)


def read_all_meta(connection: sa.Connection) -> dict[str, Any]:
    """Return all values of the table meta."""
    return {row.key: row.value for row in connection.execute(_ALL_META)}


def write_meta(connection: sa.Connection, key: str, value: object) -> None:
    """Change a value of the table meta.

    Args:
        connection: A transaction of the writer.
        key: Its name.
        value: The new value, as JSON has it.
    """
    connection.execute(_CHANGE_META, {"which": key, "new": value})


_ALL_META = sa.select(meta)
_META = sa.select(meta.c.value).where(meta.c.key == sa.bindparam("which"))
_CHANGE_META = meta.update().where(meta.c.key == sa.bindparam("which")).values(value=sa.bindparam("new", type_=sa.JSON))


def is_fresh(items: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that nobody has labelled or holds an item; an index finds those of a stream in their order."""
    return items.c.open >= items.c.need


def is_begun(items: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that somebody has labelled or holds an item, and that it needs others; an index finds these."""
    return (items.c.open > sa.literal_column("0")) & (items.c.open < items.c.need)  # no parameter: it is the index's


def is_asked_again(items: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that an item is to be labelled again since a class was split; an index finds these."""
    return items.c.again & (items.c.open > sa.literal_column("0"))


def has_all_labels(items: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that an item has as many labels as it needs, so that nobody is still to label it blind."""
    given = touched.alias("given")
    labels = sa.select(sa.func.count()).where(given.c.item == items.c.id, given.c.kind != "skip")
    return labels.correlate(items).scalar_subquery() >= items.c.need


IS_OF_CLASS = event.c.kind == sa.literal_column("'class'")
"""The condition that an event changes the classes; an index finds the newest one."""
sa.Index("event_of_class", event.c.seq, sqlite_where=IS_OF_CLASS, postgresql_where=IS_OF_CLASS)
_CONDITIONS = {"item_fresh": is_fresh(item), "item_begun": is_begun(item), "item_again": is_asked_again(item)}
for _name, _which in _CONDITIONS.items():
    sa.Index(_name, item.c.stream, item.c.order_key, sqlite_where=_which, postgresql_where=_which)
for _table in (event, session_event, session_answer):
    for _dialect, _triggers in {
        "sqlite": sqlite.append_only_triggers(_table.name),
        "postgresql": postgresql.append_only_triggers(_table.name),
    }.items():
        for _trigger in _triggers:
            _ddl = sa.DDL(_trigger).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
            sa.event.listen(_table, "after_create", _ddl)
