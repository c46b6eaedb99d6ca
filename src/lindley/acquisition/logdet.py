"""Log-determinant batches: the joint information of rows with Gaussian labels.

    I = 1/2 log det(I + Φ_S Λ⁻¹ Φ_Sᵀ / noise)

kernel="features": φ_x are the row's features, the model is linear in them with weights N(0, I), and the
labelled rows are known (Λ = I + Φ_Lᵀ Φ_L / noise). kernel="draws": Φ_x[c, k] = (p_k(c) - p̄(c)) / sqrt(K), C functions
a row whose covariance is that of the predictions over the draws. Unlike the information of labels this has no ceiling
of log K; but K draws span K - 1 dimensions at most, so a batch much larger than K only repeats itself.
Sources: MacKay 1992 (information of data on linear models); Kirsch 2023, "Black-box batch active learning for
regression", arXiv:2302.08981 (the draws' covariance as the kernel).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.acquisition.batchbald.gaussian_objective import GaussianObjective, gaussian_search
from lindley.acquisition.checks import check_request, chunk_features, chunk_log_probs
from lindley.acquisition.diverse.context_features import check_labelled_features
from lindley.acquisition.greedy_search import GreedySearch, Pick, best_pick, build_selection
from lindley.acquisition.ranked_candidates import RankedCandidates
from lindley.acquisition.scan import scan_features, scan_predictions
from lindley.acquisition.scores import bald
from lindley.acquisition.specs import LogDetOptions
from lindley.acquisition.top_k import pointwise
from lindley.contracts import Chunk, Context, Selection
from lindley.errors import InputError
from lindley.shapes import Features, LogProbs, Positions, Scores

MAX_DIMENSION = 4096
"""Largest D or K: a matrix of that size is factored once a pick, in about a second."""
_MOST_VARIANCE = 1e12  # in units of the noise; float64 cannot tell the prior from zero beyond it
_TIED = 1e-12  # largest difference in nats that counts as rounding in float64

Functions = Float[Tensor, "n R D"]
"""R Gaussian functions a row, in D dimensions with unit prior covariance and unit noise."""


def logdet(
    context: Context, batch_size: int, *, seed: int, kernel: str = "draws", noise: float | None = None
) -> Selection:
    """Select greedily the rows with the largest Gaussian joint information. Lazy evaluation is exact.

    Args:
        context: The candidates with their predictions, [N, K, C], or with their features, [N, D].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the order among equal gains.
        kernel: "draws": the functions of the draws. "features": the features of the context, given those of the
            labelled rows.
        noise: For "draws" the variance of an observation, in squared probability; without one, each row gets the noise
            at which it alone carries exactly its BALD score. For "features" the variance of a label, 1 if not given,
            where weights have variance 1: scaling features by a is scaling noise by 1/a².

    Returns:
        The rows in the order picked; scores are gains in nats, and fall. Diagnostics: `gaussian_information`, their
        sum; `candidates_evaluated`.

    Raises:
        InputError: For more than 4096 dimensions, or an option or request that cannot be used.
    """
    LogDetOptions(kernel, noise)
    check_request(context, batch_size)
    search: GreedySearch[LogDetObjective] | GreedySearch[GaussianObjective]
    if kernel == "features":
        search, dtype = _build_feature_search(context, 1.0 if noise is None else noise, seed)
    elif noise is not None:
        search, dtype = _build_draw_search(context, noise, seed)
    else:
        scores = pointwise(bald)(context)
        search, dtype = gaussian_search(context.candidates, scores, seed=seed), scores.dtype
    picks = search.picks(batch_size)
    diagnostics = {
        "gaussian_information": float(sum(pick.gain for pick in picks)),
        "candidates_evaluated": sum(pick.evaluated for pick in picks),
    }
    return build_selection(context.candidates, picks, dtype, diagnostics)


class LogDetObjective:
    """The information 1/2 log det(I + Φ_S Λ⁻¹ Φ_Sᵀ) of a batch S.

    The state is the precision I + Σ ΦᵀΦ and its Cholesky factor, and a gain comes from a triangular solve: a sum of
    squares, so that it is never below zero nor NaN, however small the noise.
    """

    def __init__(self, functions: Callable[[Chunk], Functions], known: Tensor) -> None:
        """Take a function of a chunk that returns its Gaussian functions, [n, R, D], and the known ones, [L, D]."""
        self._functions = functions
        self._precision = torch.eye(known.shape[1], dtype=torch.float64) + known.T @ known
        self._factor = torch.linalg.cholesky(self._precision)

    def prepare(self, chunk: Chunk, positions: Positions) -> tuple[Tensor, ...]:
        """Return the functions of some rows.  -> [n, R, D]"""
        return (self._functions(chunk),)

    def find(self, ranked: RankedCandidates) -> Pick:
        """See Objective.find; exact."""
        gains = lambda ranks: self.gains(ranked(ranks)[0])  # noqa: E731
        return best_pick(ranked.bounds, gains, ranked.ties, slack=0.0, tied=_TIED)

    def add(self, ranked: RankedCandidates, pick: Pick) -> None:
        """See Objective.add."""
        known = ranked(torch.tensor([pick.rank]))[0][0]
        self._precision += known.T @ known
        self._factor = torch.linalg.cholesky(self._precision)

    def gains(self, functions: Functions) -> Scores:
        """Return what each row adds to those picked.  [n, R, D] -> [n] nats"""
        rows = functions.flatten(0, 1).T  # [D, n*R]
        seen = torch.linalg.solve_triangular(self._factor, rows, upper=False).T.view(functions.shape)
        if seen.shape[1] == 1:
            variances: Tensor = seen.square().sum((1, 2))
            return variances.log1p() / 2
        if seen.shape[1] > seen.shape[2]:
            seen = seen.mT  # det(I + F Fᵀ) = det(I + Fᵀ F)
        grown = torch.eye(seen.shape[1], dtype=torch.float64) + seen @ seen.mT
        log_det: Tensor = torch.linalg.cholesky(grown).diagonal(dim1=1, dim2=2).log().sum(1)
        return log_det.clamp_min(0.0)


def _build_feature_search(
    context: Context, noise: float, seed: int
) -> tuple[GreedySearch[LogDetObjective], torch.dtype]:
    candidates = context.candidates
    some = chunk_features(candidates.take(candidates.rows[:1]))
    _check_dimension("features", some.shape[1])
    known = some[:0]
    if context.labelled_features is not None:
        known = check_labelled_features(context, some.shape[1])
    known = _scale(known, noise)
    variances = scan_features(candidates, partial(_feature_variances, noise))
    _check_variance(torch.cat([variances, known.square().sum(1)]))
    objective = LogDetObjective(partial(_feature_functions, noise), known)
    search = GreedySearch(candidates, variances.log1p() / 2, objective, seed=seed)
    return search, torch.promote_types(some.dtype, torch.float32)


def _build_draw_search(context: Context, noise: float, seed: int) -> tuple[GreedySearch[LogDetObjective], torch.dtype]:
    num_draws = context.candidates.num_draws
    _check_dimension("log_probs", num_draws)
    scores = pointwise(bald)(context)  # not read: it warns of draws that all agree, and has the precision of scores
    variances = scan_predictions(context, partial(_draw_variances, noise))
    _check_variance(variances)
    rank = max(1, min(num_draws - 1, context.task.num_classes - 1))
    bounds = (variances / rank).log1p() * (rank / 2)  # the most that R functions of this total variance can carry
    objective = LogDetObjective(partial(_draw_functions, noise), torch.zeros(0, num_draws, dtype=torch.float64))
    return GreedySearch(context.candidates, bounds, objective, seed=seed), scores.dtype


def _feature_functions(noise: float, chunk: Chunk) -> Functions:
    return _scale(chunk_features(chunk), noise)[:, None]


def _feature_variances(noise: float, features: Features) -> Tensor:
    return _scale(features, noise).square().sum(1)


def _draw_functions(noise: float, chunk: Chunk) -> Functions:
    return _center(chunk_log_probs(chunk), noise)


def _draw_variances(noise: float, log_probs: LogProbs) -> Tensor:
    return _center(log_probs, noise).square().sum((1, 2))


def _center(log_probs: LogProbs, noise: float) -> Functions:
    """Return probabilities centred over the draws, in units of the noise.  [n, K, C] nats -> [n, C, K]"""
    probs = log_probs.cpu().double().exp().mT
    return (probs - probs.mean(2, keepdim=True)) / math.sqrt(noise * probs.shape[2])


def _scale(features: Features, noise: float) -> Tensor:
    return features.cpu().double() / math.sqrt(noise)


def _check_variance(variances: Tensor) -> None:
    if not variances.max() <= _MOST_VARIANCE:
        raise InputError(
            f"variances must be at most {_MOST_VARIANCE:.0e} times the noise; got {float(variances.max()):.3g}. "
            "Give a larger noise, or features of a smaller scale.",
            argument="noise",
            got=float(variances.max()),
        )


def _check_dimension(argument: str, dimension: int) -> None:
    if dimension > MAX_DIMENSION:
        shape, size = ("[N, D]", "D") if argument == "features" else ("[N, K, C]", "K")
        advice = f"logdet factors a square matrix of size {size} at each pick; offer a smaller {size}."
        expected = f"{shape} with {size} at most {MAX_DIMENSION}"
        raise InputError(advice, argument=argument, expected=expected, got=dimension)
