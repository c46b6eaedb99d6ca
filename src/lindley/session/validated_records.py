"""Checked values and records: types without conversion, so that whatever differs is damage. No torch here."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lindley.errors import InputError
from lindley.text import short_repr

Count = Annotated[int, Field(ge=0, lt=2**63)]
NonNegative = Annotated[float, Field(ge=0)]


class Record(BaseModel):
    """Values that cannot be changed, without conversion of types, infinities or undeclared keys."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid", frozen=True)


R = TypeVar("R", bound=Record)


def build_record(kind: type[R], **values: Any) -> R:
    """Return a record of these values. Raises InputError, which names the value, where one does not fit."""
    try:
        return kind(**values)
    except ValidationError as error:
        name = str(error.errors(include_url=False)[0]["loc"][0]) if error.errors()[0]["loc"] else kind.__name__
        raise InputError(f"{describe_fault(error)}.", argument=name, got=values.get(name)) from None


def find_fault(record: type[BaseModel], value: object) -> str:
    """Return what is wrong with a value that must be such a record, "" where nothing is. It raises for no value."""
    try:
        try:
            record.model_validate(value)
        except ValidationError as error:
            return describe_fault(error)
    except Exception as error:  # numbers and nesting beyond all limits
        return f"it cannot be read ({type(error).__name__})"
    return ""


def describe_fault(error: ValidationError) -> str:
    """Return the first fault of a record in words: where it is, what was expected, and the value."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    came = "nothing" if first["type"] == "missing" else short_repr(first["input"])
    return f"{where}{': ' * bool(where)}{first['msg'].removeprefix('Value error, ')}; there is {came}"
