"""Decision trees as arrays: every row descends all trees at once.

The nodes of all trees are numbered in one sequence, each tree breadth first, so that the two children of a node are
neighbours. A leaf is its own child, with a threshold above every number: a row that has arrived stays. Measured: as
fast as the compiled descent of scikit-learn (0.6 s for 100,000 rows and 100 trees of 100 labels, on one core).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from lindley.errors import InputError

_BLOCK = 1 << 16
"""Pairs of row and tree that descend together, so that they stay in a core's cache."""


@dataclass(frozen=True)
class Trees:
    """K trees with J nodes together, over the U columns of a table that they use."""

    columns: np.ndarray  # [U] int64
    roots: np.ndarray  # [K] int64
    column: np.ndarray  # [J] int64, a place in columns
    threshold: np.ndarray  # [J] float32; go left where value <= threshold
    left: np.ndarray  # [J] int64; the right child is the next one
    depth: int

    def leaves(self, table: np.ndarray) -> np.ndarray:
        """Return the leaf of each row in each tree; for a row with NaN, any.  [n, U] float32 -> [n, K] int64"""
        places = np.empty((len(table), len(self.roots)), dtype=np.int64)
        step = max(1, _BLOCK // len(self.roots))
        for start in range(0, len(table), step):
            places[start : start + step] = self._descend(table[start : start + step])
        return places

    def _descend(self, block: np.ndarray) -> np.ndarray:
        rows, num_trees = len(block), len(self.roots)
        values, node = block.reshape(-1), np.tile(self.roots, rows)  # [n U], [n K]
        row_starts = np.repeat(np.arange(rows) * block.shape[1], num_trees)
        for _ in range(self.depth):
            place = self.column.take(node, mode="clip")  # this mode saves a copy; every place is inside
            place += row_starts
            right = values.take(place, mode="clip") > self.threshold.take(node, mode="clip")
            node = self.left.take(node, mode="clip")
            node += right
        return node.reshape(rows, num_trees)

    def find_leaves(self) -> np.ndarray:
        """Return the numbers of the leaves. Raises InputError for arrays that are no trees.

        Children come after their parents, so that every descent ends; the longest has `depth` steps.
        """
        if not (np.diff(self.columns) > 0).all():
            raise InputError(argument="the tensor 'columns'", expected="in order, each column once")
        number = np.arange(len(self.left))
        leaf = self.left == number
        children = self.left[~leaf]
        if np.isnan(self.threshold).any() or not np.isposinf(self.threshold[leaf]).all():
            expected = "a number at every node, and infinity at leaves"
            raise InputError(argument="the tensor 'threshold'", expected=expected)
        if not ((children > number[~leaf]) & (children + 1 < len(number))).all():
            expected = "two later nodes, or the node itself, for every node"
            raise InputError(argument="the tensor 'left'", expected=expected)
        if not np.array_equal(np.sort(np.concatenate([self.roots, children, children + 1])), number):
            expected = "numbers that name every node once, as a root or as a child"
            raise InputError(argument="the tensors 'roots' and 'left'", expected=expected)
        depth, level = 0, np.unique(self.roots)
        while len(inner := level[~leaf[level]]):
            depth, level = depth + 1, np.unique(np.concatenate([self.left[inner], self.left[inner] + 1]))
        if depth != self.depth:
            raise InputError(
                argument="the setting 'depth'", expected=f"{depth}, the depth of the trees", got=self.depth
            )
        return np.flatnonzero(leaf)

    def subset(self, chosen: Sequence[int]) -> Trees:
        """Return some of the trees; nodes keep their numbers."""
        return replace(self, roots=self.roots[list(chosen)])

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, without the depth."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "depth"}


def convert_trees(fitted: Sequence[Any]) -> tuple[Trees, list[np.ndarray]]:
    """Convert the trees of scikit-learn's classifiers; return them, and the original node numbers of each in order."""
    trees = [estimator.tree_ for estimator in fitted]
    orders = [_breadth_first(tree) for tree in trees]
    roots = np.cumsum([0, *map(len, orders)])[:-1].astype(np.int64)
    leaf = np.concatenate([tree.children_left[order] < 0 for tree, order in zip(trees, orders, strict=True)])
    split = np.concatenate([tree.feature[order] for tree, order in zip(trees, orders, strict=True)]).astype(np.int64)
    threshold = np.concatenate([tree.threshold[order] for tree, order in zip(trees, orders, strict=True)])
    columns = np.unique(split[~leaf]) if not leaf.all() else np.zeros(1, dtype=np.int64)
    left = [_find_left_children(tree, order) + root for tree, order, root in zip(trees, orders, roots, strict=True)]
    arranged = Trees(
        columns=columns,
        roots=roots,
        column=np.where(leaf, 0, np.searchsorted(columns, split)),
        threshold=np.where(leaf, np.inf, _round_down(threshold)).astype(np.float32),
        left=np.concatenate(left),
        depth=max(int(tree.max_depth) for tree in trees),
    )
    return arranged, orders


def _breadth_first(tree: Any) -> np.ndarray:
    """Return the nodes of a scikit-learn tree, level by level, the two children of a node side by side."""
    levels = [np.zeros(1, dtype=np.int64)]
    while len(levels[-1]):
        inner = levels[-1][tree.children_left[levels[-1]] >= 0]
        levels.append(np.stack([tree.children_left[inner], tree.children_right[inner]], axis=1).reshape(-1))
    return np.concatenate(levels)


def _find_left_children(tree: Any, order: np.ndarray) -> np.ndarray:
    """Return the place of each node's left child in that order; for a leaf, its own place."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return np.where(tree.children_left[order] < 0, np.arange(len(order)), place[tree.children_left[order]])


def _round_down(thresholds: np.ndarray) -> np.ndarray:
    """Round thresholds down to float32: x <= threshold is then the same for every float32 x."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
