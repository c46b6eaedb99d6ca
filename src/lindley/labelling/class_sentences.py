"""The classes' sentences as the prior of the model: what they say counts until labels say better.

A sentence is embedded by the encoder of the texts. Its scale is chosen by the labels, 0 where it misleads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lindley.labelling.records import ClassRecord
from lindley.posteriors.head.prior_mean import sentence_prior_mean
from lindley.shapes import Features


@runtime_checkable
class EncodesText(Protocol):
    """A feature method whose first features are an embedding of the text, times one number."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of any texts.  n texts -> [n, E] of length 1"""
        ...


def sentences_as_prior(method: object, features: Features, classes: Sequence[ClassRecord]) -> Tensor | None:
    """Return the prior mean of a head that classifies by cosines with the classes' sentences; None without any.

    A class without a sentence is described by its name.

    Args:
        method: The feature method; without an encoder there is no prior.
        features: The features of all items, [N, D].
        classes: The classes, in their order.

    Returns:
        [D + 1, C], the weights of the features and the biases below.
    """
    if not isinstance(method, EncodesText) or not any(each.description for each in classes):
        return None
    sentences = torch.from_numpy(method.encode([each.description or each.name for each in classes]))
    unit = float(features[:, : sentences.shape[1]].norm(dim=1).median())
    if not unit > 0:
        return None
    weights = sentence_prior_mean(sentences, features / unit)
    weights[:-1] /= unit
    return weights
