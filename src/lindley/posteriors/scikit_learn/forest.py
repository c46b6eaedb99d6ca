"""Forests: each draw is one tree of a random forest or of extremely randomised trees, its leaves smoothed.

Sources: Breiman 2001, "Random forests"; Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees"; smoothed leaves,
Provost and Domingos 2003, "Tree induction for probability-based ranking".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lindley.contracts import Categorical, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.members import choose_members
from lindley.posteriors.option_checks import check_choice
from lindley.posteriors.scikit_learn.smoothing import check_pseudo_count, class_shares, smooth
from lindley.posteriors.scikit_learn.tables import Examples, as_table, find_rows, read_table
from lindley.posteriors.scikit_learn.trees import Trees, convert_trees
from lindley.posteriors.state_checks import TensorSpec, check_settings, check_tensors, index_spec, is_count, is_whole
from lindley.posteriors.supported_data import check_supported
from lindley.seeds import derive_seed
from lindley.shapes import ClassIndices

KINDS = ("random-forest", "extra-trees")
_PARTS = {
    "leaves": TensorSpec("J C", torch.float32, finite=False),
    "columns": index_spec("U", below="D"),
    "roots": index_spec("K", below="J"),
    "left": index_spec("J", below="J"),
    "column": index_spec("J", below="U"),
    "threshold": TensorSpec("J", torch.float32, finite=False),
}
_DENSE_BYTES = 1 << 26
"""Memory of the rows of a sparse matrix that are made dense at a time."""


@dataclass(frozen=True)
class Forest:
    """A learner: trees on tables of numbers, dense or sparse (images are read as long vectors).

    The class probabilities of a leaf with n labels are (counts + a · shares) / (n + a), with the pseudo-count a and the
    shares of the classes among all labels. Without it trees would be certain: they grow until leaves hold one class.
    """

    trees: int = 100
    kind: str = "random-forest"
    """"random-forest" (bootstraps of the labels, best splits) or "extra-trees" (all labels, random splits)."""
    pseudo_count: float = 0.1
    """Pseudo-count a in labels; 0 leaves pure leaves certain, log 0 = -inf."""
    max_features: float | str = "sqrt"
    """Number of columns that a split chooses from: "sqrt", "log2" or a share of them."""
    min_samples_leaf: int = 1
    class_weights: Sequence[float] | None = None
    """Weights of the classes, in splits and in leaves; 1 on average over the labels."""
    device: str = "cpu"
    """Device of the log-probabilities; trees grow and are evaluated on the CPU."""

    def __post_init__(self) -> None:
        check_pseudo_count(self.pseudo_count)
        check_choice("kind", self.kind, KINDS)
        for name, value in (("trees", self.trees), ("min_samples_leaf", self.min_samples_leaf)):
            if value < 1:
                raise InputError(argument=name, expected="at least 1", got=value)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> ForestPosterior:
        """See Learner.fit. Every tree grows from scratch; `previous` is ignored. Inputs are read as float32."""
        check_supported(self, data, sample_weight=True)
        classes = data.labels.values.cpu()
        sample_weight = label_weights(data, self.class_weights)
        weighted = self.class_weights is not None or data.labels.sample_weight is not None
        table = read_table(data.pool, data.labels)
        forest = self._grow(table, classes, sample_weight if weighted else None, seed)
        shares = class_shares(classes, sample_weight, data.num_classes)
        trees, orders = convert_trees(forest.estimators_)
        leaves = [
            _log_probs_of_nodes(each.tree_, order, forest.classes_, self.pseudo_count, shares)
            for each, order in zip(forest.estimators_, orders, strict=True)
        ]
        return ForestPosterior(trees, torch.cat(leaves), num_columns=table.shape[1], device=self.device)

    def _grow(self, table: Any, classes: ClassIndices, sample_weight: Tensor | None, seed: int) -> Any:
        from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

        forest = (RandomForestClassifier if self.kind == "random-forest" else ExtraTreesClassifier)(
            self.trees,
            max_features=self.max_features,
            min_samples_leaf=self.min_samples_leaf,
            random_state=derive_seed(seed, "forest") % 2**32,
        )
        return forest.fit(table, classes.numpy(), None if sample_weight is None else sample_weight.numpy())


class ForestPosterior:
    """Trees of equal weight."""

    def __init__(self, trees: Trees, leaves: Tensor, *, num_columns: int, device: str = "cpu") -> None:
        """Take trees over num_columns columns, and the log-probabilities of every node [J, C] float32."""
        self._trees, self._leaves, self._num_columns, self._device = trees, leaves, num_columns, device

    def draw(self, num_draws: int, *, seed: int) -> ForestDraws:
        """Return trees without replacement; all of them, in order, where num_draws is their number."""
        chosen = choose_members(len(self._trees.roots), num_draws, seed=seed, collection="a forest")
        trees = self._trees.subset(chosen)
        return ForestDraws(trees, self._leaves, num_columns=self._num_columns, device=self._device)

    def point(self) -> None:
        """Return None: a forest's prediction is its average."""

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the trees as arrays, and the settings as JSON values. Loading requires no scikit-learn."""
        arrays = {name: torch.from_numpy(array) for name, array in self._trees.arrays().items()}
        return {**arrays, "leaves": self._leaves}, {"depth": self._trees.depth, "num_columns": self._num_columns}

    @classmethod
    def from_state_dict(
        cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], *, device: str = "cpu"
    ) -> ForestPosterior:
        """Return the posterior that was saved.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            device: Device of the log-probabilities.
        """
        check_settings(settings, {"depth": is_whole, "num_columns": is_count})
        check_tensors(tensors, _PARTS, D=settings["num_columns"])
        arrays = {name: value.numpy() for name, value in tensors.items() if name != "leaves"}
        trees = Trees(**arrays, depth=settings["depth"])
        _check_leaves(tensors["leaves"][torch.from_numpy(trees.find_leaves())])
        return cls(trees, tensors["leaves"], num_columns=settings["num_columns"], device=device)


class ForestDraws:
    """Draw k is one tree."""

    def __init__(self, trees: Trees, leaves: Tensor, *, num_columns: int, device: str) -> None:
        self.num_draws = len(trees.roots)
        self._trees, self._leaves, self._num_columns, self._device = trees, leaves, num_columns, device
        digest = hashlib.blake2b(leaves.numpy().tobytes(), digest_size=8)
        for array in trees.arrays().values():
            digest.update(array.tobytes())
        self.id = f"forest-{digest.hexdigest()}-{self.num_draws}"

    def predict(self, inputs: Examples) -> Categorical:
        """Predict n inputs, in float32. A row with NaN has NaN."""
        table = as_table(inputs)
        if table.shape[1] != self._num_columns:
            raise InputError(
                "Give inputs like those that the forest was fitted to.",
                argument="inputs",
                expected=f"rows of {self._num_columns} columns",
                got=[*table.shape],
            )
        places = torch.from_numpy(self._places(table))
        log_probs = self._leaves.index_select(0, places.view(-1)).view(
            *places.shape, self._leaves.shape[1]
        )  # [n, K, C]
        log_probs[torch.from_numpy(find_rows(np.isnan, table))] = torch.nan
        return Categorical(log_probs.to(self._device))

    def _places(self, table: Any) -> np.ndarray:
        """Return the leaf of each row in each tree.  [n, D] -> [n, K]"""
        columns = self._trees.columns
        if isinstance(table, np.ndarray):
            return self._trees.leaves(table[:, columns])
        step = max(1, _DENSE_BYTES // (4 * len(columns)))
        wanted = table[:, columns]
        dense = (wanted[start : start + step].toarray() for start in range(0, max(1, table.shape[0]), step))
        return np.concatenate([self._trees.leaves(block) for block in dense])


def _check_leaves(log_probs: Tensor) -> None:
    sums = log_probs.double().logsumexp(1)
    if not bool((sums.abs() < 1e-4).all()):
        expected = "log-probabilities whose probabilities sum to one over the classes"
        raise InputError(argument="the tensor 'leaves'", expected=expected)


def _log_probs_of_nodes(
    tree: Any, order: np.ndarray, classes: np.ndarray, pseudo_count: float, shares: Tensor
) -> Tensor:
    """Return the smoothed log-probabilities of all nodes of a scikit-learn tree, reordered.  -> [J, C] nats, float32"""
    probs = torch.zeros(len(order), len(shares), dtype=torch.float64)
    probs[:, classes] = torch.from_numpy(tree.value[order, 0])  # shares of each class in the node
    counts = torch.from_numpy(tree.weighted_n_node_samples[order])[:, None]
    return smooth(probs, counts, pseudo_count, shares).log().float()
