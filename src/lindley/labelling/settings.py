"""The settings of a project, `project.toml`: written by init, read by everything else."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticKnownError

from lindley.acquisition.specs import ACQUISITIONS
from lindley.errors import ConfigurationError, InputError
from lindley.files import write_atomically
from lindley.labelling.records import Kind
from lindley.session.invalid_keys import InvalidKey, describe_value, format_key, raise_errors, unknown_keys_of_table

FILE_NAME = "project.toml"
DEFAULT_ACQUISITIONS: Mapping[Kind, str] = {
    "text": "batchbald",
    "images": "u-herding",
    "rows": "batchbald",
    "vectors": "batchbald",
}
"""The acquisition of a new project by the kind of its items. On images whose features say little of their classes
BatchBALD queries odd ones and falls ten points behind random choice; uncertainty herding does not, and is three points
above it with the features of a pretrained network (`labelling_quality.py cifar`)."""
_HEADER = "# A labelling project of lindley. `lindley status` shows its accuracy.\n"


class ProjectSettings(BaseModel):
    """The settings of a project."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    kind: Kind
    """What its items are."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything random."""
    text: str = ""
    """The column of the text, for kind "text"."""
    columns: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The feature columns, for kind "rows"."""
    label: str = ""
    """The column of known labels; "" where there is none."""
    id: str = ""
    """The column of the items' own ids; "" where there is none."""
    features: str = ""
    """The feature method: a name of `lindley.features`, "encoder:FOLDER" or "module:name"; "" is the default."""
    acquisition: str = "batchbald"
    """The acquisition that chooses batches once there are labels."""
    batch_size: Annotated[int, Field(ge=1)] = 10
    num_draws: Annotated[int, Field(ge=2)] = 100
    """The number of draws of the model that the acquisition compares."""
    test_labels: Annotated[int, Field(ge=0, le=1_000_000)] = 60
    """The number of test labels that are collected at the rate of one in three; later ones come at one in ten."""
    target: Annotated[float | None, Field(gt=0, lt=1)] = None
    """The accuracy at which the advice is to stop."""
    target_labels: Annotated[int | None, Field(ge=1)] = None
    """The number of items that are to be labelled in all; the page shows how far that is. None: it is open."""
    people_per_item: Annotated[int, Field(ge=1, le=1_000)] = 1
    """The number of people who label each item."""
    double_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of the items, drawn at random when they are added, that one more person labels, blind."""
    lease_seconds: Annotated[float, Field(gt=0)] = 300
    """The seconds for which an item stays reserved for the person who sees it."""
    database: str = ""
    """The address of its PostgreSQL database, without a password; "": the file project.db."""

    @field_validator("acquisition")
    @classmethod
    def _is_known(cls, name: str) -> str:
        usable = [each for each, spec in ACQUISITIONS.items() if "targets" not in spec.requirements({})]
        if name in ACQUISITIONS and name not in usable:
            raise ValueError("must not read targets, which a project does not have")
        if name not in usable:
            raise PydanticKnownError("literal_error", {"expected": " or ".join(map(repr, usable))})
        return name


def build_settings(values: Mapping[str, Any], *, path: Path | None = None) -> ProjectSettings:
    """Return settings of these values.

    Args:
        values: The values by key.
        path: The file that holds them, for messages.

    Raises:
        ConfigurationError: If a key is not known or a value is wrong; it names each of them.
    """
    invalid = [*unknown_keys_of_table(values, ProjectSettings.model_fields), *_check_database(values.get("database"))]
    try:
        settings = ProjectSettings(**{name: values[name] for name in ProjectSettings.model_fields if name in values})
    except ValidationError as error:
        found = error.errors(include_url=False)
        invalid += [InvalidKey(each["loc"], describe_value(dict(each)), got=each["input"]) for each in found]
    raise_errors([each.error(format_key(each.path)) for each in invalid], str(path or ""), path)
    return settings


def _check_database(url: object) -> Iterator[InvalidKey]:
    """Yield what is wrong with an address, and never the address itself: it may hold a password."""
    if not isinstance(url, str) or not url:
        return
    from lindley.labelling.postgresql import check_url

    try:
        check_url(url)
    except InputError:
        yield InvalidKey(
            ("database",),
            "must be an address such as postgresql://user@host/name, without a password: that belongs into PGPASSWORD "
            "or ~/.pgpass.",
        )


def write_settings(folder: Path, settings: ProjectSettings) -> None:
    """Write the settings into a project's folder."""
    values = settings.model_dump(exclude_none=True)
    lines = [f"{name} = {_toml(value)}\n" for name, value in values.items()]
    write_atomically(folder / FILE_NAME, (_HEADER + "".join(lines)).encode())


def read_settings(folder: Path) -> ProjectSettings:
    """Return the settings of the project in a folder.

    Raises:
        ConfigurationError: If the folder holds no project, or its settings are wrong; it names file and key.
    """
    path = folder / FILE_NAME
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            f"{folder} is no labelling project: it has no {FILE_NAME}. Make one: lindley init SOURCE --to {folder}",
            path=path,
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}. Correct the file.", path=path) from None
    return build_settings(values, path=path)


def _toml(value: Any) -> str:
    """Return a value as TOML: texts, numbers and lists of texts are written as in JSON."""
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, tuple) else json.dumps([*value])
