"""Measures of how well a network explains its training labels, without validation labels.

Both measures judge a Bayesian head on the network's features: the log marginal likelihood of the labels, and their
log-probability when each is left out of the head's fit. Neither penalises the network for having fitted its features
to the same labels: compare networks that were trained alike.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.errors import InputError
from lindley.posteriors.features import network_features
from lindley.posteriors.head.head_coordinates import standard_deviations
from lindley.posteriors.head.head_fit import HeadFit, fit_head
from lindley.shapes import ClassIndices, LabelledFeatures, Scores


def laplace_evidence(
    module: nn.Module,
    inputs: Inputs,
    classes: ClassIndices,
    *,
    num_classes: int,
    prior_precision: float | str = "evidence",
    precision: str = "float32",
    device: str = "cpu",
) -> float:
    """Log marginal likelihood of the classes, in nats, by Laplace's approximation over the last layer's weights.

    The last layer is fitted anew, by its most probable weights under the prior: at a network's own weights, which are
    no maximum of that density, the approximation would not hold. Features are measured in these inputs' standard
    deviations. Source: Immer et al. 2021, arXiv:2104.04975 (of whole networks).

    Args:
        module: The network.
        inputs: L inputs.
        classes: [L], their classes.
        num_classes: C.
        prior_precision: That of the weights, or "evidence" for that of the largest evidence.
        precision: The network's precision, see `precision.PRECISIONS`.
        device: Where the network computes.
    """
    features = network_features(module, inputs, precision=precision, device=device).cpu()
    return fit_features_head(features, classes, num_classes=num_classes, prior_precision=prior_precision).log_evidence


def leave_one_out(
    module: nn.Module,
    inputs: Inputs,
    classes: ClassIndices,
    *,
    num_classes: int,
    prior_precision: float | str = "evidence",
    precision: str = "float32",
    device: str = "cpu",
) -> Scores:
    """Log-probability of each class by the head on the network's features without that row, in closed form.  [L] nats

    It is one Newton step from the most probable head of all rows (`HeadFit.leave_one_out`). The network was trained
    on the row.

    Args:
        module: The network.
        inputs: L inputs.
        classes: [L], their classes.
        num_classes: C.
        prior_precision: That of the weights, or "evidence" for that of the largest evidence.
        precision: The network's precision, see `precision.PRECISIONS`.
        device: Where the network computes.
    """
    features = network_features(module, inputs, precision=precision, device=device).cpu()
    return fit_features_head(
        features, classes, num_classes=num_classes, prior_precision=prior_precision
    ).leave_one_out()


def fit_features_head(
    features: LabelledFeatures,
    classes: ClassIndices,
    *,
    num_classes: int,
    scale: Tensor | None = None,
    sample_weight: Tensor | None = None,
    prior_precision: float | str = "evidence",
) -> HeadFit:
    """Fit the head that judges features.

    Args:
        features: [L, D], of the labelled rows.
        classes: [L], their classes.
        num_classes: C.
        scale: [D], the units of the features; None takes their own standard deviations.
        sample_weight: [L], the weights of the labels' losses, 1 on average.
        prior_precision: That of the weights, or "evidence" for that of the largest evidence.
    """
    if len(features) != len(classes):
        raise InputError(argument="classes", expected=f"one for each of {len(features)} inputs", got=len(classes))
    if not bool(torch.isfinite(features).all()):
        raise InputError("Look at the network's weights and inputs.", argument="features", expected="finite")
    scale = standard_deviations(features) if scale is None else scale
    return fit_head(
        features,
        classes.cpu(),
        num_classes=num_classes,
        scale=scale,
        sample_weight=sample_weight,
        prior_precision=prior_precision,
    )
