"""The types of what a trial's files hold: events of its journal, its manifest. Whatever differs is damage. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lindley.text import brief

Count = Annotated[int, Field(ge=0, lt=2**63)]
Class = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Record(BaseModel):
    """Types without conversion; keys that are not declared are those of another version."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore")


class Answers(Record):
    """Rows and the class that each was given."""

    rows: list[Count]
    classes: list[Class]

    @model_validator(mode="after")
    def _one_class_for_each_row(self) -> Answers:
        if len(self.rows) != len(self.classes):
            raise ValueError(f"{len(self.rows)} rows have {len(self.classes)} classes")
        return self


class Start(Answers):
    """The event with the initial labels."""

    validation: Answers = Answers(rows=[], classes=[])


class Selected(Answers):
    """What an acquisition chose."""

    scores: list[float]
    diagnostics: dict[str, Any]

    @model_validator(mode="after")
    def _one_score_for_each_row(self) -> Selected:
        if len(self.rows) != len(self.scores):
            raise ValueError(f"{len(self.rows)} rows have {len(self.scores)} scores")
        return self


class ArraysFile(Record):
    """A file of arrays, which lies in the trial's own folder."""

    file: Annotated[str, Field(pattern=r"^arrays/[^/\\]+\.npz$")]
    sha256: str


class Metrics(Record):
    """The one metric that is read while a study runs; there are others."""

    accuracy: Annotated[float, Field(ge=0, le=1)] | None = None


class RoundEvent(Record):
    """The event of a finished round."""

    round: Count
    labels: Count
    metrics: Metrics
    selection: Selected | None
    arrays: dict[str, ArraysFile]
    seconds: dict[str, Annotated[float, Field(ge=0)]] = {}
    path: str = ""
    tuned: dict[str, Any] = {}


class Resumed(Record):
    """The event that tells of other conditions: by name what there was, and what there is."""

    round: Count
    changes: dict[str, Annotated[list[Any], Field(min_length=2, max_length=2)]]


EVENTS: Mapping[str, type[Record]] = {"start": Start, "round": RoundEvent, "resumed": Resumed}
"""By kind; others are those of another version."""


class ManifestRecord(Record):
    """What every version has written, and what is read where a trial is continued."""

    key: str
    versions: dict[str, str]
    data_hashes: dict[str, str]
    own_code: dict[str, str | None] = {}
    num_test: Count = 1


def fault_of(record: type[Record], value: object) -> str:
    """Say what is wrong with a value that should be such a record, "" where nothing is; raise nothing for any value."""
    try:
        try:
            record.model_validate(value)
        except ValidationError as error:
            return _in_words(error)
    except Exception as error:  # numbers and nesting beyond all limits
        return f"it cannot be read ({type(error).__name__})"
    return ""


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    came = "nothing" if first["type"] == "missing" else brief(first["input"])
    return f"{where}{': ' * bool(where)}{first['msg'].removeprefix('Value error, ')}; there is {came}"
