"""Configurations of the labels of a batch: all labels that its rows may get, and the probability of each draw then.

A configuration is one label for each of the B rows in a batch. All C**B of them are kept while they are few ("exact",
each with its probability), afterwards M sampled ones. A configuration is carried as log p_k(y_1..B) for every draw k,
so any batch size is safe from underflow, and one more row costs one more term instead of another enumeration.
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

ConfigurationDraws = Float64[Tensor, "M K"]
ConfigurationValues = Float64[Tensor, "M"]
SourceDraws = Int64[Tensor, "M"]


@dataclass(frozen=True)
class Configurations:
    """M configurations of the labels of B rows, seen by K draws."""

    log_likelihood: ConfigurationDraws
    """log p_k(y_1..B) of each configuration under each draw; -inf where a draw rules the configuration out."""
    log_share: ConfigurationValues
    """Log of the configuration's share in an expectation: log p(y_1..B) when exact, -log M when sampled."""
    source_draws: SourceDraws | None
    """The draw that each sampled configuration comes from; None when exact."""
    members: tuple[Tensor, ...] = ()
    """[K, C] float64 log-probabilities of each of the B rows."""

    @property
    def exact(self) -> bool:
        """Whether all configurations are enumerated."""
        return self.source_draws is None

    def log_posterior(self) -> ConfigurationDraws:
        """log p(k | y_1..B): the log-weights of the draws after each configuration; they sum to one.  -> [M, K]"""
        return self.log_likelihood.log_softmax(1)

    def information(self) -> ConfigurationValues:
        """Information of each configuration about the draws, log K - H[θ | y_1..B].  -> [M] nats, from 0 to log K"""
        posterior = self.log_posterior().exp()  # [M, K]
        uncertainty: Tensor = torch.special.entr(posterior).sum(1)  # [M]
        return (math.log(posterior.shape[1]) - uncertainty).clamp_min(0.0)

    def extend(
        self, row: Float[Tensor, "K C"], *, num_configurations: int, seed: int, max_enumerated: int | None = None
    ) -> Configurations:
        """Return the configurations of a batch with one more row: exact while they are few, then sampled.

        Args:
            row: [K, C], the log-probabilities of the row that joins, in nats.
            num_configurations: Number of configurations to sample where they are too many to enumerate.
            seed: Seed of the sampled labels.
            max_enumerated: Number of configurations C**B up to which all are enumerated; None is num_configurations.
        """
        row = row.detach().double()
        if not self.exact:
            return _extend_sampled(self, row, seed)
        members = (*self.members, row)
        if row.shape[1] ** len(members) <= (num_configurations if max_enumerated is None else max_enumerated):
            return _extend_exact(self, row)
        return sample_configurations(torch.stack(members), num_configurations=num_configurations, seed=seed)


def empty_configurations(num_draws: int) -> Configurations:
    """Return the one configuration of an empty batch: every draw is as likely as every other."""
    return Configurations(torch.zeros(1, num_draws, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), None)


def sample_configurations(batch_log_probs: BatchLogProbs, *, num_configurations: int, seed: int) -> Configurations:
    """Sample configurations of the labels of a batch.

    Configuration m comes from a draw and takes each label from that draw's prediction. The draws are the source of
    equally many of the first m configurations, for any m, so that no draw is favoured. Where K does not divide m, the
    draws with one more are random.

    Args:
        batch_log_probs: [B, K, C], in nats.
        num_configurations: M, the number of configurations.
        seed: Seed of the source draws and of the labels.
    """
    num_draws = batch_log_probs.shape[1]
    generator = torch_generator(seed, "path owners")
    turns = torch.rand(-(-num_configurations // num_draws), num_draws, generator=generator)
    source_draws = turns.argsort(1).flatten()[:num_configurations]
    log_share = torch.full((num_configurations,), -math.log(num_configurations), dtype=torch.float64)
    log_likelihood = torch.zeros(num_configurations, num_draws, dtype=torch.float64)
    configurations = Configurations(log_likelihood, log_share, source_draws)
    for row in batch_log_probs.detach().double():
        configurations = _extend_sampled(configurations, row, seed)
    return configurations


def _extend_exact(configurations: Configurations, row: Tensor) -> Configurations:
    num_draws = row.shape[0]
    joint = configurations.log_likelihood[:, None, :] + row.T[None]  # [M, C, K]
    log_likelihood = joint.reshape(-1, num_draws)  # [M*C, K]
    log_share = log_likelihood.logsumexp(1) - math.log(num_draws)
    possible = log_share > -math.inf  # a configuration that no draw allows has no posterior and no share
    return Configurations(log_likelihood[possible], log_share[possible], None, (*configurations.members, row))


def _extend_sampled(configurations: Configurations, row: Tensor, seed: int) -> Configurations:
    source_draws, members = configurations.source_draws, configurations.members
    assert source_draws is not None
    noise = _draw_stratified_uniforms(source_draws, seed, len(members))
    cumulative = row.exp().cumsum(1)  # [K, C]
    cumulative = (cumulative / cumulative[:, -1:])[source_draws]  # [M, C]
    labels = (cumulative <= noise[:, None]).sum(1)  # the first class whose cumulative exceeds u: never of probability 0
    log_likelihood = configurations.log_likelihood + row.T[labels]  # [M, K]
    return Configurations(log_likelihood, configurations.log_share, source_draws, (*members, row))


def _draw_stratified_uniforms(source_draws: Tensor, seed: int, member: int) -> Tensor:
    """Draw a uniform in [0, 1) for each configuration, one in each n-th of the interval for the n of a source draw.

    Each configuration's label keeps its distribution, but a draw's labels come in nearly their true proportions.
    [M] -> [M]
    """
    generator = torch_generator(seed, "path labels", member)
    order = torch.rand(len(source_draws), dtype=torch.float64, generator=generator)
    inside = torch.rand(len(source_draws), dtype=torch.float64, generator=generator)
    shuffled = (source_draws + order).argsort()  # grouped by source draw, shuffled inside the group
    counts = source_draws.bincount()
    starts = (counts.cumsum(0) - counts)[source_draws[shuffled]]
    rank = torch.empty_like(source_draws)
    rank[shuffled] = torch.arange(len(source_draws)) - starts
    return ((rank + inside) / counts[source_draws]).clamp_max(1 - 2.0**-53)
