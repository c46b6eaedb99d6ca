"""One pick by racing: candidates are compared on a few common configurations, the best of them on more.

Because all candidates see the same configurations, their *differences* are known far better than their gains. A
candidate is dropped once the leader is ahead by more than the configurations leave open.
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
"""Number of configurations on which candidates have been compared at the end of each stage."""
NUM_ERRORS = 3.0
"""Standard errors of the difference by which a candidate must be behind the leader to be dropped."""
_BUDGET = 1 << 18  # candidates times configurations of a stage, at most
_START = 256

ColumnGains = Callable[[Positions, int, int], Tensor]
"""(ranks, start, stop) -> gains on the configurations start to stop.  [n, stop - start]"""


def race(
    bounds: Tensor,
    compute_gains: ColumnGains,
    tie_break: Tensor,
    *,
    num_configurations: int,
    tied: float,
    tolerance: float = 0.0,
) -> Pick:
    """Find the candidate with the largest mean gain over sampled configurations.

    A bound is the most that a candidate can gain: at first the caller's, then its mean on the first stage's
    configurations plus their noise. A candidate is left out while its bound is below the least that the leader gains.

    Args:
        bounds: The largest gain possible for each candidate, [N] nats, lowered in place; -inf where it is
            picked already.
        compute_gains: Function of ranks and a range of configurations that returns gains.
        tie_break: Numbers by which equal gains are ordered, [N]; the larger wins.
        num_configurations: Number of configurations.
        tied: Largest difference of gains that counts as rounding, in nats.
        tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.
    """
    stops = [*(stage for stage in STAGES if stage < num_configurations), num_configurations]
    ranks, seen = _run_first_stage(bounds, compute_gains, num_configurations=stops[0])
    evaluated, columns = len(ranks), seen.numel()
    for start, stop in pairwise(stops):
        active = _active_places(seen, tie_break[ranks], at_most=max(1, _BUDGET // stop), tolerance=tolerance)
        ranks, seen = ranks[active], seen[active]
        if len(ranks) == 1:
            break
        seen = torch.cat([seen, compute_gains(ranks, start, stop)], 1)
        columns += len(ranks) * (stop - start)
    means = seen.double().mean(1)
    finalists = (means >= means.max() - tied).nonzero()[:, 0]
    winner = finalists[tie_break[ranks[finalists]].argmax()]
    error = float(seen[winner].double().std()) / math.sqrt(seen.shape[1])
    return Pick(int(ranks[winner]), float(means[winner].clamp_min(0)), evaluated, error, columns)


def _run_first_stage(
    bounds: Tensor, compute_gains: ColumnGains, *, num_configurations: int
) -> tuple[Positions, Tensor]:
    """Return the candidates that bounds do not exclude, and their gains on the first configurations.  -> [n], [n, m]"""
    fresh = bounds == -math.inf
    ranks = todo = bounds.topk(min(_START, int((~fresh).sum()))).indices
    seen = compute_gains(todo, 0, num_configurations)
    while len(todo):
        if todo is not ranks:
            ranks, seen = torch.cat([ranks, todo]), torch.cat([seen, compute_gains(todo, 0, num_configurations)])
        fresh[todo] = True
        means = seen.mean(1)
        radius = _confidence_radius(seen)  # [n]
        bounds[ranks] = torch.minimum(bounds[ranks], (means + radius).double())
        best, allowed = float(means.max()), float(radius[means.argmax()])
        todo = (~fresh & (bounds >= best - min(allowed, best / 2))).nonzero()[:, 0]
    return ranks, seen


def _active_places(seen: Tensor, ties: Tensor, *, at_most: int, tolerance: float) -> Tensor:
    """Return the places of the leader and of the candidates that may beat it by more than the tolerance."""
    means = seen.mean(1)
    leader = means.argmax()
    gap, radius = means[leader] - means, _confidence_radius(seen - seen[leader])  # [n] nats
    places = ((gap + tolerance <= radius) | (gap == 0)).nonzero()[:, 0]
    if len(places) <= at_most:
        return places
    by_tie = places[ties[places].argsort(descending=True)]
    return by_tie[means[by_tie].argsort(descending=True, stable=True)[:at_most]]


def _confidence_radius(seen: Tensor) -> Tensor:
    """Return how far each mean may be off: NUM_ERRORS standard errors, more on few configurations.  [n, m] -> [n] nats

    By Student's law; 1 + 3 / m is within 1 % of the ratio of the quantiles from m = 16 on.
    """
    count = seen.shape[1]
    return seen.std(1) * (NUM_ERRORS * (1 + 3 / count) / math.sqrt(count))
