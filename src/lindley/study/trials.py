"""Trials: data x model x acquisition x schedule x seed, the unit that is run, resumed and named by a key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lindley.acquisition.specs import ACQUISITIONS
from lindley.study.config.schema import CorruptedPool, Experiment, Schedule, Study

METHOD_VERSIONS = {"batchbald": 2}
"""Methods that once chose other rows under the same name: version 1 of BatchBALD is BatchBALD-logdet today.

It is part of the key, so that trials of one version are never continued, or counted, as trials of another.
"""


@dataclass(frozen=True)
class Trial:
    """One acquisition with its options under one seed, in one experiment."""

    experiment: Experiment
    acquisition: str
    options: dict[str, Any]
    seed: int

    def semantic(self) -> dict[str, Any]:
        """All that can change a result, as JSON: what the key is the hash of.

        Names and titles are not in it, nor the number of seeds, nor max_labels: a trial may be continued to more
        labels. A key that a later version adds must be left out at the value that changes nothing, else the
        journals of earlier versions could no longer be continued.
        """
        experiment = self.experiment.model_dump(mode="json")
        version = METHOD_VERSIONS.get(self.acquisition)
        return {
            "data": experiment["data"],
            **self._pool_settings(experiment["pool"]),
            "model": {key: value for key, value in experiment["model"].items() if key != "options" or value},
            "training": _training_settings(experiment["training"]),
            "schedule": self._schedule_settings(experiment["schedule"]),
            "observe": self._observe_settings(experiment["observe"]),
            "acquisition": self.acquisition,
            "options": self.options,
            "seed": self.seed,
            **({} if version is None else {"method_version": version}),
        }

    @cached_property
    def key(self) -> str:
        """64 hex digits: SHA-256 of the canonical JSON of `semantic()`."""
        text = json.dumps(self.semantic(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """What a manifest says of the trial itself."""
        return {
            "key": self.key,
            "experiment": self.experiment.name,
            "acquisition": self.acquisition,
            "options": self.options,
            "seed": self.seed,
            "semantic": self.semantic(),
            "precision": self.experiment.model.precision,
        }

    @property
    def name(self) -> str:
        """What it is called where people read of it."""
        return trial_name(self.experiment.name, self.acquisition, self.seed)

    @property
    def folder(self) -> str:
        """Its place below the output folder: trials/<experiment>/<acquisition>/seed-<s>-<first 8 of the key>."""
        acquisition = self.acquisition.replace(":", "--")  # a colon is not allowed in a path everywhere
        return f"trials/{self.experiment.name}/{acquisition}/seed-{self.seed}-{self.key[:8]}"

    def _pool_settings(self, pool: dict[str, Any]) -> dict[str, Any]:
        """The keys of [pool] that change something; no table where none does, as before there was one."""
        default = CorruptedPool().model_dump(mode="json")
        changed = {key: value for key, value in pool.items() if value != default[key]}
        return {"pool": changed} if changed else {}

    def _schedule_settings(self, schedule: dict[str, Any]) -> dict[str, Any]:
        """Without max_labels, and without the number of targets where they change nothing.

        Whether an acquisition of one's own looks at targets is not known here: for it the default counts as nothing.
        """
        default = Schedule.model_fields["targets"].default
        own = ":" in self.acquisition
        spec = ACQUISITIONS.get(self.acquisition)
        looks = schedule["targets"] != default if own else spec is not None and "targets" in spec.requires
        left_out = {"max_labels"} if looks else {"max_labels", "targets"}
        if not schedule["validation_labels"]:
            left_out.add("validation_labels")  # a later key
        return {key: value for key, value in schedule.items() if key not in left_out}

    def _observe_settings(self, observe: dict[str, Any]) -> dict[str, Any]:
        """Information is measured in the trials of one acquisition; the others are the same with and without.

        Transfer, a later key, is left out where it is not measured.
        """
        information = observe["information"]
        mine = information is not None and information["acquisition"] == self.acquisition
        kept = {key: value for key, value in observe.items() if key != "transfer" or value is not None}
        return {**kept, "information": information if mine else None}


def trial_name(experiment: str, acquisition: str, seed: int) -> str:
    """What a trial is called where people read of it, in progress, status and sinks."""
    return f"{experiment} {acquisition} seed {seed}"


def trials_of(study: Study) -> list[Trial]:
    """Experiment by experiment, in the order in which they are begun."""
    return [trial for experiment in study.experiments for trial in trials_of_experiment(experiment)]


def trials_of_experiment(experiment: Experiment) -> list[Trial]:
    """Seed by seed, then by acquisition: a study stopped half way has whole seeds."""
    return [
        Trial(experiment, acquisition, dict(options), seed)
        for seed in range(experiment.first_seed, experiment.first_seed + experiment.seeds)
        for acquisition, options in experiment.acquisitions.items()
    ]


_NEUTRAL_VALUES = {
    "warmup": 0,
    "prior_precision": 0.0,
    "shift": 0,
    "rotate": 0.0,
    "scale": 0.0,
    "flip": False,
    "epochs": 0,
    "optimizer": "adam",
    "class_weights": [],
    "patience": 0,
    "check_every": 50,
    "tune": None,
}
"""Keys of [training] that came after the first journals, with the value under which nothing changes."""


def _training_settings(training: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in training.items() if key not in _NEUTRAL_VALUES or value != _NEUTRAL_VALUES[key]
    }
    if "tune" in kept and not kept["tune"]["temperature"]:  # later keys, too
        kept["tune"] = {key: value for key, value in kept["tune"].items() if key not in ("temperature", "folds")}
    return kept
