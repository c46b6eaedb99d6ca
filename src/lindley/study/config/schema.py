"""What a study is: its experiments and every key of them, each with its type, default and limits.

docs/studies.md says what each key means; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from lindley.session.import_paths import is_import_path
from lindley.session.schedule import LabelSchedule

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
MAX_COUNT = 10**8
"""Labels, rows, steps and whatever else is counted: more is a slip, which would fill the memory before it shows."""
MAX_SEEDS = 10_000
MAX_DRAWS = 100_000
MAX_PICKS = 10_000
"""In one batch whose information is measured."""
MAX_DUPLICATES = 1000
MAX_SEED = 2**53
"""Beyond it a seed is not the same number in every program that reads JSON."""


def _check_json_value(value: Any) -> Any:
    """An option is written into manifests and hashed, so it must be JSON: no dates, no NaN."""
    if isinstance(value, list):
        return [_check_json_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _check_json_value(item) for key, item in value.items()}
    if isinstance(value, int) and abs(value) > MAX_SEED:
        raise ValueError(f"must be between -{MAX_SEED} and {MAX_SEED}")
    if isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("must be a finite number, a string, a boolean, or a list or table of these")


def _false_to_none(value: Any) -> Any:
    return None if value is False else value


def _add_title(tables: Any) -> Any:
    """An experiment, or a study, is titled by its name where it has no title."""
    untitled = isinstance(tables, dict) and "name" in tables and tables.get("title", "") == ""
    return {**tables, "title": tables["name"]} if untitled else tables


OptionValue = Annotated[Any, AfterValidator(_check_json_value)]
Options = dict[str, OptionValue]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
CountOrNone = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Draws = Annotated[int, Field(ge=1, le=MAX_DRAWS)]


class _Table(BaseModel):
    """A table of a study file: no key but the declared ones, no value of another type, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Data(_Table):
    """[data]: which data set."""

    name: str
    options: Options = Field(default_factory=dict)


Share = Annotated[float, Field(gt=0, lt=1)]


class OutOfDistributionRows(_Table):
    """[pool.out_of_distribution]: out-of-distribution rows, of another data set."""

    data: str
    share: Share


class CorruptedPool(_Table):
    """[pool]: the corruptions of the data set's pool, in the order of the keys."""

    subset: CountOrNone = 0
    class_imbalance: dict[str, Share] = Field(default_factory=dict)
    out_of_distribution: Annotated[OutOfDistributionRows | None, BeforeValidator(_false_to_none)] = None
    duplicates: Annotated[int, Field(ge=1, le=MAX_DUPLICATES)] = 1
    duplicate_noise: Annotated[float, Field(ge=0)] = 0.0
    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.0


class Model(_Table):
    """[model]: which network, and how its posterior is approximated."""

    network: str = ""
    posterior: str = "mc-dropout"
    options: Options = Field(default_factory=dict)
    num_draws: Draws = 100
    precision: Literal["auto", "float32", "bfloat16"] = "float32"


class Tune(_Table):
    """[training.tune]: settings among which every fit chooses by its own labels; each list given is tried whole."""

    measure: Literal["evidence", "leave-one-out"] = "evidence"
    weight_decay: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False)] = ()
    prior_precision: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False)] = ()
    dropout: Annotated[tuple[Share, ...], Field(strict=False)] = ()
    temperature: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] = ()
    folds: Annotated[int, Field(ge=2, le=MAX_COUNT)] = 5

    @property
    def values(self) -> dict[str, tuple[float, ...]]:
        """What fits are chosen among, by setting; nothing for a setting whose list is empty."""
        return {key: value for key, value in self if key not in ("measure", "temperature", "folds") and value}


