"""How far draws are from a reference's draws: of one label, of pairs, of tens, and of what acquisitions make of them.

Everything joint is exact for the draws given: the probabilities of all C² labels of a pair and all C¹⁰ of ten are
enumerated. Both sides are finite, so even a second set of exact draws is at some distance: its row says at which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from reference_draws import Reference
from scipy.stats import spearmanr
from torch import Tensor

import lindley
from lindley.information import bald, epig, joint_information, mean_log_probs, pairwise_information
from lindley.measures.calibration import expected_calibration_error
from lindley.measures.joint import joint_nll
from lindley.measures.scores import nll

NUM_PAIRS, NUM_TENS, TEN, NUM_GROUPINGS, NUM_TARGETS = 200, 40, 10, 10, 100


@dataclass(frozen=True)
class Answers:
    """What draws say: [60, K, C] of the inputs to judge on, and [H, K, C] of those with held-out labels."""

    test: Tensor
    held_out: Tensor

    def shuffled(self, seed: int) -> Answers:
        """Draws permuted anew for each input: no marginal changes, and nothing joint is left (masks per input)."""
        generator = torch.Generator().manual_seed(seed)
        return Answers(*(_each_row_permuted(part, generator) for part in (self.test, self.held_out)))

    def some(self, draws: Tensor) -> Answers:
        """Those draws only."""
        return Answers(self.test[:, draws], self.held_out[:, draws])


def answers(draws: object, reference: Reference) -> Answers:
    """What draws (anything with `predict`) say of a reference's inputs, in float64."""
    test, held_out = (draws.predict(x).log_probs.double() for x in (reference.test_inputs, reference.held_out_inputs))
    return Answers(test, held_out)


class Judge:
    """The measures against one reference's answers, whose side is worked out once."""

    def __init__(self, truth: Answers, held_out_classes: Tensor, *, num_tens: int = NUM_TENS, seed: int = 0) -> None:
        self._truth, self._classes = truth, held_out_classes
        generator = torch.Generator().manual_seed(seed)
        num_inputs = len(truth.test)
        self._subsets = {
            1: torch.arange(num_inputs)[:, None],
            2: _subsets(num_inputs, 2, NUM_PAIRS, generator),
            TEN: _subsets(num_inputs, TEN, num_tens, generator),
        }
        self._joint = {size: [joint_probs(truth.test[rows]) for rows in self._subsets[size]] for size in (1, 2, TEN)}
        self._groupings = [torch.randperm(len(held_out_classes), generator=generator) for _ in range(NUM_GROUPINGS)]

    def measure(self, learner: Answers) -> dict[str, float]:
        """One learner's measures, by name (`MEASURES` says what each is)."""
        truth = self._truth
        bald_true, bald_here = bald(truth.test), bald(learner.test)
        pairs_true, pairs_here = self._pair_information(truth), self._pair_information(learner)
        return {
            "total variation": float(_total_variation(truth.test, learner.test)),
            "variance ratio": float(_spread(learner.test) / _spread(truth.test)),
            "KL of one": self._divergence(learner, 1),
            "KL of pairs": self._divergence(learner, 2),
            "KL of tens": self._divergence(learner, TEN),
            "BALD ratio": float(bald_here.sum() / bald_true.sum()),
            "BALD rank": _rank_correlation(bald_true, bald_here),
            "pair information ratio": float(pairs_here.sum() / pairs_true.sum()),
            "pair information error": float((pairs_here - pairs_true).abs().sum() / pairs_true.sum()),
            "EPIG rank": _rank_correlation(self._epig(truth), self._epig(learner)),
            "batch worth": self._worth(learner),
            **self.held_out(learner),
        }

    def held_out(self, learner: Answers) -> dict[str, float]:
        """NLL, joint NLL per label of sets of ten, and ECE, on the held-out labels."""
        mean, classes = mean_log_probs(learner.held_out), self._classes
        of_true = learner.held_out.gather(2, classes[:, None, None].expand(-1, learner.held_out.shape[1], 1))[..., 0]
        joint = [joint_nll(of_true[order], set_size=TEN) for order in self._groupings]
        return {
            "NLL": nll(mean, classes),
            "joint NLL": math.fsum(joint) / len(joint),
            "ECE": expected_calibration_error(mean, classes),
        }

    def _divergence(self, learner: Answers, size: int) -> float:
        """KL of the learner's joint predictive from the reference's, nats, the mean over the subsets of that size."""
        here = (joint_probs(learner.test[rows]) for rows in self._subsets[size])
        each = [(torch.xlogy(p, p) - torch.xlogy(p, q)).sum() for p, q in zip(self._joint[size], here, strict=True)]
        return float(torch.stack(each).mean())

    def _pair_information(self, given: Answers) -> Tensor:
        information = pairwise_information(given.test, given.test)  # [n, n]
        return information[tuple(self._subsets[2].T)]

    def _epig(self, given: Answers) -> Tensor:
        return epig(given.test, given.held_out[:NUM_TARGETS])

    def _worth(self, learner: Answers) -> float:
        """Of what BatchBALD's ten inputs are worth above random ones under the reference, the share that is got."""
        least = self._worth_of_random
        return (self._information_of_choice(learner) - least) / (self._information_of_choice(self._truth) - least)

    @cached_property
    def _worth_of_random(self) -> float:
        each = [joint_information(self._truth.test[rows]) for rows in self._subsets[TEN]]
        return math.fsum(each) / len(each)

    def _information_of_choice(self, given: Answers) -> float:
        chosen = lindley.select(given.test, "batchbald", TEN, seed=0).rows
        return joint_information(self._truth.test[chosen])


