"""The classes' sentences as the prior of the model: what they say counts until labels say better.

A sentence is embedded by the encoder of the texts. The weight of all sentences is chosen by the labels, 0 where they
mislead; each sentence is judged by itself, so that a person can rewrite the one that misleads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lindley.labelling.records import ClassRecord
from lindley.labelling.sentence_gain import SentenceGain, sentence_of
from lindley.posteriors.head.prior_mean import sentence_prior_mean
from lindley.shapes import ClassIndices, Features, LabelledGains


@runtime_checkable
class EncodesText(Protocol):
    """A feature method whose first features are an embedding of the text, times one number."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the embeddings of any texts.  n texts -> [n, E] of length 1"""
        ...


def descriptions_of(classes: Sequence[ClassRecord]) -> tuple[str, ...]:
    """Return what describes each class; nothing where none has a sentence."""
    return tuple(map(sentence_of, classes)) if any(each.description for each in classes) else ()


def judge_sentences(
    gains: LabelledGains, labels: ClassIndices, classes: Sequence[ClassRecord]
) -> tuple[SentenceGain, ...]:
    """Return what each class's sentence is worth.

    Args:
        gains: [L, C] nats, by label and class what the class's sentence gains.
        labels: [L], the classes of the labels.
        classes: The classes, in their order.
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    sums = gains.sum(0).tolist()
    errors = (math.sqrt(len(gains)) * gains.std(0, correction=0)).tolist()
    return tuple(
        SentenceGain(each.id, sentence_of(each), *values)
        for each, *values in zip(classes, counts, sums, errors, strict=True)
    )


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
    descriptions = descriptions_of(classes)
    if not isinstance(method, EncodesText) or not descriptions:
        return None
    sentences = torch.from_numpy(method.encode(descriptions))
    unit = float(features[:, : sentences.shape[1]].norm(dim=1).median())
    if not unit > 0:
        return None
    weights = sentence_prior_mean(sentences, features / unit)
    weights[:-1] /= unit
    return weights
