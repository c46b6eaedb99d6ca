"""Pointwise scores: one number per row from its own prediction; rows with larger scores are queried first.

All but BALD, variation ratios and mean STD look at the average over the draws only.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from lindley import information
from lindley.information.entropy import map_blocks, mean_probs
from lindley.shapes import LogProbs, Scores


def margin(log_probs: LogProbs) -> Scores:
    """Minus the gap between the two likeliest classes, -(p_1 - p_2).  [N, K, C] -> [N], from -1 to 0.

    Source: Scheffer, Decomain, Wrobel 2001, "Active hidden Markov models for information extraction".
    """

    def block_margin(block: Tensor) -> Tensor:
        top = mean_probs(block).topk(2, dim=1).values  # [n, 2]
        return top[:, 1] - top[:, 0]

    return map_blocks(block_margin, log_probs)


def entropy(log_probs: LogProbs) -> Scores:
    """Entropy of the average prediction, H[E_k p_k(y)].  [N, K, C] -> [N] nats, from 0 to log C.

    Source: Shannon 1948; as "max entropy" in Gal, Islam, Ghahramani 2017, arXiv:1703.02910.
    """
    return information.predictive_entropy(log_probs)


def least_confidence(log_probs: LogProbs) -> Scores:
    """One minus the probability of the likeliest class.  [N, K, C] -> [N], from 0 to 1 - 1/C.

    Source: Lewis, Gale 1994, "A sequential algorithm for training text classifiers".
    """
    return map_blocks(lambda block: 1 - mean_probs(block).amax(1), log_probs)


def variation_ratios(log_probs: LogProbs) -> Scores:
    """Share of the draws that do not vote for the winner.  [N, K, C] -> [N], from 0 to 1 - 1/C.

    Each draw votes for its likeliest class (for the first of them where two are equal).
    Source: Freeman 1965; Gal, Islam, Ghahramani 2017, arXiv:1703.02910.
    """

    def block_variation_ratios(block: Tensor) -> Tensor:
        votes = torch.nn.functional.one_hot(block.argmax(2), block.shape[2]).sum(1)  # [n, C]
        return 1 - votes.amax(1).double() / block.shape[1]

    return map_blocks(block_variation_ratios, log_probs)


def mean_std(log_probs: LogProbs) -> Scores:
    """Standard deviation of p_k(y = c) over the draws, averaged over the classes.  [N, K, C] -> [N], from 0 to 1/2.

    Source: Kampffmeyer, Salberg, Jenssen 2016; Gal, Islam, Ghahramani 2017, arXiv:1703.02910.
    """
    _warn_of_one_draw("mean_std", log_probs)
    return map_blocks(lambda block: block.double().exp().std(1, correction=0).mean(1), log_probs)


def bald(log_probs: LogProbs) -> Scores:
    """Mutual information between the label and the draw, I[y; θ | x].  [N, K, C] -> [N] nats.

    Source: Houlsby et al. 2011, arXiv:1112.5745.
    """
    _warn_of_one_draw("bald", log_probs)
    return information.bald(log_probs)


def _warn_of_one_draw(name: str, log_probs: Tensor) -> None:
    if log_probs.shape[1] == 1:
        warnings.warn(
            f"{name} compares draws, and there is one draw (K = 1): every score is 0 and the choice is random. "
            "Predict with more draws.",
            stacklevel=3,
        )
