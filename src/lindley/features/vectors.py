"""Vectors that the user has already, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lindley.features.method import Contents, Kind, LearntState, Transform, method_version


@dataclass(frozen=True)
class Vectors:
    """Takes numbers [n, D] as they are, in float32; what is not finite is refused with its rows."""

    kind: ClassVar[Kind] = "vectors"
    fit_rows: ClassVar[int] = 0
    block_rows: ClassVar[int] = 5_000

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version("vectors", {}, revision=1)

    def fit(self, contents: Contents) -> LearntState:
        """Learn nothing."""
        return LearntState()

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        return np.asarray
