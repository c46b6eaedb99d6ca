"""Lazy greedy choice: the best candidate, found without looking at those whose earlier gain already rules them out.

A gain falls as the batch grows (the information of labels is submodular), so what a row gained before bounds what it
gains now. Source: Minoux 1978, "Accelerated greedy algorithms for maximizing submodular set functions".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lindley.shapes import Positions, Scores


@dataclass(frozen=True)
class Pick:
    """The rank that was chosen, its gain in nats, and how many candidates were looked at for it."""

    rank: int
    gain: float
    evaluated: int
    standard_error: float = 0.0
    """Of the gain, in nats; 0 where it is exact."""
    columns: int = 0
    """Candidates x label paths that were computed."""


def best_pick(
    bounds: Tensor, gains_of: Callable[[Positions], Scores], tie_break: Tensor, *, slack: float, tied: float, block: int
) -> Pick:
    """The candidate with the largest gain; `bounds` are updated in place with every gain computed.  [N], [N]

    A candidate is left out only when its bound is more than the slack below the best gain found. Gains within `tied`
    of the best are equal as far as rounding can tell: the largest tie_break among them wins, and where no bound is
    above `tied` it wins without a look at anyone. A bound of -inf says: taken already.
    """
    fresh = torch.zeros(len(bounds), dtype=torch.bool)
    best = -math.inf
    while bounds.max() > tied or best > -math.inf:
        top = bounds.masked_fill(fresh, -math.inf).topk(min(block, len(bounds)))
        ranks = top.indices[(top.values > -math.inf) & (top.values >= best - tied - _allowance(slack, best))]
        if len(ranks) == 0:
            break
        bounds[ranks] = gains_of(ranks)
        fresh[ranks] = True
        best = max(best, float(bounds[ranks].max()))
    finalists = ((bounds > -math.inf) & (fresh | (not fresh.any())) & (bounds >= best - tied)).nonzero()[:, 0]
    rank = int(finalists[tie_break[finalists].argmax()])
    return Pick(rank, float(bounds[rank]), int(fresh.sum()))


def _allowance(slack: float, best: float) -> float:
    """A finite slack is at most half of the best gain: else a batch that is full would look at everyone for noise."""
    return min(slack, best / 2) if math.isfinite(slack) and math.isfinite(best) else slack
