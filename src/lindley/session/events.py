"""The events of a session: the lines of its journal. Its state is the fold of them. No torch here.

Started -> Queried("initial") -> Answered -> Fitted -> Queried("train") -> Answered -> Fitted -> ...
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Annotated, Any, Literal, get_args
from uuid import uuid4

from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from lindley.errors import InputError
from lindley.session.validated_records import Count, NonNegative, Record, describe_fault
from lindley.value_checks import whole_number

AnswerOutcome = Literal["label", "none_of_the_classes", "skip"]
"""The outcomes of an answer."""
Purpose = Literal["initial", "validation", "train", "test"]
"""The purpose of a query: to begin with, to stop a fit, to train on a selection, or to measure the model."""


@dataclass(frozen=True)
class Answer:
    """The answer of one annotator, a person or a program, to one row.

    >>> Answer(row=3, value=1, annotator="ann").outcome
    'label'
    """

    row: int
    value: int | float | None = None
    """The index of a class, or the number of a regression; None where the outcome is no label."""
    outcome: AnswerOutcome = "label"
    annotator: str = ""
    uuid: str = field(default_factory=lambda: uuid4().hex)
    """Identifies the answer: one that is sent again under the same uuid is stored once, also after a withdrawal.

    A new answer needs a new uuid. "" is never taken for a repetition."""
    reason: str = ""
    confidence: float | None = None
    """How sure the annotator is, from 0 to 1."""
    cost: float | None = None
    at: str = ""
    """When the answer was given: UTC, ISO 8601."""
    seconds: float | None = None
    """How long the answer took."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "row", whole_number("row", self.row))
        if self.value is not None and not isinstance(self.value, float):
            try:
                object.__setattr__(self, "value", whole_number("value", self.value))
            except InputError:
                raise self._refusal("value", "the index of a class, a number or None") from None
        if not _is_finite(self.value):
            raise self._refusal("value", "the index of a class, a finite number or None")
        if self.outcome not in get_args(AnswerOutcome):
            raise self._refusal("outcome", f"one of {', '.join(get_args(AnswerOutcome))}")
        for name in ("annotator", "uuid", "reason", "at"):
            if not isinstance(getattr(self, name), str):
                raise self._refusal(name, "text")
        for name in ("confidence", "cost", "seconds"):
            if not _is_finite(getattr(self, name)):
                raise self._refusal(name, "a finite number or None")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise self._refusal("confidence", "from 0 to 1")
        if (self.value is not None) != (self.outcome == "label"):
            raise self._refusal(
                "value", f"{'a class' if self.value is None else 'None'} where outcome={self.outcome!r}"
            )

    def _refusal(self, name: str, expected: str) -> InputError:
        return InputError(argument=name, expected=expected, got=getattr(self, name), rows=[self.row])


def _is_finite(number: object) -> bool:
    """Whether it is a finite number, or None."""
    return number is None or (
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
    )


def _defaults() -> dict[str, object]:
    return {each.name: "" if each.name == "uuid" else each.default for each in fields(Answer)[2:]}


class Started(Record):
    """The beginning of a session. Events before it belong to an earlier beginning, and count no more."""

    event: Literal["started"] = "started"
    key: str
    """A trial's key, or a hash of what a session cannot change."""
    format: Literal[1] = 1
    consensus: str = "majority"
    """The name of the consensus: "majority", or "package.module:name" of one's own function."""


class ArraysFile(Record):
    """A file of arrays in the session's own folder."""

    file: Annotated[str, Field(pattern=r"^arrays/[^/\\]+\.npz$")]
    sha256: str


class Fitted(Record):
    """A model was fitted to the labels known by then, and observed."""

    event: Literal["fitted"] = "fitted"
    round: Count
    labels: Count
    """The number of all labels, validation labels and those of none of the classes too."""
    metrics: Mapping[str, Any] = {}
    arrays: Mapping[str, ArraysFile] = {}
    seconds: Mapping[str, NonNegative] = {}
    compute_path: str = ""
    hyperparameters: Mapping[str, Any] = {}

    @field_validator("metrics")
    @classmethod
    def _accuracy_is_a_share(cls, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        accuracy = metrics.get("accuracy")
        if accuracy is not None and not (isinstance(accuracy, int | float) and 0 <= accuracy <= 1):
            raise ValueError("accuracy must be a number from 0 to 1")
        return metrics


class Queried(Record):
    """Rows to label, in the order to label them. A query of a round supersedes the one before."""

    event: Literal["queried"] = "queried"
    round: Count
    purpose: Purpose
    rows: list[Count]
    scores: Sequence[float] = ()
    """One for each row where an acquisition chose them."""
    diagnostics: Mapping[str, Any] = {}

    @model_validator(mode="after")
    def _one_score_for_each_row(self) -> Queried:
        if len(set(self.rows)) != len(self.rows):
            raise ValueError("a row is queried twice")
        if len(self.scores) not in (0, len(self.rows)):
            raise ValueError(f"{len(self.rows)} rows have {len(self.scores)} scores")
        return self


class Answered(Record):
    """Answers given together, by column; a column of equal values is one value, and left out at its default."""

    event: Literal["answered"] = "answered"
    row: list[Count]
    value: list[int | float | None]
    outcome: AnswerOutcome | list[AnswerOutcome] = "label"
    annotator: str | list[str] = ""
    uuid: str | list[str] = ""
    reason: str | list[str] = ""
    confidence: float | list[float | None] | None = None
    cost: float | list[float | None] | None = None
    at: str | list[str] = ""
    seconds: float | list[float | None] | None = None

    @classmethod
    def from_answers(cls, answers: Iterable[Answer]) -> Answered:
        """Return the event of these answers."""
        answers = list(answers)
        columns: dict[str, Any] = {name: [getattr(each, name) for each in answers] for name in ("row", "value")}
        for name in _defaults():
            values = [getattr(each, name) for each in answers]
            columns[name] = values[0] if values.count(values[0]) == len(values) else values
        return cls(**columns)

    @model_validator(mode="after")
    def _columns_are_of_one_length(self) -> Answered:
        self.answers  # noqa: B018 (raises where a column has another length, or a label has no value)
        return self

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """The answers as records."""
        count = len(self.row)
        columns = [self.row, self.value]
        columns += [each if isinstance(each := getattr(self, name), list) else [each] * count for name in _defaults()]
        try:
            return tuple(Answer(*each) for each in zip(*columns, strict=True))
        except InputError as error:
            raise ValueError(str(error)) from None


class Withdrawn(Record):
    """All answers to these rows that came before count no more."""

    event: Literal["withdrawn"] = "withdrawn"
    rows: list[Count]


class Resumed(Record):
    """The session continues under other conditions: by name, the value before and the value now."""

    event: Literal["resumed"] = "resumed"
    round: Count
    changes: dict[str, Annotated[list[Any], Field(min_length=2, max_length=2)]]


Event = Started | Fitted | Queried | Answered | Withdrawn | Resumed
_ANY: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def to_json(event: Event) -> dict[str, Any]:
    """Return an event as JSON values, without those that stand at their default."""
    return {"event": event.event, **event.model_dump(exclude_defaults=True)}


def from_json(value: Mapping[str, Any]) -> Event:
    """Return the event of JSON values. Raises ValueError, which says what is wrong, for values that are none."""
    try:
        return _ANY.validate_python(value)
    except ValidationError as error:
        raise ValueError(describe_fault(error)) from None
