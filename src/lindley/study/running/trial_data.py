"""The data of a trial: a data set of the catalogue or a user's own, corrupted as its [pool] says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lindley.datasets.catalogue import load as load_named
from lindley.datasets.dataset import Dataset, content_hashes
from lindley.datasets.pool_corruption import OutOfDistribution, PoolCorruption, corrupt_pool
from lindley.errors import ConfigurationError
from lindley.seeds import derive_seed
from lindley.session.import_paths import UserObject
from lindley.study.config.schema import CorruptedPool
from lindley.study.trials import Trial


class TrialData:
    """Load the data of trials. The last data set is kept, since the next trial mostly uses the same."""

    def __init__(self, data_dir: Path | None) -> None:
        self._data_dir = data_dir
        self._dataset: tuple[str, Dataset] | None = None

    def load(self, trial: Trial, own: Mapping[str, UserObject]) -> Dataset:
        """Return the data of a trial, where `own` holds the user's objects that it names, by name.

        Raise ConfigurationError and DataError as the parts do.
        """
        experiment, seed = trial.experiment, trial.seed
        wanted = json.dumps([experiment.data.model_dump(mode="json"), experiment.pool.model_dump(mode="json"), seed])
        if self._dataset is None or self._dataset[0] != wanted:
            self._dataset = None  # the old one goes before the new one comes
            loaded = self._load_dataset(experiment.data.name, own, experiment.data.options, derive_seed(seed, "data"))
            if experiment.pool != CorruptedPool():
                corruption = self._build_corruption(trial, own)
                loaded = corrupt_pool(loaded, corruption, seed=derive_seed(seed, "hard pool"))
            self._dataset = (wanted, loaded)
        return self._dataset[1]

    def _load_dataset(self, name: str, own: Mapping[str, UserObject], options: Mapping[str, Any], seed: int) -> Dataset:
        if name not in own:
            return load_named(name, data_dir=self._data_dir, seed=seed, options=options)
        loaded = own[name].value(seed=seed, **options)
        if not isinstance(loaded, Dataset):
            expected = f"a {name!r} that returns a lindley Dataset"
            raise ConfigurationError(argument="data.name", expected=expected, got=type(loaded).__name__)
        return loaded if loaded.hashes else replace(loaded, hashes=content_hashes(loaded))

    def _build_corruption(self, trial: Trial, own: Mapping[str, UserObject]) -> PoolCorruption:
        """Return the corruption that [pool] describes, with the data set of the out-of-distribution rows."""
        pool, added = trial.experiment.pool, None
        if pool.out_of_distribution is not None:
            other = self._load_dataset(pool.out_of_distribution.data, own, {}, derive_seed(trial.seed, "outside data"))
            added = OutOfDistribution(other, pool.out_of_distribution.share)
        return PoolCorruption(
            subset=pool.subset,
            class_imbalance=pool.class_imbalance,
            out_of_distribution=added,
            duplicates=pool.duplicates,
            duplicate_noise=pool.duplicate_noise,
            label_noise=pool.label_noise,
        )
