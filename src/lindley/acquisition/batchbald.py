"""BatchBALD: a batch chosen greedily for the information that its labels carry together.

Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158.
"""

from __future__ import annotations

import math
import warnings

import torch

from lindley.acquisition.checks import check_request
from lindley.acquisition.information_search import NUM_PATHS, InformationSearch
from lindley.acquisition.lazy import Pick
from lindley.acquisition.scan import scan_predictions, take_log_probs
from lindley.contracts import Candidates, Context, Diagnostics, Selection
from lindley.errors import InputError
from lindley.information import Estimate, bald, estimate_joint_information, joint_information
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, LogProbs, Rows, Scores

_ENUMERATED = 100_000  # label paths up to which the joint information of the chosen batch is exact
_FRESH_PATHS = 1000


def batchbald(
    context: Context, batch_size: int, *, seed: int, num_paths: int = NUM_PATHS, tolerance: float = 0.0
) -> Selection:
    """Select greedily the rows whose labels together say most about the draws, I[y_1..B; θ].

    The gain of a pick is exact while the labels of the rows picked so far have few configurations. Afterwards the
    candidates are raced on sampled configurations. With K draws a batch carries at most log K nats; once that is
    nearly used up gains are small and mostly noise, and the diagnostics say from which pick on.
    `batchbald_logdet` is the method that changes its aim there.

    Args:
        context: The candidates with their predictions, [N, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the sampled configurations and of the order among equal gains.
        num_paths: Sampled configurations, at most, on which candidates are compared.
        tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.

    Returns:
        The rows in the order picked; scores are gains in nats. Diagnostics: `joint_information` of the batch (nats)
        with its standard error (0 where it is exact) and its share of log K; `exact_picks`; `saturated_after`, the
        picks after which log K was nearly used up or gains were within their noise (batch_size: never);
        `candidates_evaluated`, and `columns_evaluated`, candidates times configurations.

    Raises:
        InputError: If an option or the request cannot be used.
    """
    check_options(num_paths, tolerance)
    scores = start_scores(context, batch_size, "batchbald")
    search = InformationSearch(context.candidates, scores, num_paths=num_paths, tolerance=tolerance, seed=seed)
    picks: list[tuple[int, Pick]] = []
    saturated_after = batch_size
    while len(picks) < batch_size:
        if saturated_after == batch_size and search.is_saturated():
            saturated_after = len(picks)
        picks.append(search.pick())
    diagnostics = {
        **joint_diagnostics(context.candidates, picks, seed),
        "exact_picks": num_exact_picks(picks),
        "saturated_after": saturated_after,
    }
    return selection_of(context.candidates, picks, scores.dtype, diagnostics)


def check_options(num_paths: object = NUM_PATHS, tolerance: object = 0.0) -> None:
    """Refuse a number of configurations below 2 and a tolerance that is not in nats.

    Raises:
        InputError: If either cannot be used.
    """
    if isinstance(num_paths, bool) or not isinstance(num_paths, int) or num_paths < 2:
        raise InputError(f"num_paths must be a whole number of at least 2; got {num_paths!r}")
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < math.inf:
        raise InputError(f"tolerance must be a number of nats, 0 or more; got {tolerance!r}")


def start_scores(context: Context, batch_size: int, name: str) -> Scores:
    """Check the request and return the BALD score of every candidate.  -> [N] nats, on the CPU

    With one draw nothing can be learned: it warns, in the method's name, that the choice is random.
    """
    check_request(context, batch_size)
    if context.candidates.num_draws == 1:
        warnings.warn(f"{name} compares draws, and there is one (K = 1): the choice is random", stacklevel=3)
    return scan_predictions(context, _bald)


def num_exact_picks(picks: list[tuple[int, Pick]]) -> int:
    """Count the picks whose gain has no sampling error."""
    return sum(pick.standard_error == 0 for _, pick in picks)


def joint_diagnostics(candidates: Candidates, picks: list[tuple[int, Pick]], seed: int) -> Diagnostics:
    """Describe how much the batch carries of what K draws can show, and what it took to find it."""
    num_draws = candidates.num_draws
    joint = _joint_information(take_log_probs(candidates, _rows_of(candidates, picks)), seed)
    return {
        "joint_information": joint.value,
        "joint_information_se": joint.standard_error,
        "share_of_log_k": joint.value / math.log(num_draws) if num_draws > 1 else 0.0,
        "candidates_evaluated": sum(pick.evaluated for _, pick in picks),
        "columns_evaluated": sum(pick.columns for _, pick in picks),
    }


def selection_of(
    candidates: Candidates, picks: list[tuple[int, Pick]], dtype: torch.dtype, diagnostics: Diagnostics
) -> Selection:
    """Return the picks as a selection, their gains in the precision of the scores."""
    gains = torch.tensor([pick.gain for _, pick in picks], dtype=dtype)
    return Selection(_rows_of(candidates, picks), gains, diagnostics)


def _rows_of(candidates: Candidates, picks: list[tuple[int, Pick]]) -> Rows:
    return candidates.rows[torch.tensor([position for position, _ in picks])]


def _bald(log_probs: LogProbs) -> Scores:
    return bald(log_probs).cpu()


def _joint_information(batch: BatchLogProbs, seed: int) -> Estimate:
    """Exact where that is cheap, else by configurations other than those that the choice has seen."""
    num_rows, _, num_classes = batch.shape
    if num_classes**num_rows <= _ENUMERATED:
        return Estimate(joint_information(batch.cpu()), 0.0)
    return estimate_joint_information(
        batch.cpu(), num_configurations=_FRESH_PATHS, seed=derive_seed(seed, "fresh paths")
    )
