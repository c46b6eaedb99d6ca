"""Rounds to observe, without a model: draws with a closed form, and the view that an observer gets."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lindley.contracts import Categorical, Classification, Labels
from lindley.pools.memory import MemoryPool
from lindley.session.pool_predictions import PoolPredictions
from lindley.session.rounds import RoundLabels, RoundView


@dataclass
class Slopes:
    """Draw k believes in class 1 with probability sigmoid(a_k x + b_k y)."""

    slopes: torch.Tensor  # [K, 2]
    id: str = "slopes"

    @property
    def num_draws(self):
        return len(self.slopes)

    def predict(self, inputs):
        logits = inputs @ self.slopes.T  # [n, K]
        return Categorical(torch.nn.functional.logsigmoid(torch.stack([-logits, logits], dim=2)))


@dataclass
class Table:
    """Draws whose inputs are row numbers and whose predictions are a table [N, K, C]."""

    table: torch.Tensor
    id: str = "table"

    @property
    def num_draws(self):
        return self.table.shape[1]

    def predict(self, inputs):
        return Categorical(self.table[inputs[:, 0].long()])


@dataclass
class Given:
    """A posterior that was given its draws and its point prediction."""

    draws: object
    at_point: object = None

    def draw(self, num_draws, *, seed):
        return self.draws

    def point(self):
        return self.at_point


def view_of(
    draws, labels: Labels, *, inputs, num_classes=2, index=0, selection=None, point=None, others=()
) -> RoundView:
    """What an observer of a round gets; every row that is not labelled, or of no class, is a candidate."""
    rows = torch.cat([labels.rows, torch.tensor(others, dtype=torch.int64)])
    known = RoundLabels(labels, None, rows, rows, len(rows))
    pool = MemoryPool(inputs)
    free = torch.ones(len(inputs), dtype=torch.bool)
    free[rows] = False
    candidates = PoolPredictions(pool, free.nonzero()[:, 0], draws, num_classes=num_classes)
    task = Classification(tuple("abcdefghij"[:num_classes]))
    return RoundView(index, 3, task, pool, known, Given(draws, point), draws, candidates, selection)
