"""Log-determinant batches: the joint information of rows as if what is asked of them were Gaussian.

    I = 1/2 log det(I + Φ_S Λ⁻¹ Φ_Sᵀ / noise)

of="features": φ_x are the row's features, the model is linear in them with weights N(0, I), and what has been labelled
already is known (Λ = I + Φ_Lᵀ Φ_L / noise). of="draws": Φ_x[c, k] = (p_k(c) - p̄(c)) / sqrt(K), C functions a row whose
covariance is that of the predictions over the draws. Unlike the information of labels this has no ceiling of log K;
but K draws span K - 1 dimensions at most, so a batch much larger than K only repeats what it knows.
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

from lindley.acquisition.checks import check_request, features_of
from lindley.acquisition.diverse.context_features import labelled_features_as_given
from lindley.acquisition.gaussian_search import GaussianSearch
from lindley.acquisition.lazy import Pick, best_pick
from lindley.acquisition.scan import scan_features, scan_predictions, take_log_probs
from lindley.acquisition.scores import bald
from lindley.acquisition.select import pointwise, tie_break
from lindley.contracts import Context, Selection
from lindley.errors import InputError
from lindley.shapes import Features, Positions, Scores

MAX_DIMENSION = 4096
"""Largest D or K: a matrix of that size is factored once a pick, in about a second."""
_MOST_VARIANCE = 1e12  # in units of the noise: beyond it float64 cannot tell the prior from zero
_TIED = 1e-12  # nats that rounding cannot tell apart: everything here is float64
_BLOCK = 256

Functions = Float[Tensor, "n R D"]
"""R Gaussian functions a row, in D dimensions with unit prior covariance and unit noise."""


def logdet(context: Context, batch_size: int, *, seed: int, of: str = "draws", noise: float | None = None) -> Selection:
    """Greedily the rows with the largest Gaussian joint information; scores are gains in nats, and fall.

    of="draws": the functions of the draws. noise is the variance of what is observed of them, in squared probability;
        without one each row gets the noise at which, alone, it carries exactly its BALD score.
    of="features": the features of the context (needed then), given those of the labelled rows. noise is the variance
        of a label, 1 if not given, where weights have variance 1: scaling features by a is scaling noise by 1/a².
    Lazy evaluation is exact: gains fall as the batch grows. Diagnostics: gaussian_information, the sum;
    candidates_evaluated. Raises InputError for more than 4096 dimensions.
    """
    check_logdet(of, noise)
    check_request(context, batch_size)
    search: GaussianSearch | LogDetSearch
    if of == "features":
        search, dtype = _of_features(context, 1.0 if noise is None else noise, seed)
    else:
        scores = pointwise(bald)(context)
        dtype = scores.dtype
        search = (
            GaussianSearch(context.candidates, scores, seed=seed) if noise is None else _of_draws(context, noise, seed)
        )
    picks = [search.pick() for _ in range(batch_size)]
    gains = torch.tensor([pick.gain for _, pick in picks], dtype=torch.float64)
    diagnostics = {
        "gaussian_information": float(gains.sum()),
        "candidates_evaluated": sum(pick.evaluated for _, pick in picks),
    }
    rows = context.candidates.rows[torch.tensor([position for position, _ in picks])]
    return Selection(rows, gains.to(dtype), diagnostics)


def check_logdet(of: object = "draws", noise: object = None) -> None:
    """Refuse functions that are neither of draws nor of features, and noise that is not positive."""
    if of not in ("draws", "features"):
        raise InputError(f"of must be 'draws' or 'features'; got {of!r}")
    if noise is None:
        return
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 < noise < math.inf:
        raise InputError(f"noise must be a positive number, a variance; got {noise!r}")


class LogDetSearch:
    """One pick after another, each the row that adds most to 1/2 log det(I + Φ_S Λ⁻¹ Φ_Sᵀ).

    What is known is kept as the precision I + Σ ΦᵀΦ and its Cholesky factor, and a gain comes from a triangular solve:
    sums of squares only, so that it is never below zero nor NaN, however small the noise.
    """

    def __init__(self, functions: Callable[[Positions], Functions], bounds: Scores, known: Tensor, ties: Tensor):
        self._functions = functions
        self._bounds = bounds
        self._precision = torch.eye(known.shape[1], dtype=torch.float64) + known.T @ known
        self._factor = torch.linalg.cholesky(self._precision)
        self._ties = ties

    def pick(self) -> tuple[int, Pick]:
        """The next position, and what it took to find it."""
        found = best_pick(self._bounds, self.gains, self._ties, slack=0.0, tied=_TIED, block=_BLOCK)
        self._bounds[found.rank] = -math.inf
        known = self._functions(torch.tensor([found.rank]))[0]
        self._precision += known.T @ known
        self._factor = torch.linalg.cholesky(self._precision)
        return found.rank, found

    def gains(self, positions: Positions) -> Scores:
        """What each row adds to those picked.  [n] -> [n] nats"""
        functions = self._functions(positions)  # [n, R, D]
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


def _of_features(context: Context, noise: float, seed: int) -> tuple[LogDetSearch, torch.dtype]:
    candidates = context.candidates
    some = features_of(candidates.take(candidates.rows[:1]))
    _check_dimension(some.shape[1], "features have D")
    known = some[:0]
    if context.labelled_features is not None:
        known = labelled_features_as_given(context, some.shape[1])
    known = _scaled(known, noise)
    variances = scan_features(candidates, partial(_feature_variances, noise))
    _check_variance(torch.cat([variances, known.square().sum(1)]))
    search = LogDetSearch(
        lambda positions: _scaled(features_of(candidates.take(candidates.rows[positions])), noise)[:, None],
        variances.log1p() / 2,
        known,
        tie_break(candidates.rows, seed),
    )
    return search, torch.promote_types(some.dtype, torch.float32)


def _feature_variances(noise: float, features: Features) -> Tensor:
    return _scaled(features, noise).square().sum(1)


def _of_draws(context: Context, noise: float, seed: int) -> LogDetSearch:
    candidates, num_draws = context.candidates, context.candidates.num_draws
    _check_dimension(num_draws, "predictions have K")
    variances = scan_predictions(context, partial(_variances, noise))
    _check_variance(variances)
    rank = max(1, min(num_draws - 1, context.task.num_classes - 1))
    return LogDetSearch(
        lambda positions: _functions(take_log_probs(candidates, candidates.rows[positions]), noise),
        (variances / rank).log1p() * (rank / 2),  # the most that R functions of this total variance can carry
        torch.zeros(0, num_draws, dtype=torch.float64),
        tie_break(candidates.rows, seed),
    )


def _functions(log_probs: Tensor, noise: float) -> Functions:
    """[n, K, C] nats -> [n, C, K]: centred over the draws, in units of the noise."""
    probs = log_probs.cpu().double().exp().mT
    return (probs - probs.mean(2, keepdim=True)) / math.sqrt(noise * probs.shape[2])


def _variances(noise: float, log_probs: Tensor) -> Tensor:
    return _functions(log_probs, noise).square().sum((1, 2))


def _scaled(features: Features, noise: float) -> Tensor:
    return features.cpu().double() / math.sqrt(noise)


def _check_variance(variances: Tensor) -> None:
    if not variances.max() <= _MOST_VARIANCE:
        raise InputError(
            f"variances must be at most {_MOST_VARIANCE:.0e} times the noise; got {float(variances.max()):.3g}. "
            "Give a larger noise, or features of a smaller scale."
        )


def _check_dimension(dimension: int, what: str) -> None:
    if dimension > MAX_DIMENSION:
        raise InputError(f"logdet factors a square matrix once a pick, at most {MAX_DIMENSION}; {what} = {dimension}")
