"""BatchBALD: a batch chosen greedily for the information that its labels carry together.

Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158.
"""

from __future__ import annotations

import math
import warnings

import torch

from lindley.acquisition.checks import check_request, checked_chunks
from lindley.acquisition.gaussian_search import GaussianSearch
from lindley.acquisition.information_search import NUM_PATHS, InformationSearch
from lindley.acquisition.lazy import Pick
from lindley.contracts import Context, Diagnostics, Selection
from lindley.errors import InputError
from lindley.information import Estimate, bald, estimate_joint_information, joint_information
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs

_ENUMERATED = 100_000  # label paths up to which the joint information of the chosen batch is exact
_FRESH_PATHS = 1000


def batchbald(
    context: Context,
    batch_size: int,
    *,
    seed: int,
    num_paths: int = NUM_PATHS,
    tolerance: float = 0.0,
    continuation: str = "logdet",
) -> Selection:
    """Greedily the rows whose labels, together, say most about the draws, I[y_1..B; θ]; scores are gains in nats.

    Exact while the labels of the rows picked so far have few outcomes; afterwards candidates are raced on up to
    num_paths sampled outcomes, and one that cannot be better than the leader by more than the tolerance (nats) is
    dropped. Once log K is used up, or gains are within their noise, the batch is continued by the Gaussian joint
    information of `gaussian_search`, whose gains are also in nats; continuation="none" goes on regardless.

    Diagnostics: joint_information of the batch (nats, at most log K) with its standard error (0 where exact) and its
    share of log K; how many picks were exact, and how many were made before the continuation (`switch_pick`); the
    candidates looked at and, in `columns_evaluated`, on how many label paths altogether. With one draw nothing can be
    learned: it warns and chooses at random.
    """
    check_options(num_paths, tolerance, continuation)
    check_request(context, batch_size)
    candidates, num_draws = context.candidates, context.candidates.shape[1]
    if num_draws == 1:
        warnings.warn("batchbald compares draws, and there is one (K = 1): the choice is random", stacklevel=2)
    scores = torch.cat([bald(chunk).cpu() for chunk in checked_chunks(candidates, context.task.num_classes)])
    search = InformationSearch(candidates, scores, num_paths=num_paths, tolerance=tolerance, seed=seed)
    picks: list[tuple[int, Pick]] = []
    while len(picks) < batch_size and not (search.used_up() and continuation == "logdet"):
        picks.append(search.pick())
    switch = len(picks)
    if switch < batch_size:
        gaussian = GaussianSearch(candidates, scores, seed=seed)
        gaussian.tell(torch.tensor([position for position, _ in picks], dtype=torch.int64))
        picks += [gaussian.pick() for _ in range(batch_size - switch)]
    positions = torch.tensor([position for position, _ in picks])
    joint = _joint_information(candidates.take(positions), seed)
    diagnostics: Diagnostics = {
        "joint_information": joint.value,
        "joint_information_se": joint.standard_error,
        "share_of_log_k": joint.value / math.log(num_draws) if num_draws > 1 else 0.0,
        "exact_picks": sum(pick.standard_error == 0 for _, pick in picks[:switch]),
        "switch_pick": switch,
        "continuation": continuation if switch < batch_size else "none",
        "candidates_evaluated": sum(pick.evaluated for _, pick in picks),
        "columns_evaluated": sum(pick.columns for _, pick in picks),
    }
    gains = torch.tensor([pick.gain for _, pick in picks], dtype=scores.dtype)
    return Selection(candidates.rows[positions], gains, diagnostics)


def check_options(num_paths: object = NUM_PATHS, tolerance: object = 0.0, continuation: object = "logdet") -> None:
    """Refuse a number of label paths that is not one, a tolerance that is not in nats, an unknown continuation."""
    if isinstance(num_paths, bool) or not isinstance(num_paths, int) or num_paths < 2:
        raise InputError(f"num_paths must be a whole number of at least 2; got {num_paths!r}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < math.inf:
        raise InputError(f"tolerance must be a number of nats, 0 or more; got {tolerance!r}")
    if continuation not in ("logdet", "none"):
        raise InputError(f"continuation must be 'logdet' or 'none'; got {continuation!r}")


def _joint_information(batch: BatchLogProbs, seed: int) -> Estimate:
    """Exact where that is cheap, else by paths other than those that the choice has seen."""
    num_rows, _, num_classes = batch.shape
    if num_classes**num_rows <= _ENUMERATED:
        return Estimate(joint_information(batch.cpu()), 0.0)
    return estimate_joint_information(batch.cpu(), num_paths=_FRESH_PATHS, seed=derive_seed(seed, "fresh paths"))