class Training(_Table):
    """[training]: how every fit is trained; the fields of `TrainingConfig`, and [training.tune]."""

    steps: Count = 1000
    epochs: CountOrNone = 0
    batch_size: Count = 64
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: CountOrNone = 0
    prior_precision: Annotated[float, Field(ge=0)] = 0.0
    shift: CountOrNone = 0
    rotate: Annotated[float, Field(ge=0)] = 0.0
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    flip: bool = False
    class_weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False)] = ()
    patience: CountOrNone = 0
    check_every: Count = 50
    tune: Annotated[Tune | None, BeforeValidator(_false_to_none)] = None


class Schedule(_Table):
    """[schedule]: how many labels, when, and from which candidates."""

    initial_labels: Count
    initial: Literal["balanced", "random"] = "random"
    batch_size: Count
    max_labels: Count
    validation_labels: CountOrNone = 0
    candidates: CountOrNone = 0
    targets: Count = 100

    @property
    def label_schedule(self) -> LabelSchedule:
        """The same numbers as a trial's loop has them."""
        return LabelSchedule(
            self.initial_labels, self.initial, self.batch_size, self.max_labels, self.validation_labels
        )

    @property
    def num_rounds(self) -> int:
        """Rounds of a whole trial: one fit at the initial labels and one after every batch."""
        return self.label_schedule.num_rounds

    def num_labels_at(self, round: int) -> int:
        """Labels given until a round, validation labels too; the last batch is shortened to end at max_labels."""
        return self.label_schedule.num_labels_at(round)


class Information(_Table):
    """[observe.information]: measure how the information of a batch grows with its size."""

    acquisition: str = "bald"
    labels: Annotated[tuple[Count, ...], Field(min_length=1, strict=False)]
    picks: Annotated[int, Field(ge=1, le=MAX_PICKS)] = 40


class Transfer(_Table):
    """[observe.transfer]: measure what other models learn from the labels that were acquired."""

    models: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    labels: Annotated[tuple[Count, ...], Field(strict=False)] = ()
    num_draws: Draws = 100


class Observe(_Table):
    """[observe]: what is measured in a round besides the test metrics."""

    grid: bool = False
    information: Annotated[Information | None, BeforeValidator(_false_to_none)] = None
    transfer: Annotated[Transfer | None, BeforeValidator(_false_to_none)] = None


AcquisitionName = Annotated[str, Field(pattern=r"^\w[\w.:-]*$", max_length=200)]
"""Folders are named after it."""


class Experiment(_Table):
    """One data set, model and schedule, with the acquisitions compared on it."""

    name: Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]  # files are named after it
    title: str = ""
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 5
    first_seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    data: Data
    pool: CorruptedPool = CorruptedPool()
    model: Model
    training: Training = Training()
    schedule: Schedule
    acquisitions: Annotated[dict[AcquisitionName, Options], Field(min_length=1)]
    observe: Observe = Observe()

    _fill_title = model_validator(mode="before")(_add_title)

    @property
    def import_paths(self) -> frozenset[str]:
        """Those of its names that are import paths: a user's own data, network, posterior and acquisitions."""
        names = (*self.data_sets, self.model.network, self.model.posterior, *self.acquisitions)
        return frozenset(filter(is_import_path, filter(None, names)))

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The names of all data that it reads: its own, and that of its out-of-distribution rows."""
        return (self.data.name, *([self.pool.out_of_distribution.data] if self.pool.out_of_distribution else []))


class Study(_Table):
    """Experiments that are run and reported together."""

    name: str
    title: str = ""
    description: str = ""
    experiments: Annotated[tuple[Experiment, ...], Field(min_length=1, strict=False)]
    folder: Path | None = Field(default=None, exclude=True)
    """Where the study file lies, for a user's "module:name"; never written down."""

    _fill_title = model_validator(mode="before")(_add_title)


TABLES: Mapping[str, type[_Table]] = {
    "data": Data,
    "pool": CorruptedPool,
    "pool.out_of_distribution": OutOfDistributionRows,
    "model": Model,
    "training": Training,
    "training.tune": Tune,
    "schedule": Schedule,
    "observe": Observe,
    "observe.information": Information,
    "observe.transfer": Transfer,
}
"""The tables of a study file whose keys are fixed."""
