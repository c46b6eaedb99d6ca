"""BatchBALD-logdet: BatchBALD until log K is nearly reached, the log-determinant afterwards.

With K draws a batch carries at most log K nats, and what tells the last few draws apart are accidents of those draws.
This method changes its objective there, so that it differs from BatchBALD from that pick on. The pick depends on
the data: about the fifth with K = 100.
Sources: Kirsch, van Amersfoort, Gal 2019, arXiv:1906.08158 (the first picks); Kirsch 2023, arXiv:2302.08981 (the
log-determinant of the draws' covariance); the switch is ours. Compare BBB-AL (Ober, Power, Diethe, Moss 2025,
arXiv:2501.08223), which takes a log-determinant of predictive probabilities for the whole batch.
"""

from __future__ import annotations

import torch

from lindley.acquisition.batchbald.batchbald import joint_diagnostics, num_exact_picks, start_search
from lindley.acquisition.batchbald.gaussian_objective import gaussian_search
from lindley.acquisition.batchbald.information_objective import NUM_CONFIGURATIONS
from lindley.acquisition.greedy_search import Pick, build_selection
from lindley.acquisition.specs import BatchBALDOptions
from lindley.contracts import Context, Selection


def batchbald_logdet(
    context: Context,
    batch_size: int,
    *,
    seed: int,
    num_configurations: int = NUM_CONFIGURATIONS,
    tolerance: float = 0.0,
) -> Selection:
    """Select rows by BatchBALD until log K is nearly reached, and the rest by Gaussian joint information.

    It switches once at most 0.7 nats of log K are left (two draws are still in question) or the last gain is within
    its noise, never while gains are exact. The gains after the switch are those of `gaussian_search`, also in nats.

    Args:
        context: The candidates with their predictions, [N, K, C].
        batch_size: Number of rows to select, at most N.
        seed: Seed of the sampled configurations and of the order among equal gains.
        num_configurations: Sampled configurations, at most, on which candidates are compared before the switch.
        tolerance: Nats by which a candidate must be able to beat the leader to stay in the race.

    Returns:
        The rows in the order picked; scores are gains in nats. Diagnostics: those of `batchbald`, but for
        `saturated_after` and `regret_bound`, and `num_joint_picks`, how many picks were made before the switch.

    Raises:
        InputError: If an option or the request cannot be used.
    """
    options = BatchBALDOptions(num_configurations, tolerance)
    search, scores = start_search(context, batch_size, options, name="batchbald-logdet", seed=seed)
    picks: list[Pick] = []
    while len(picks) < batch_size and not search.objective.is_saturated():
        picks.append(search.pick())
    num_joint_picks, num_exact = len(picks), num_exact_picks(picks)
    if num_joint_picks < batch_size:
        gaussian = gaussian_search(context.candidates, scores, seed=seed)
        gaussian.add_picked(torch.tensor([pick.position for pick in picks], dtype=torch.int64))
        picks += gaussian.picks(batch_size - num_joint_picks)
    diagnostics = {
        **joint_diagnostics(context.candidates, picks, seed),
        "exact_picks": num_exact,
        "num_joint_picks": num_joint_picks,
    }
    return build_selection(context.candidates, picks, scores.dtype, diagnostics)
