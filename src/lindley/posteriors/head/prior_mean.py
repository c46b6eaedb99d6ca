"""Prior means of a head's weights, from sentences about the classes or from a teacher, and what each class's is worth.

A prior mean is [D, C], or [D + 1, C] with biases below: logits that are linear in the features. `BayesianHead`
multiplies it by a scale that the labels choose, so that one that misleads is left out.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.head.head_fit import HeadFit, left_out_log_probs, replace_prior_precision, rough_mode
from lindley.shapes import Features, LabelledGains

COSINE_SCALE = 15.0
"""Nats of a logit for each unit of a cosine: that of six sentences about the questions of TREC, without labels."""


def sentence_prior_mean(
    sentences: Tensor, features: Features, *, first: int = 0, cosine_scale: float = COSINE_SCALE
) -> Tensor:
    """Return the prior mean whose logits are cosines with a sentence for each class, less the pool's.  [D + 1, C]

    Without the average, a sentence that is near all texts would raise its class everywhere.

    Args:
        sentences: [C, E], the embeddings of one sentence for each class; their length makes no difference.
        features: [n, D], features of rows of the pool, in which the columns from `first` on are normalised embeddings.
        first: The first of these E columns; the other columns get no weight.
        cosine_scale: Nats for each unit of a cosine.

    Raises:
        InputError: If the features have too few columns, or a sentence's embedding is zero or not finite.
    """
    num_classes, width = sentences.shape
    if first < 0 or features.shape[1] < first + width:
        expected = f"at least {first + width} columns, {width} for the embeddings from column {first} on"
        raise InputError(argument="features", expected=expected, got=[*features.shape])
    sentences = sentences.double()
    lengths = sentences.norm(dim=1, keepdim=True)
    bad = ~((lengths > 0) & lengths.isfinite())[:, 0]
    if bool(bad.any()):
        expected = f"finite embeddings that are not zero; look at the sentences {bad.nonzero()[:, 0].tolist()}"
        raise InputError(argument="sentences", expected=expected)
    weights = torch.zeros(features.shape[1] + 1, num_classes, dtype=torch.float64)
    weights[first : first + width] = cosine_scale * (sentences / lengths).T
    weights[-1] = -features.double().mean(0) @ weights[:-1]
    return weights


def teacher_prior_mean(num_features: int, num_classes: int) -> Tensor:
    """Return the prior mean whose logits are the last C of D features, a teacher's log-probabilities.  [D, C]

    It serves teachers that are not linear in the features, such as a language model's answer for each row of the pool:
    append their log-probabilities to the features.

    Args:
        num_features: D, these C columns included.
        num_classes: C.
    """
    if num_features < num_classes:
        raise InputError(argument="num_features", expected=f"at least {num_classes} columns", got=num_features)
    weights = torch.zeros(num_features, num_classes, dtype=torch.float64)
    weights[-num_classes:] = torch.eye(num_classes, dtype=torch.float64)
    return weights


def prior_gains(fit: HeadFit) -> LabelledGains:
    """Log-likelihood that each left-out label gains by each class's part of the prior mean.  [L, C] nats

    The part is compared with the average of the other classes' in its place, at scale 1, under a strong prior (logits
    within half a nat of the prior mean), whatever the fit chose: a small scale or a weak prior, chosen since one class
    misleads, would hide which. Where the sum over the labels is below 0, a part misleads.

    Raises:
        InputError: If the head has no prior mean, or no labels.
    """
    if fit.prior_mean is None or not len(fit.regression.classes):
        raise InputError(argument="fit", expected="a head with a prior mean and labels")
    coordinates, contrasts = fit.coordinates, fit.regression.contrasts
    num_classes = len(contrasts)
    under = replace_prior_precision(fit.regression, 4.0 * len(coordinates.origin))

    def left_out(weights: Tensor) -> Tensor:  # [D + 1, C] -> [L]
        moved = coordinates.from_features(weights @ contrasts, coordinates.origin, coordinates.scale)
        regression = replace(under, prior_mean=moved)
        log_probs = left_out_log_probs(regression, rough_mode(regression, fit.coefficients))
        return regression.sample_weight * log_probs[torch.arange(len(log_probs)), regression.classes]

    of_classes = fit.prior_mean @ contrasts.T  # [D + 1, C]
    whole, gains = left_out(of_classes), []
    for each in range(num_classes):
        without = of_classes.clone()
        without[:, each] = (of_classes.sum(1) - of_classes[:, each]) / (num_classes - 1)
        gains.append(whole - left_out(without))
    return torch.stack(gains, dim=1)  # [L, C]
