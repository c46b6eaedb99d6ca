"""An objective that does not saturate: joint information as if the draws were samples of a Gaussian.

With K draws a batch carries at most log K nats, and once that is reached every further gain is noise. A Gaussian with
the draws' covariance has no such ceiling. Row x is C functions with covariance Σ_x = Φ_x Φ_xᵀ over the draws,
Φ_x[c, k] = (p_k(c) - p̄(c)) / sqrt(K), and its label is taken for an observation of them with noise of variance 1/s_x:

    I[y_1..B; θ] = 1/2 log det(I + Φ Φᵀ),    Φ the stacked sqrt(s_x) Φ_x.

A label is not Gaussian, so s_x is chosen for each row such that the row by itself carries exactly its BALD score. The
Gaussian decides only how much of that is left once other rows are known.
Source: the log-determinant as joint information, e.g. Kirsch 2023 (arXiv:2302.08981); the calibration is ours, and
docs/acquisition.md has the measurement that chose it.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.acquisition.checks import chunk_log_probs
from lindley.acquisition.greedy_search import TIED, GreedySearch, Pick, best_pick
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.contracts import Candidates, Chunk
from lindley.shapes import LogProbs, Positions, Scores
from lindley.torch_state import no_autocast

_LEAST_INFORMATION = 1e-12  # nats: a row below it counts as uninformative
_CALIBRATED = 1e-12  # share of the score by which the calibration may be off
_MOST_STEPS = 60

Functions = Float[Tensor, "n R K"]
"""sqrt(s_x) Φ_x, in the precision of the predictions; with more classes than draws, K lines that span the same."""


class GaussianObjective:
    """The Gaussian joint information of a batch.

    The gains fall as the batch grows (log det is submodular), so an earlier gain of a row bounds its gain now, and
    BALD bounds every row at the start: the lazy search is exact.
    """

    def __init__(self, num_draws: int, scores: Scores) -> None:
        """Begin with an empty batch, under K draws; scores are the BALD scores of all candidates, [N]."""
        self._scores = scores
        self._covariance = torch.eye(num_draws, dtype=torch.float64)  # [K, K], over the draws

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the calibrated functions of some rows.  -> [n, R, K]"""
        return (calibrate(chunk_log_probs(chunk).cpu(), self._scores[positions]),)

    def find(self, ranked: RankedCandidates) -> Pick:
        """See Objective.find; exact."""
        gains = lambda ranks: self._gains(ranked(ranks)[0])  # noqa: E731
        return best_pick(ranked.bounds, gains, ranked.ties, slack=0.0, tied=TIED[self._scores.dtype])

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """See Objective.add."""
        functions = ranked(torch.tensor([pick.rank]))[0][0].double()  # [R, K]
        seen = self._covariance @ functions.T  # [K, R]
        factor = torch.linalg.solve_triangular(_cholesky(functions @ seen), seen.T, upper=False)  # [R, K]
        self._covariance -= factor.T @ factor

    def _gains(self, functions: Functions) -> Scores:
        with no_autocast():
            return information(functions @ self._covariance.to(functions) @ functions.mT)


def gaussian_search(candidates: Candidates, scores: Scores, *, seed: int) -> GreedySearch[GaussianObjective]:
    """Return a greedy search by Gaussian joint information.

    Args:
        candidates: The rows to choose from, with their predictions, [N, K, C].
        scores: Their BALD scores, [N] nats.
        seed: Seed of the order among equal gains.
    """
    # Calibration costs more than reading: rows are prepared one by one, and the same few hundred come up each pick.
    objective = GaussianObjective(candidates.num_draws, scores)
    return GreedySearch(candidates, scores, objective, seed=seed, read_rows=1)


@no_autocast()
def calibrate(log_probs: LogProbs, scores: Scores) -> Functions:
    """Return the functions of rows, each scaled to carry its BALD score alone.  [n, K, C], [n] -> [n, R, K]"""
    probs = log_probs.to(torch.promote_types(log_probs.dtype, torch.float32)).exp()
    functions = (probs - probs.mean(1, keepdim=True)).mT / math.sqrt(probs.shape[1])  # [n, C, K]
    if functions.shape[1] > functions.shape[2]:
        functions = torch.linalg.qr(functions, mode="r").R  # [n, K, K]: the same Φᵀ Φ
    variances = torch.linalg.eigvalsh((functions @ functions.mT).double()).clamp_min(0.0)  # [n, R]
    return functions * _scales(variances, scores.double()).sqrt().to(functions)[:, None, None]


def information(covariances: Float[Tensor, "n R R"]) -> Scores:
    """Return 1/2 log det(I + Σ) of each matrix.  [n, R, R] -> [n] nats, float64"""
    log_det: Tensor = _cholesky(covariances.double()).diagonal(dim1=1, dim2=2).log().sum(1)
    return log_det.clamp_min(0.0)


def _cholesky(covariances: Tensor) -> Tensor:
    factors: Tensor = torch.linalg.cholesky(covariances + torch.eye(covariances.shape[-1], dtype=covariances.dtype))
    return factors


def _scales(variances: Tensor, scores: Tensor) -> Tensor:
    """Return the s with 1/2 Σ_r log(1 + s λ_r) = score, by Newton's method on log s.  [n, R], [n] -> [n]

    In log s the left side is increasing and, where it matters, nearly linear; a step is limited to a factor of e.
    """
    informative = (scores > _LEAST_INFORMATION) & (variances.amax(1) > 0)
    variances, scores = variances[informative], scores[informative]
    log_scale = torch.log(2 * scores / variances.sum(1))
    for _ in range(_MOST_STEPS):
        scaled = log_scale.exp()[:, None] * variances
        value, slope = torch.log1p(scaled).sum(1) / 2, (scaled / (1 + scaled)).sum(1) / 2
        if bool(((value - scores).abs() <= _CALIBRATED * scores).all()):
            break
        log_scale = log_scale - ((value - scores) / slope).clamp(-1.0, 1.0)
    return torch.zeros_like(informative, dtype=torch.float64).masked_scatter(informative, log_scale.exp())
