"""From what a study says to what a trial runs: names become a data set, a network, a learner, an acquisition."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.specs import METHODS
from lindley.contracts import FEATURES, Acquisition
from lindley.datasets.catalogue import load
from lindley.datasets.dataset import Dataset, content_hashes
from lindley.datasets.hard_pools import Hardness, Outside, harden
from lindley.errors import ConfigurationError, InputError
from lindley.loop.environment import environment
from lindley.loop.manifest import FORMAT, Manifest
from lindley.loop.named import is_named, load_named, source_sha256
from lindley.loop.rounds import Observer, RoundSettings
from lindley.loop.shown import check_needs
from lindley.loop.trial import TrialSetup
from lindley.networks.catalogue import build_network
from lindley.posteriors.callers_state import seeded_globals
from lindley.posteriors.catalogue import build_learner
from lindley.posteriors.features import has_dense_layer
from lindley.posteriors.recipe import Recipe
from lindley.seeds import derive_seed
from lindley.study.consistency import without_features
from lindley.study.learners import panel_learner
from lindley.study.observers import observe_test_set
from lindley.study.observers_asked import observe_asked
from lindley.study.observers_grid import observe_grid
from lindley.study.observers_information import observe_information
from lindley.study.observers_transfer import observe_transfer
from lindley.study.schema import HardPool, Transfer
from lindley.study.trials import Trial


class Assembler:
    """Makes trials ready to run on one device. Keeps the last data set, since the next trial mostly wants the same."""

    def __init__(self, *, device: str, threads: int, data_dir: Path | None, folder: Path | None) -> None:
        self._device = device
        self._threads = threads
        self._data_dir = data_dir
        self._folder = folder
        self._dataset: tuple[str, Dataset] | None = None

    def setup(self, trial: Trial) -> TrialSetup:
        """Everything that `run_trial` needs. Raises ConfigurationError and DataError as their parts do."""
        panel = trial.panel
        dataset = self._data(trial)
        network = _network(panel.model.network, dataset, self._folder) if panel.model.network else None
        acquisition, needs = _acquisition(trial, self._folder)
        _check_features(trial, needs, network)
        rounds = RoundSettings(
            learner=panel_learner(panel, network, device=self._device, folder=self._folder),
            acquisition=acquisition,
            task=dataset.task,
            seed=trial.seed,
            num_draws=panel.model.num_draws,
            candidates=panel.schedule.candidates,
            needs=needs,
            num_targets=panel.schedule.targets,
        )
        return TrialSetup(
            rounds=rounds,
            schedule=panel.schedule.labelling,
            pool=dataset.pool,
            classes=dataset.classes,
            manifest=self._manifest(trial, dataset),
            sources=dataset.sources,
            observers=_observers(trial, dataset, self._device),
        )

    def _data(self, trial: Trial) -> Dataset:
        panel, seed = trial.panel, trial.seed
        wanted = json.dumps([panel.data.model_dump(mode="json"), panel.pool.model_dump(mode="json"), seed])
        if self._dataset is None or self._dataset[0] != wanted:
            self._dataset = None  # the old one goes before the new one comes
            loaded = self._loaded(panel.data.name, panel.data.options, derive_seed(seed, "data"))
            if panel.pool != HardPool():
                loaded = harden(loaded, self._hardness(trial), seed=derive_seed(seed, "hard pool"))
            self._dataset = (wanted, loaded)
        return self._dataset[1]

    def _loaded(self, name: str, options: Mapping[str, Any], seed: int) -> Dataset:
        if not is_named(name):
            return load(name, data_dir=self._data_dir, seed=seed, options=options)
        factory = cast(Callable[..., Dataset], load_named(name, folder=self._folder))
        loaded = factory(seed=seed, **options)
        if not isinstance(loaded, Dataset):
            raise ConfigurationError(f"the data {name!r} must return a lindley Dataset; got {type(loaded).__name__}")
        return loaded if loaded.hashes else replace(loaded, hashes=content_hashes(loaded))

    def _hardness(self, trial: Trial) -> Hardness:
        """The panel's [pool], with the data set that rows from outside are of."""
        pool, outside = trial.panel.pool, None
        if pool.outside is not None:
            other = self._loaded(pool.outside.data, {}, derive_seed(trial.seed, "outside data"))
            outside = Outside(other, pool.outside.share)
        return Hardness(**{**dict(pool), "outside": outside})

    def _manifest(self, trial: Trial, dataset: Dataset) -> Manifest:
        return {
            "format": FORMAT,
            "key": trial.key,
            "panel": trial.panel.name,
            "acquisition": trial.acquisition,
            "options": trial.options,
            "seed": trial.seed,
            "semantic": trial.semantic(),
            "precision": trial.panel.model.precision,
            "data_hashes": dict(dataset.hashes),
            "own_code": _own_code(trial),
            "class_names": list(dataset.task.class_names),
            "num_rows": len(dataset.pool),
            "num_test": len(dataset.test_inputs),
            **environment(device=self._device, threads=self._threads),
        }


