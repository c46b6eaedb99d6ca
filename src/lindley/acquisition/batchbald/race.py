"""One pick by racing: whoever may win is compared on a few common label paths, the best of them on more.

Because all candidates see the same paths, their *differences* are known far better than their gains: a candidate is
dropped once the leader is ahead by more than what the paths still leave open.
Source: Maron, Moore 1993, "Hoeffding races"; lazy evaluation as in lindley.acquisition.greedy_search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from lindley.acquisition.greedy_search import Pick
from lindley.shapes import Positions

STAGES = (16, 64, 256, 1024, 4096, 16384)
"""Paths that contenders have been compared on at the end of each stage."""
DOUBT = 3.0
"""Standard errors of a difference by which a contender must be behind to be dropped."""
_BUDGET = 1 << 18  # candidates x paths of a stage: of many equals only so many go on
_START = 256


def race(
    bounds: Tensor,
    gains_on: Callable[[Positions, int, int], Tensor],
    tie_break: Tensor,
    *,
    num_configurations: int,
    tied: float,
    tolerance: float = 0.0,
) -> Pick:
    """The candidate with the largest mean gain over the paths; `bounds` are updated in place.  [N], [N]

    gains_on(ranks, start, stop) gives the gains on those paths, [n, stop - start]. A bound is what a candidate can gain
    at most: at first what is given, then its mean on the first stage's paths with their noise allowed for. A candidate
    is left out while that is below what the leader gains at least. -inf says: taken already.
    """
    stops = [*(stage for stage in STAGES if stage < num_configurations), num_configurations]
    ranks, seen = _first_stage(bounds, gains_on, num_configurations=stops[0])
    evaluated, columns = len(ranks), seen.numel()
    for start, stop in pairwise(stops):
        kept = _contenders(seen, tie_break[ranks], at_most=max(1, _BUDGET // stop), tolerance=tolerance)
        ranks, seen = ranks[kept], seen[kept]
        if len(ranks) == 1:
            break
        seen = torch.cat([seen, gains_on(ranks, start, stop)], 1)
        columns += len(ranks) * (stop - start)
    means = seen.double().mean(1)
    finalists = (means >= means.max() - tied).nonzero()[:, 0]
    winner = finalists[tie_break[ranks[finalists]].argmax()]
    error = float(seen[winner].double().std()) / math.sqrt(seen.shape[1])
    return Pick(int(ranks[winner]), float(means[winner].clamp_min(0)), evaluated, error, columns)


def _first_stage(
    bounds: Tensor, gains_on: Callable[[Positions, int, int], Tensor], *, num_configurations: int
) -> tuple[Positions, Tensor]:
    """Everyone whose bound does not rule them out, on the first paths.  -> [n], [n, num_configurations]"""
    fresh = bounds == -math.inf
    ranks = todo = bounds.topk(min(_START, int((~fresh).sum()))).indices
    seen = gains_on(todo, 0, num_configurations)
    while len(todo):
        if todo is not ranks:
            ranks, seen = torch.cat([ranks, todo]), torch.cat([seen, gains_on(todo, 0, num_configurations)])
        fresh[todo] = True
        means = seen.mean(1)
        noise = _doubt(seen)  # [n]
        bounds[ranks] = torch.minimum(bounds[ranks], (means + noise).double())
        best, allowed = float(means.max()), float(noise[means.argmax()])
        todo = (~fresh & (bounds >= best - min(allowed, best / 2))).nonzero()[:, 0]
    return ranks, seen


def _contenders(seen: Tensor, ties: Tensor, *, at_most: int, tolerance: float) -> Tensor:
    """Places of those who may still be better than the leader by more than the tolerance, and of the leader."""
    means = seen.mean(1)
    behind, doubt = _behind(seen, means)
    hopeful = (behind + tolerance <= doubt) | (behind == 0)
    places = hopeful.nonzero()[:, 0]
    if len(places) <= at_most:
        return places
    by_tie = places[ties[places].argsort(descending=True)]
    return by_tie[means[by_tie].argsort(descending=True, stable=True)[:at_most]]


def _behind(seen: Tensor, means: Tensor) -> tuple[Tensor, Tensor]:
    """How far each is behind the leader, and how much of that the paths leave in doubt.  [n, m] -> [n], [n] nats"""
    lead = means.argmax()
    return means[lead] - means, _doubt(seen - seen[lead])


def _doubt(seen: Tensor) -> Tensor:
    """How far a mean may be off: DOUBT standard errors, more on few paths as Student's law has it.  [n, m] -> [n] nats

    1 + 3 / m is within 1 % of the ratio of the quantiles from m = 16 on.
    """
    num_configurations = seen.shape[1]
    return seen.std(1) * (DOUBT * (1 + 3 / num_configurations) / math.sqrt(num_configurations))
