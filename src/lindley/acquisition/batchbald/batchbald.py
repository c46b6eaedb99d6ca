"""BatchBALD: a batch chosen greedily for the joint information of its labels.

Source: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict

from lindley.acquisition.batchbald.information_objective import (
    NUM_CONFIGURATIONS,
    NUM_ERRORS,
    InformationObjective,
    information_search,
)
from lindley.acquisition.checks import check_request
from lindley.acquisition.greedy_search import GreedySearch, Pick, build_selection, rows_in_order
from lindley.acquisition.scan import scan_predictions, take_log_probs
from lindley.acquisition.specs import BatchBALDOptions
from lindley.contracts import Candidates, Context, Diagnostics, Selection
from lindley.information import Estimate, bald, estimate_joint_information, joint_information
from lindley.seeds import derive_seed
from lindley.shapes import BatchLogProbs, LogProbs, Scores

_ENUMERATED = 100_000  # label configurations up to which the joint information of the chosen batch is exact
_NUM_FRESH = 1000


def batchbald(
    context: Context,
    batch_size: int,
    *,
    seed: int,
    num_configurations: int = NUM_CONFIGURATIONS,
    tolerance: float = 0.0,
) -> Selection:
    """Select greedily the rows whose labels carry most joint information about the draws, I[y_1..B; θ].

    The gain of a pick is exact while the labels of the rows picked so far have few configurations. Afterwards the
    candidates are raced on sampled configurations. With K draws a batch carries at most log K nats; once that is
    nearly reached, gains are small and mostly noise, and the diagnostics say from which pick on.
    `batchbald_logdet` changes its objective there.

    Args:
        context: The candidates with their predictions, [N, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the sampled configurations and of the order among equal gains.
        num_configurations: Sampled configurations, at most, on which candidates are compared.
        tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.

    Returns:
        The rows in the order picked; scores are gains in nats. Diagnostics: `joint_information` of the batch (nats)
        with its standard error (0 where it is exact) and its share of log K; `exact_picks`; `saturated_after`, the
        picks after which log K was nearly reached or gains were within their noise (batch_size: never); `regret_bound`,
        the nats by which any other row may have been better than a pick (0 where all gains are exact);
        `candidates_evaluated`, and `columns_evaluated`, candidates times configurations.

    Raises:
        InputError: If an option or the request cannot be used.
    """
    options = BatchBALDOptions(num_configurations, tolerance)
    search, scores = start_search(context, batch_size, options, name="batchbald", seed=seed)
    picks: list[Pick] = []
    saturated_after = batch_size
    while len(picks) < batch_size:
        if saturated_after == batch_size and search.objective.is_saturated():
            saturated_after = len(picks)
        picks.append(search.pick())
    diagnostics = {
        **joint_diagnostics(context.candidates, picks, seed),
        "exact_picks": num_exact_picks(picks),
        "saturated_after": saturated_after,
        "regret_bound": regret_bound(picks, tolerance),
    }
    return build_selection(context.candidates, picks, scores.dtype, diagnostics)


def start_search(
    context: Context, batch_size: int, options: BatchBALDOptions, *, name: str, seed: int
) -> tuple[GreedySearch[InformationObjective], Scores]:
    """Check the request and return a search by joint information, and the BALD score of every candidate.

    With one draw nothing can be learned: it warns that the choice is random.

    Args:
        context: The candidates with their predictions, [N, K, C].
        batch_size: Number of rows to select, at most N.
        options: The options of the search.
        name: Name of the method, for the warning.
        seed: Seed of the sampled configurations and of the order among equal gains.

    Returns:
        The search, and the scores, [N] nats, on the CPU.

    Raises:
        InputError: If the request or the predictions cannot be used.
    """
    check_request(context, batch_size)
    if context.candidates.num_draws == 1:
        warnings.warn(f"{name} compares draws, and there is one (K = 1): the choice is random", stacklevel=3)
    scores = scan_predictions(context, _bald)
    return information_search(context.candidates, scores, **asdict(options), seed=seed), scores


def num_exact_picks(picks: list[Pick]) -> int:
    """Count the picks whose gain has no sampling error."""
    return sum(pick.standard_error == 0 for pick in picks)


def regret_bound(picks: list[Pick], tolerance: float) -> float:
    """Return the nats by which another row may have been better at a pick: tolerance + 3 standard errors at most."""
    error = max(pick.standard_error for pick in picks)
    return tolerance + NUM_ERRORS * error if error else 0.0


def joint_diagnostics(candidates: Candidates, picks: list[Pick], seed: int) -> Diagnostics:
    """Return the joint information of a batch, its share of log K, and the work of the search.

    Args:
        candidates: The rows that were offered, with their predictions, [N, K, C].
        picks: The batch, [B], in the order picked.
        seed: Seed of the configurations on which a large batch is measured.
    """
    num_draws = candidates.num_draws
    joint = _joint_information(take_log_probs(candidates, rows_in_order(candidates, picks)), seed)
    return {
        "joint_information": joint.value,
        "joint_information_se": joint.standard_error,
        "share_of_log_k": joint.value / math.log(num_draws) if num_draws > 1 else 0.0,
        "candidates_evaluated": sum(pick.evaluated for pick in picks),
        "columns_evaluated": sum(pick.columns for pick in picks),
    }


def _bald(log_probs: LogProbs) -> Scores:
    return bald(log_probs).cpu()


def _joint_information(batch: BatchLogProbs, seed: int) -> Estimate:
    """Return it exactly where that is cheap, else from configurations other than those of the search."""
    num_rows, _, num_classes = batch.shape
    if num_classes**num_rows <= _ENUMERATED:
        return Estimate(joint_information(batch.cpu()), 0.0)
    return estimate_joint_information(batch.cpu(), num_configurations=_NUM_FRESH, seed=derive_seed(seed, "fresh paths"))
