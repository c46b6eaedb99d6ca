"""Items whose features are similar, by the cosine: the features that the newest model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lindley.errors import DataError, InputError
from lindley.labelling.item_features import FOLDER
from lindley.labelling.project import Project

_BLOCK = 10_000


class SimilarItems:
    """Ranks the items of a project by how similar they are to one of them, for threads.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._norms: tuple[Path, np.ndarray] | None = None

    def is_ready(self) -> bool:
        """Return whether there are features."""
        return self._path() is not None

    def rank(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the other items, the most similar first, and the cosine of each.

        Args:
            item: The item.

        Raises:
            InputError: If there are no features, or none of this item yet.
        """
        path = self._path()
        vectors = None if path is None else np.load(path, mmap_mode="r", allow_pickle=False)
        if path is None or vectors is None or not 0 <= item < len(vectors):
            raise InputError(f"There are no features of item {item} yet: they come with the next model.")
        norms = self._read_norms(path, vectors)
        products = np.asarray(vectors @ vectors[item], dtype=np.float64)  # [N]
        scale = norms * norms[item]
        cosines = np.divide(products, scale, out=np.zeros(len(products)), where=scale > 0)
        order = np.argsort(-cosines, kind="stable")
        order = order[order != item]
        return order, cosines[order]

    def _read_norms(self, path: Path, vectors: np.ndarray) -> np.ndarray:
        """Return the length of each vector, [N], computed once."""
        kept = self._norms
        if kept is None or kept[0] != path or len(kept[1]) != len(vectors):
            blocks = [vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK)]
            norms = np.concatenate([np.linalg.norm(each, axis=1) for each in blocks]).astype(np.float64)
            self._norms = kept = path, norms
        return kept[1]

    def _path(self) -> Path | None:
        try:
            epoch = self._project.current_epoch()
        except DataError:
            return None
        if epoch is None or not epoch.feature_version:
            return None
        path = self._project.folder / FOLDER / epoch.feature_version / "features.npy"
        return path if path.is_file() else None
