"""Features by a user's own function, which a configuration names as "package.module:name"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version


@dataclass(frozen=True)
class OwnFeatures:
    """Calls a user's own function: n items -> [n, D] numbers, in a NumPy array, a tensor or nested lists."""

    function: Callable[[Contents], object]
    name: str
    """Its import path, "package.module:name"."""
    kind: Kind
    """The kind of the items that it reads."""
    code_sha256: str | None = None
    """The sha256 of the file that it comes from: with another file, features are computed anew."""

    fit_rows: ClassVar[int] = 0
    block_rows: ClassVar[int] = 256

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        options = {"name": self.name, "kind": self.kind, "code": self.code_sha256}
        return method_version("own", options, revision=1)

    def fit(self, contents: Contents) -> LearntState:
        """Learn nothing."""
        return LearntState()

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        return self._transform

    def _transform(self, contents: Contents) -> np.ndarray:
        from lindley.arrays import as_tensor

        try:
            values = self.function(contents)
        except Exception as error:
            raise InputError(
                f"{self.name} failed with {type(error).__name__}: {error}", argument="features", got=self.name
            ) from error
        features: np.ndarray = as_tensor(values, f"what {self.name} returns").float().numpy(force=True)
        return features
