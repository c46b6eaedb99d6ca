"""The model of a project, which predicts new data as it predicts the project's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lindley.contracts import Posterior, as_categorical
from lindley.errors import InputError
from lindley.features import FeatureCache
from lindley.features.method import Contents
from lindley.labelling.item_features import feature_cache, item_contents
from lindley.labelling.project import Project
from lindley.posteriors import load_posterior


@dataclass(frozen=True)
class ProjectModel:
    """A fitted model together with its feature method."""

    version: str
    class_names: tuple[str, ...]
    posterior: Posterior
    features: FeatureCache

    def predict(self, contents: Contents) -> np.ndarray:
        """Return the probabilities of the classes.  n contents -> [n, C] float32

        Args:
            contents: Texts, rows as JSON or mappings, paths of images, or vectors: of the kind of the project.
        """
        inputs = torch.from_numpy(np.array(self.features.transform(contents)))
        draws = self.posterior.point()
        assert draws is not None
        probs: np.ndarray = as_categorical(draws.predict(inputs)).log_probs[:, 0].exp().numpy()
        return probs

    def predict_items(self, project: Project, items: Sequence[int]) -> np.ndarray:
        """Return the probabilities of the classes of a project's own items, by their ids.  n items -> [n, C] float32"""
        contents = item_contents(project, list(project.store.items(items)))
        return self.predict(contents[[*items]] if project.settings.kind == "vectors" else contents)


def load_model(project: Project) -> ProjectModel:
    """Return the newest model of a project; its classes have their names of now. Raises InputError before the first."""
    epoch = project.current_epoch()
    if epoch is None or not epoch.model_version:
        raise InputError(f"{project.folder} has no model yet: label some items first.", argument="project")
    folder = Path(project.folder) / "models" / epoch.model_version
    names = {each.id: each.name for each in project.store.classes()}
    classes = tuple(names[class_id] for class_id in epoch.class_ids)
    return ProjectModel(epoch.model_version, classes, load_posterior(folder), feature_cache(project))
