"""The assembler of trials: names become a data set, a network, a learner and an acquisition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

from torch import nn

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.specs import ACQUISITIONS
from lindley.contracts import Acquisition
from lindley.datasets.dataset import Dataset
from lindley.errors import ConfigurationError, InputError
from lindley.networks.catalogue import build_network
from lindley.session.environment import environment
from lindley.session.import_paths import UserObject, import_user_objects
from lindley.session.manifest import FORMAT
from lindley.session.round_context import check_requires
from lindley.session.rounds import RoundSettings
from lindley.session.trial import TrialSetup
from lindley.study.config.validation import describe_refused_options
from lindley.study.observers.build import build_observers
from lindley.study.running.learners import build_experiment_learner
from lindley.study.running.trial_data import TrialData
from lindley.study.trials import Trial


class Assembler:
    """Make trials ready to run on one device. The last data set is kept, since the next trial mostly uses the same.

    Args:
        device: Where learners compute.
        threads: Threads of this process, for the manifest.
        data_dir: Where the files of data sets lie; None: where `lindley data` puts them.
        folder: Where the modules of import paths are looked for first.
    """

    def __init__(self, *, device: str, threads: int, data_dir: Path | None, folder: Path | None) -> None:
        self._device = device
        self._threads = threads
        self._folder = folder
        self._data = TrialData(data_dir)

    def setup(self, trial: Trial) -> TrialSetup:
        """Return everything that `run_trial` requires. Raise ConfigurationError and DataError as its parts do."""
        experiment, model = trial.experiment, trial.experiment.model
        names = (*experiment.data_sets, model.network, model.posterior, trial.acquisition)
        own = import_user_objects(names, folder=self._folder)
        dataset = self._data.load(trial, own)
        network = _network(model.network, dataset, own.get(model.network)) if model.network else None
        acquisition, requires = _acquisition(trial, own.get(trial.acquisition))
        rounds = RoundSettings(
            learner=build_experiment_learner(
                experiment,
                network,
                own.get(model.posterior),
                device=self._device,
                requires=requires,
                acquisition=trial.acquisition,
            ),
            acquisition=acquisition,
            task=dataset.task,
            seed=trial.seed,
            num_draws=model.num_draws,
            candidates=experiment.schedule.candidates,
            requires=requires,
            num_targets=experiment.schedule.targets,
        )
        manifest = {
            "format": FORMAT,
            **trial.manifest(),
            "data_hashes": dict(dataset.hashes),
            "own_code": {name: each.code for name, each in own.items()},
            "class_names": list(dataset.task.class_names),
            "num_rows": len(dataset.pool),
            "num_test": len(dataset.test_inputs),
            **environment(device=self._device, threads=self._threads),
        }
        return TrialSetup(
            rounds=rounds,
            schedule=experiment.schedule.label_schedule,
            pool=dataset.pool,
            classes=dataset.classes,
            manifest=manifest,
            sources=dataset.sources,
            observers=build_observers(experiment, trial.acquisition, dataset, device=self._device),
        )


def _network(name: str, dataset: Dataset, own: UserObject | None) -> Callable[[], nn.Module]:
    shape, num_classes = dataset.input_shape, dataset.task.num_classes
    if own is None:
        return build_network(name, input_shape=shape, num_classes=num_classes)

    def build() -> nn.Module:
        network = own.value(input_shape=shape, num_classes=num_classes)
        if not isinstance(network, nn.Module):
            raise ConfigurationError(
                argument="model.network",
                expected=f"a {name!r} that returns a torch.nn.Module",
                got=type(network).__name__,
            )
        return network

    return build


def _acquisition(trial: Trial, own: UserObject | None) -> tuple[Acquisition, frozenset[str]]:
    """Return the acquisition and what it requires; a user's own says so by its attribute `requires`."""
    if own is None:
        chosen = acquisition_named(trial.acquisition, trial.options)
        return chosen, ACQUISITIONS[trial.acquisition].requirements(trial.options)
    key = f"acquisitions.{trial.acquisition}"
    if trial.options:
        raise ConfigurationError(f"{key} {describe_refused_options(trial.options)}", argument=key, got=trial.options)
    acquisition = own.value
    if not callable(acquisition):
        expected = "callable as acquisition(context, batch_size, seed=...)"
        raise ConfigurationError(argument=key, expected=expected, got=type(acquisition).__name__)
    said = getattr(acquisition, "requires", ())
    requires = frozenset([said] if isinstance(said, str) else said)
    try:
        check_requires(requires)
    except InputError as error:
        raise ConfigurationError(f"{key}: {error}", argument=key, got=said) from None
    return cast(Acquisition, acquisition), requires