def _own_code(trial: Trial) -> dict[str, str | None]:
    """The sha256 of the file of each object of the user's own; all of them are loaded by now."""
    model = trial.panel.model
    names = (*trial.panel.data_sets, model.network, model.posterior, trial.acquisition)
    return {name: source_sha256(name) for name in names if is_named(name)}


def _network(name: str, dataset: Dataset, folder: Path | None) -> Callable[[], nn.Module]:
    shape, num_classes = dataset.input_shape, dataset.task.num_classes
    if not is_named(name):
        return build_network(name, input_shape=shape, num_classes=num_classes)
    factory = cast(Callable[..., Any], load_named(name, folder=folder))

    def build() -> nn.Module:
        network = factory(input_shape=shape, num_classes=num_classes)
        if not isinstance(network, nn.Module):
            raise ConfigurationError(
                f"model.network = {name!r} must return a torch.nn.Module; got {type(network).__name__}"
            )
        return network

    return build


def _acquisition(trial: Trial, folder: Path | None) -> tuple[Acquisition, frozenset[str]]:
    """The acquisition, and what it needs; one's own says so by an attribute `needs`."""
    if not is_named(trial.acquisition):
        chosen = acquisition_named(trial.acquisition, trial.options)
        return chosen, METHODS[trial.acquisition].needed(trial.options)
    if trial.options:
        raise ConfigurationError(
            f"acquisitions.{trial.acquisition!r} is your own and takes no options; got {sorted(trial.options)}. "
            "Set them in your module."
        )
    acquisition = load_named(trial.acquisition, folder=folder)
    if not callable(acquisition):
        raise ConfigurationError(
            f"acquisitions.{trial.acquisition!r} must be callable as acquisition(context, batch_size, seed=...); "
            f"got {type(acquisition).__name__}"
        )
    said = getattr(acquisition, "needs", ())
    needs = frozenset([said] if isinstance(said, str) else said)
    try:
        check_needs(needs)
    except InputError as error:
        raise ConfigurationError(f"acquisitions.{trial.acquisition!r}: {error}") from None
    return cast(Acquisition, acquisition), needs


def _check_features(trial: Trial, needs: frozenset[str], network: Callable[[], nn.Module] | None) -> None:
    """Before anything runs: a posterior or a network without features is refused where they are needed.

    What a posterior of one's own has shows when it is asked.
    """
    model = trial.panel.model
    if text := without_features(model.posterior, trial.acquisition, needs):
        raise ConfigurationError(f"model.posterior = {text}")
    if not needs & FEATURES or is_named(model.posterior) or network is None:
        return
    with seeded_globals(0, "cpu"):  # a network is initialised from the global generators
        dense = has_dense_layer(network())
    if not dense:
        raise ConfigurationError(
            f"{trial.acquisition} needs features, which are what the last nn.Linear reads; "
            f"model.network = {model.network!r} has no nn.Linear"
        )


def _observers(trial: Trial, dataset: Dataset, device: str) -> dict[str, Observer]:
    observe, num_classes = trial.panel.observe, dataset.task.num_classes
    observers: dict[str, Observer] = {
        "test": observe_test_set(dataset.test_inputs, dataset.test_classes, num_classes=num_classes)
    }
    if observe.grid:
        observers["grid"] = observe_grid(
            _plane(dataset),
            dataset.classes,
            num_classes=num_classes,
            initial_labels=trial.panel.schedule.initial_labels,
            batch_size=trial.panel.schedule.batch_size,
        )
    information = observe.information
    if information is not None and information.acquisition == trial.acquisition:
        observers["information"] = observe_information(information.picks, information.labels)
    if trial.panel.pool != HardPool():
        observers["asked"] = observe_asked(dataset, trial.panel.pool.rare)
    if observe.transfer is not None:
        observers["transfer"] = _transfer(observe.transfer, dataset, device)
    return observers


def _transfer(transfer: Transfer, dataset: Dataset, device: str) -> Observer:
    """Models that train no network read nothing of a recipe, so that they have no settings of a panel."""
    learners = {
        name: build_learner(name, None, Recipe(), device=device, members=transfer.num_draws) for name in transfer.models
    }
    return observe_transfer(
        learners,
        dataset.test_inputs,
        dataset.test_classes,
        num_classes=dataset.task.num_classes,
        num_draws=transfer.num_draws,
        labels=transfer.labels,
    )


def _plane(dataset: Dataset) -> Tensor:
    """All inputs of a pool of points, [N, 2]."""
    inputs = dataset.pool.read(torch.arange(len(dataset.pool))) if dataset.input_shape == (2,) else None
    if not isinstance(inputs, Tensor):
        raise ConfigurationError(
            f"observe.grid needs two-dimensional data; {dataset.name} has inputs of shape {[*dataset.input_shape]}. "
            "Set it to false."
        )
    return inputs
