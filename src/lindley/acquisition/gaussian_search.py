"""A greedy search that does not saturate: joint information as if the draws were samples of a Gaussian.

With K draws a batch can say at most log K nats, and once that is used up every further gain is noise. A Gaussian with
the draws' covariance has no such ceiling. Row x is C functions with covariance Σ_x = Φ_x Φ_xᵀ over the draws,
Φ_x[c, k] = (p_k(c) - p̄(c)) / sqrt(K), and its label is taken for an observation of them with noise of variance 1/s_x:

    I[y_1..B; θ] = 1/2 log det(I + Φ Φᵀ),    Φ the stacked sqrt(s_x) Φ_x.

A label is not Gaussian, so s_x is chosen for each row such that the row by itself carries exactly its BALD score. What
the Gaussian decides is only how much of that is left once other rows are known.
Source: the log-determinant as joint information, e.g. Kirsch 2023 (arXiv:2302.08981); the calibration is ours, and
docs/acquisition.md has the measurement that chose it.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.scan import take_log_probs
from lindley.acquisition.top_k import tie_break
from lindley.contracts import Candidates
from lindley.modes import no_autocast
from lindley.shapes import LogProbs, Positions, Scores

HOLD_BYTES = 1 << 28
"""Functions of candidates that are kept for the next pick take at most this much memory."""
_TIED = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Nats that rounding cannot tell apart."""
_BLOCK = 256
_LEAST_INFORMATION = 1e-12  # nats: below it a row is taken to say nothing
_CALIBRATED = 1e-12  # of the score
_MOST_STEPS = 60

Functions = Float[Tensor, "n R K"]
"""sqrt(s_x) Φ_x, in the precision of the predictions; with more classes than draws, K lines that span the same."""


class GaussianSearch:
    """One pick after another, each the row that adds most to the Gaussian joint information of those before it.

    The gains fall as the batch grows (log det is submodular), so what a row gained before bounds what it gains now,
    and BALD bounds everyone at the start: the lazy search is exact.
    """

    def __init__(self, candidates: Candidates, scores: Scores, *, seed: int) -> None:
        self._candidates = candidates
        self._order = scores.argsort(descending=True, stable=True)
        self._scores = scores[self._order]
        self._bounds = self._scores.double()
        self._ties = tie_break(candidates.rows, seed)[self._order]
        self._held: dict[int, Tensor] = {}
        self._held_bytes = 0
        self._covariance = torch.eye(candidates.num_draws, dtype=torch.float64)  # [K, K], over the draws

    def tell(self, positions: Positions) -> None:
        """Take these as picked already, in any order."""
        ranks = torch.isin(self._order, positions).nonzero()[:, 0]
        for rank, functions in zip(ranks.tolist(), self._functions(ranks) if len(ranks) else (), strict=True):
            self._take(rank, functions)

    def pick(self) -> tuple[int, Pick]:
        """The next position, and what it took to find it."""
        found = best_pick(
            self._bounds, self._gains, self._ties, slack=0.0, tied=_TIED[self._scores.dtype], block=_BLOCK
        )
        self._take(found.rank, self._functions(torch.tensor([found.rank]))[0])
        return int(self._order[found.rank]), found

    def _take(self, rank: int, functions: Float[Tensor, "R K"]) -> None:
        functions = functions.double()
        seen = self._covariance @ functions.T  # [K, R]
        factor = torch.linalg.solve_triangular(_cholesky(functions @ seen), seen.T, upper=False)  # [R, K]
        self._covariance -= factor.T @ factor
        self._bounds[rank] = -math.inf

    def _gains(self, ranks: Positions) -> Scores:
        functions = self._functions(ranks)
        with no_autocast():
            return information(functions @ self._covariance.to(functions) @ functions.mT)

    def _functions(self, ranks: Positions) -> Functions:
        """Computed when a rank is first asked for, and held: the same few hundred come up again and again."""
        new = torch.tensor([rank for rank in ranks.tolist() if rank not in self._held], dtype=torch.int64)
        found = {}
        if len(new):
            log_probs = take_log_probs(self._candidates, self._candidates.rows[self._order[new]]).cpu()
            found = dict(zip(new.tolist(), calibrated(log_probs, self._scores[new]), strict=True))
        functions = torch.stack([self._held[rank] if rank in self._held else found[rank] for rank in ranks.tolist()])
        if self._held_bytes < HOLD_BYTES:
            self._held |= found
            self._held_bytes += sum(each.nbytes for each in found.values())
        return functions


@no_autocast()
def calibrated(log_probs: LogProbs, scores: Scores) -> Functions:
    """The functions of rows, scaled so that each row by itself carries its BALD score.  [n, K, C], [n] -> [n, R, K]"""
    probs = log_probs.to(torch.promote_types(log_probs.dtype, torch.float32)).exp()
    functions = (probs - probs.mean(1, keepdim=True)).mT / math.sqrt(probs.shape[1])  # [n, C, K]
    if functions.shape[1] > functions.shape[2]:
        functions = torch.linalg.qr(functions, mode="r").R  # [n, K, K]: the same Φᵀ Φ
    variances = torch.linalg.eigvalsh((functions @ functions.mT).double()).clamp_min(0.0)  # [n, R]
    return functions * _scales(variances, scores.double()).sqrt().to(functions)[:, None, None]


def information(covariances: Float[Tensor, "n R R"]) -> Scores:
    """1/2 log det(I + Σ) of each.  [n, R, R] -> [n] nats, float64"""
    log_det: Tensor = _cholesky(covariances.double()).diagonal(dim1=1, dim2=2).log().sum(1)
    return log_det.clamp_min(0.0)


def _cholesky(covariances: Tensor) -> Tensor:
    factors: Tensor = torch.linalg.cholesky(covariances + torch.eye(covariances.shape[-1], dtype=covariances.dtype))
    return factors


def _scales(variances: Tensor, scores: Tensor) -> Tensor:
    """The s with 1/2 Σ_r log(1 + s λ_r) = score, by Newton's method on log s.  [n, R], [n] -> [n]

    In log s the left side is increasing and, where it matters, nearly linear; a step is limited to a factor of e.
    """
    told = (scores > _LEAST_INFORMATION) & (variances.amax(1) > 0)
    variances, scores = variances[told], scores[told]
    log_scale = torch.log(2 * scores / variances.sum(1))
    for _ in range(_MOST_STEPS):
        scaled = log_scale.exp()[:, None] * variances
        value, slope = torch.log1p(scaled).sum(1) / 2, (scaled / (1 + scaled)).sum(1) / 2
        if bool(((value - scores).abs() <= _CALIBRATED * scores).all()):
            break
        log_scale = log_scale - ((value - scores) / slope).clamp(-1.0, 1.0)
    return torch.zeros_like(told, dtype=torch.float64).masked_scatter(told, log_scale.exp())
