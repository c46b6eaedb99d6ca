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
"""Versions of methods that chose other rows before under the same name: version 1 of BatchBALD is BatchBALD-logdet.

The version is part of the key, so trials of one version never continue or count as trials of another.
"""


@dataclass(frozen=True)
class Trial:
    """One acquisition with its options under one seed, in one experiment."""

    experiment: Experiment
    acquisition: str
    options: dict[str, Any]
    seed: int

    def key_settings(self) -> dict[str, Any]:
        """Return all settings that can change a result, as JSON; the key is their hash.

        Names and titles, the number of seeds and max_labels are not part of it: a trial may continue to more labels.
        A key that a later version adds must be omitted at its neutral value, so that journals of earlier versions can
        be continued.
        """
        experiment = self.experiment.model_dump(mode="json")
        version = METHOD_VERSIONS.get(self.acquisition)
        return {
            "data": experiment["data"],
            **self._pool_settings(experiment["pool"]),
            "model": {key: value for key, value in experiment["model"].items() if key != "options" or value},
            "training": _effective_training(experiment["training"]),
            "schedule": self._schedule_settings(experiment["schedule"]),
            "observe": self._observe_settings(experiment["observe"]),
            "acquisition": self.acquisition,
            "options": self.options,
            "seed": self.seed,
            **({} if version is None else {"method_version": version}),
        }

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `key_settings()`, in 64 hex digits."""
        text = json.dumps(self.key_settings(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def manifest(self) -> dict[str, Any]:
        """Return the trial's part of its manifest."""
        return {
            "key": self.key,
            "experiment": self.experiment.name,
            "acquisition": self.acquisition,
            "options": self.options,
            "seed": self.seed,
            "semantic": self.key_settings(),
            "precision": self.experiment.model.precision,
        }

    @property
    def name(self) -> str:
        """The name of the trial in messages."""
        return trial_name(self.experiment.name, self.acquisition, self.seed)

    @property
    def folder(self) -> str:
        """Path below the output folder: trials/<experiment>/<acquisition>/seed-<s>-<first 8 of the key>."""
        acquisition = self.acquisition.replace(":", "--")  # a colon is not allowed in a path everywhere
        return f"trials/{self.experiment.name}/{acquisition}/seed-{self.seed}-{self.key[:8]}"

    def _pool_settings(self, pool: dict[str, Any]) -> dict[str, Any]:
        """Return the keys of [pool] that change something; no table where none does."""
        default = CorruptedPool().model_dump(mode="json")
        changed = {key: value for key, value in pool.items() if value != default[key]}
        return {"pool": changed} if changed else {}

    def _schedule_settings(self, schedule: dict[str, Any]) -> dict[str, Any]:
        """Return the schedule without max_labels, and without the number of targets where it changes nothing.

        It is unknown here whether a user's own acquisition uses targets: for it only the default changes nothing.
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
        """Return the observers; information counts only in trials of the acquisition that it measures.

        Transfer is omitted where it is not measured.
        """
        information = observe["information"]
        mine = information is not None and information["acquisition"] == self.acquisition
        kept = {key: value for key, value in observe.items() if key != "transfer" or value is not None}
        return {**kept, "information": information if mine else None}


def trial_name(experiment: str, acquisition: str, seed: int) -> str:
    """Return the name of a trial in progress, status and sinks.

    Args:
        experiment: The name of the experiment.
        acquisition: The name of the acquisition.
        seed: The seed.
    """
    return f"{experiment} {acquisition} seed {seed}"


def trials_of(study: Study) -> list[Trial]:
    """Return all trials, experiment by experiment, in the order in which they start."""
    return [trial for experiment in study.experiments for trial in trials_of_experiment(experiment)]


def trials_of_experiment(experiment: Experiment) -> list[Trial]:
    """Return trials seed by seed, then by acquisition: a study that stops early has whole seeds."""
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
"""Keys of [training] with their neutral value, at which they are not part of a trial's key."""


def _effective_training(training: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value for key, value in training.items() if key not in _NEUTRAL_VALUES or value != _NEUTRAL_VALUES[key]
    }
    if "tune" in kept and not kept["tune"]["temperature"]:  # later keys, too
        kept["tune"] = {key: value for key, value in kept["tune"].items() if key not in ("temperature", "folds")}
    return kept
