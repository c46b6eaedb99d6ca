"""Label paths: what the rows picked so far might answer, and what each answer would say about the draws.

A path is one label for each of the B rows in a batch. All C**B of them are kept while they are few ("exact", each
with its probability), afterwards M sampled ones. A path is carried as log p_k(y_1..B) for every draw k, so any batch
size is safe from underflow, and one more row costs one more term instead of another enumeration.
Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158, section 3; the weights kept as logarithms are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from lindley.noise import torch_generator
from lindley.shapes import BatchLogProbs

PathDraws = Float64[Tensor, "M K"]
PathShares = Float64[Tensor, "M"]
PathOwners = Int64[Tensor, "M"]


@dataclass(frozen=True)
class LabelPaths:
    """M paths over the labels of B rows, seen by K draws."""

    log_likelihood: PathDraws
    """log p_k(y_1..B) of each path under each draw; -inf where a draw rules the path out."""
    log_share: PathShares
    """Log of the path's share in an expectation: log p(y_1..B) when exact, -log M when sampled."""
    owners: PathOwners | None
    """The draw that a sampled path comes from; None when exact."""
    members: tuple[Tensor, ...] = ()
    """[K, C] float64 log-probabilities of each of the B rows."""

    @property
    def exact(self) -> bool:
        return self.owners is None

    def log_posterior(self) -> PathDraws:
        """log p(k | y_1..B): each path's log-weights over the draws; they sum to one."""
        return self.log_likelihood.log_softmax(1)

    def information(self) -> PathShares:
        """What each path tells about the draws: log K - H[θ | y_1..B].  -> [M] nats, from 0 to log K"""
        posterior = self.log_posterior().exp()  # [M, K]
        uncertainty: Tensor = torch.special.entr(posterior).sum(1)  # [M]
        return (math.log(posterior.shape[1]) - uncertainty).clamp_min(0.0)

    def extended(
        self, row: Float[Tensor, "K C"], *, num_paths: int, seed: int, num_exact: int | None = None
    ) -> LabelPaths:
        """These paths with the label of one more row: exact while C**B <= num_exact, then num_paths sampled ones.

        num_exact is num_paths where it is not given.
        """
        row = row.detach().double()
        if not self.exact:
            return _extend_sampled(self, row, seed)
        members = (*self.members, row)
        if row.shape[1] ** len(members) <= (num_paths if num_exact is None else num_exact):
            return _extend_exact(self, row)
        return sample_paths(torch.stack(members), num_paths=num_paths, seed=seed)


def no_labels(num_draws: int) -> LabelPaths:
    """The one path of an empty batch: every draw is as likely as every other."""
    return LabelPaths(torch.zeros(1, num_draws, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), None)


def sample_paths(batch_log_probs: BatchLogProbs, *, num_paths: int, seed: int) -> LabelPaths:
    """Sampled paths over a batch.  [B, K, C] -> M = num_paths paths.

    Path m belongs to a draw and takes each label from that draw's prediction. The draws own equally many of the first
    m paths, for any m (where K does not divide m, the draws with one more are random), so that no draw is favoured.
    """
    num_draws = batch_log_probs.shape[1]
    turns = torch.rand(-(-num_paths // num_draws), num_draws, generator=torch_generator(seed, "path owners"))
    owners = turns.argsort(1).flatten()[:num_paths]
    share = torch.full((num_paths,), -math.log(num_paths), dtype=torch.float64)
    paths = LabelPaths(torch.zeros(num_paths, num_draws, dtype=torch.float64), share, owners)
    for row in batch_log_probs.detach().double():
        paths = _extend_sampled(paths, row, seed)
    return paths


def _extend_exact(paths: LabelPaths, row: Tensor) -> LabelPaths:
    num_draws = row.shape[0]
    joint = paths.log_likelihood[:, None, :] + row.T[None]  # [M, C, K]
    log_likelihood = joint.reshape(-1, num_draws)  # [M*C, K]
    log_share = log_likelihood.logsumexp(1) - math.log(num_draws)
    possible = log_share > -math.inf  # a path that no draw allows has no posterior and no share
    return LabelPaths(log_likelihood[possible], log_share[possible], None, (*paths.members, row))


def _extend_sampled(paths: LabelPaths, row: Tensor, seed: int) -> LabelPaths:
    assert paths.owners is not None
    noise = _stratified_uniforms(paths.owners, seed, len(paths.members))
    cumulative = row.exp().cumsum(1)  # [K, C]
    cumulative = (cumulative / cumulative[:, -1:])[paths.owners]  # [M, C]
    labels = (cumulative <= noise[:, None]).sum(1)  # the first class whose cumulative exceeds u: never of probability 0
    log_likelihood = paths.log_likelihood + row.T[labels]  # [M, K]
    return LabelPaths(log_likelihood, paths.log_share, paths.owners, (*paths.members, row))


def _stratified_uniforms(owners: Tensor, seed: int, member: int) -> Tensor:
    """Uniforms in [0, 1), one a path; the n paths of one draw fall one into each n-th of the interval.  [M] -> [M]

    Each path's label keeps its distribution, but a draw's labels come in nearly their true proportions.
    """
    generator = torch_generator(seed, "path labels", member)
    order = torch.rand(len(owners), dtype=torch.float64, generator=generator)
    inside = torch.rand(len(owners), dtype=torch.float64, generator=generator)
    shuffled = (owners + order).argsort()  # grouped by owner, shuffled inside the group
    counts = owners.bincount()
    starts = (counts.cumsum(0) - counts)[owners[shuffled]]
    rank = torch.empty_like(owners)
    rank[shuffled] = torch.arange(len(owners)) - starts
    return ((rank + inside) / counts[owners]).clamp_max(1 - 2.0**-53)