MEASURES = {
    "total variation": "of the predictive mean, the mean over inputs",
    "variance ratio": "of the draws' probabilities, summed over inputs and classes; learner to reference",
    "KL of one": "nats, from the reference's predictive distribution of one label to the learner's",
    "KL of pairs": "nats, of the two labels of random pairs of inputs",
    "KL of tens": "nats, of the ten labels of random tens of inputs",
    "BALD ratio": "summed over inputs; learner to reference",
    "BALD rank": "Spearman's correlation with the reference's BALD",
    "pair information ratio": "I[y; y'] summed over pairs; learner to reference",
    "pair information error": "mean absolute error of I[y; y'], of its mean under the reference",
    "EPIG rank": "Spearman's correlation with the reference's EPIG",
    "batch worth": "information of BatchBALD's ten under the reference: 0 as random ones, 1 as the reference's own ten",
    "NLL": "nats per label, held-out",
    "joint NLL": "nats per label of sets of ten, held-out",
    "ECE": "expected calibration error, held-out",
}


def joint_probs(log_probs: Tensor) -> Tensor:
    """The probability of every combination of labels, averaged over the draws.  [B, K, C] -> [C**B]"""
    probs = log_probs.exp()
    half = len(probs) // 2
    first, second = _combinations(probs[:half]), _combinations(probs[half:])  # [C**half, K], [C**(B - half), K]
    return (first @ second.T / probs.shape[1]).flatten()


def _combinations(probs: Tensor) -> Tensor:
    combined = probs.new_ones(1, probs.shape[1])
    for row in probs:
        combined = (combined[:, None] * row.T[None]).flatten(0, 1)
    return combined


def _total_variation(truth: Tensor, learner: Tensor) -> Tensor:
    return (truth.exp().mean(1) - learner.exp().mean(1)).abs().sum(1).mean() / 2


def _spread(log_probs: Tensor) -> Tensor:
    return log_probs.exp().var(1, correction=0).sum()


def _rank_correlation(truth: Tensor, learner: Tensor) -> float:
    """NaN where all of the learner's scores are equal: no order, so no correlation."""
    if learner.unique().numel() == 1:
        return math.nan
    return float(spearmanr(truth.numpy(), learner.numpy()).statistic)


def _subsets(num_inputs: int, size: int, count: int, generator: torch.Generator) -> Tensor:
    return torch.stack([torch.randperm(num_inputs, generator=generator)[:size] for _ in range(count)])


def _each_row_permuted(log_probs: Tensor, generator: torch.Generator) -> Tensor:
    order = torch.stack([torch.randperm(log_probs.shape[1], generator=generator) for _ in log_probs])  # [n, K]
    return log_probs.gather(1, order[..., None].expand_as(log_probs))
