"""The request bodies, checked by pydantic: an unknown key, or a value of another type, is refused by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lindley.labelling.records import ProjectEvent, SkipReason, View

MAX_ITEMS = 100
"""The number of items that one request may hold."""
Text = Annotated[str, Field(max_length=2000)]
Number = Annotated[int, Field(ge=0, lt=2**53)]


class Body(BaseModel):
    """A body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class NextBody(Body):
    """The number of items that the person holds after the request."""

    n: Annotated[int, Field(ge=0, le=MAX_ITEMS)] = 1


class EventBody(Body):
    """An event of a person; see ProjectEvent."""

    uuid: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
    kind: Literal["label", "skip", "flag", "note", "undo", "adjudicate"]
    item: Number | None = None
    class_id: Number | None = None
    target_uuid: Annotated[str, Field(max_length=64)] | None = None
    lease: Annotated[str, Field(max_length=64)] | None = None
    """The lease under which the item was served; it is only read by people."""
    shown_ms: Number | None = None
    idle_ms: Number | None = None
    client_time: Annotated[str, Field(max_length=40)] | None = None
    note: Text = ""
    reason: SkipReason | None = None
    """Why an item is skipped."""
    view: View = "single"
    prediction_shown: bool = False

    @model_validator(mode="after")
    def _has_its_reason(self) -> EventBody:
        if self.reason is not None and self.kind != "skip":
            raise ValueError("a reason is that of a skip")
        return self

    def to_event(self) -> ProjectEvent:
        """Return the event as it is stored."""
        payload: dict[str, str] = {"reason": self.reason} if self.reason is not None else {}
        payload |= {"view": self.view} if self.view != "single" and self.kind == "label" else {}
        return ProjectEvent(**self.model_dump(exclude={"lease", "reason", "view"}), payload=payload)


class GuidelineBody(Body):
    """Another guideline."""

    text: Annotated[str, Field(max_length=20_000)]


class EventsBody(Body):
    """Events, oldest first, and how many items the person wants to hold afterwards."""

    events: Annotated[list[EventBody], Field(max_length=MAX_ITEMS)]
    next: Annotated[int, Field(ge=0, le=MAX_ITEMS)] = 0


class ItemBody(Body):
    """An item."""

    item: Number


class GridBody(Body):
    """A class, and how many items that look like it are shown together."""

    class_id: Number
    n: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 24


class ClaimBody(Body):
    """Items that a person picked, and how they found them."""

    items: Annotated[list[Number], Field(max_length=MAX_ITEMS)]
    how: Literal["search", "similar"]


class ReleaseBody(Body):
    """Leases that are given back."""

    leases: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=MAX_ITEMS)]


class ClassBody(Body):
    """A change of the classes."""

    action: Literal["add", "rename", "describe", "hotkey", "merge", "split", "retire"]
    class_id: Number | None = None
    value: Text | Number | Annotated[list[Text], Field(max_length=MAX_ITEMS)] | None = None
    """The new name, description or key; the id of the class into which it is merged; the names of a split."""
    hotkey: Text | None = None
    description: Text = ""
