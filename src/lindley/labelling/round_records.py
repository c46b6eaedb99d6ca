"""Rounds of training and their models, as the database keeps them: appended, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from lindley.errors import InputError
from lindley.labelling.sql import sa
from lindley.labelling.tables import model, round_


@dataclass(frozen=True)
class RoundRecord:
    """One round of training: what it was fitted on, what it chose, and how it ended."""

    epoch: int
    upto_seq: int
    """The last event that it knew."""
    n_train: int
    n_test: int
    acquisition: str
    status: Literal["done", "failed"] = "done"
    error: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    info_nats: float | None = None
    """The information of the batch, and its standard error, in nats."""
    info_se: float | None = None
    model_version: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRecord:
    """One model: where it lies, and what it was fitted on."""

    version: str
    path: str
    sha256: str
    feature_version: str
    n_labels: int
    metrics: Mapping[str, Any] = field(default_factory=dict)


def add_round(connection: sa.Connection, record: RoundRecord) -> None:
    """Append a round; one that failed may be followed by another of the same epoch."""
    connection.execute(round_.insert(), asdict(record))


def add_model(connection: sa.Connection, record: ModelRecord) -> None:
    """Append a model. Raise InputError where its version is known."""
    if connection.scalar(sa.select(model.c.version).where(model.c.version == record.version)) is not None:
        raise InputError(f"The model {record.version} is known already.", argument="version", got=record.version)
    connection.execute(model.insert(), asdict(record))


def read_rounds(connection: sa.Connection) -> list[RoundRecord]:
    """Return the rounds in the order in which they ended."""
    names = [round_.c[each.name] for each in fields(RoundRecord)]
    return [RoundRecord(*row) for row in connection.execute(sa.select(*names).order_by(round_.c.number))]


def read_models(connection: sa.Connection) -> list[ModelRecord]:
    """Return the models in the order added."""
    names = [model.c[each.name] for each in fields(ModelRecord)]
    return [ModelRecord(*row) for row in connection.execute(sa.select(*names).order_by(model.c.number))]
