"""Checked records: types without conversion, so that whatever differs is damage. No torch here."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lindley.text import brief

Count = Annotated[int, Field(ge=0, lt=2**63)]
NonNegative = Annotated[float, Field(ge=0)]


class Record(BaseModel):
    """Values that cannot be changed, without conversion of types, infinities or undeclared keys."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid", frozen=True)


def fault_of(record: type[BaseModel], value: object) -> str:
    """Say what is wrong with a value that should be such a record, "" where nothing is; raise nothing for any value."""
    try:
        try:
            record.model_validate(value)
        except ValidationError as error:
            return describe_fault(error)
    except Exception as error:  # numbers and nesting beyond all limits
        return f"it cannot be read ({type(error).__name__})"
    return ""


def describe_fault(error: ValidationError) -> str:
    """Return the first fault of a record in words: where, what was expected, what there is."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    came = "nothing" if first["type"] == "missing" else brief(first["input"])
    return f"{where}{': ' * bool(where)}{first['msg'].removeprefix('Value error, ')}; there is {came}"
