"""The features of a project's items: computed by the method of its settings, kept in its folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lindley.features import FeatureCache, FeatureMethod, build_features
from lindley.features.specs import DEFAULTS
from lindley.labelling.project import Project
from lindley.labelling.records import Item
from lindley.labelling.settings import ProjectSettings
from lindley.session.import_paths import import_object, is_import_path, source_sha256

FOLDER, VECTORS = "features", "vectors.npy"


@dataclass(frozen=True)
class ItemFeatures:
    """The features of all items, [N, D] float32, and the version of the method that made them."""

    vectors: np.ndarray
    version: str


def item_features(
    project: Project, *, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> ItemFeatures:
    """Return the features of all items; only those that are missing are computed.

    Args:
        project: The project.
        on_progress: Called with the number of items that have features, and of all.

    Raises:
        InputError: If an item cannot be used; `error.rows` lists them.
    """
    cache = feature_cache(project)
    items = list(project.store.items())
    vectors = cache.features(
        item_contents(project, items), hashes=[each.hash for each in items], on_progress=on_progress
    )
    return ItemFeatures(vectors, cache.method.version)


def feature_cache(project: Project) -> FeatureCache:
    """Return the store of the project's features, which makes those of new data too."""
    return FeatureCache(project.folder / FOLDER, feature_method(project.settings, project.folder))


@lru_cache(maxsize=2)
def feature_method(settings: ProjectSettings, folder: Path | None = None) -> FeatureMethod:
    """Return the method that settings name; one's own is looked for in the folder, then in the environment.

    It is kept, since an encoder takes seconds to load.
    """
    kind = settings.kind
    name = settings.features or DEFAULTS[kind]
    if name.startswith("encoder:") or not is_import_path(name):
        return build_features(name, kind)
    own = import_object(name, folder=folder)
    return build_features(name, kind, own=own, code_sha256=source_sha256(name))


def item_contents(project: Project, items: Sequence[Item]) -> Any:
    """Return what features are computed of: texts, rows as JSON or paths of items; of vectors those of all items."""
    kind = project.settings.kind
    if kind == "vectors":
        return np.load(project.folder / VECTORS, mmap_mode="r")
    return [project.image_path(each) if kind == "images" else each.content for each in items]
