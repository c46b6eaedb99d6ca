"""A sentence encoder and LSA beside each other: meaning from the network, exact words from the pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version
from lindley.features.text_encoder import DEFAULT_TEXT_ENCODER, TextEncoder
from lindley.features.text_lsa import LSA

_SCALE_ROWS = 500
"""Texts from which the two scales are learnt."""


@dataclass(frozen=True)
class EncoderAndLSA:
    """Puts the encoder's vectors before those of LSA, each block scaled to a total variance of 1.

    The first `encoder_dimension` features are the encoder's vector times one number.
    """

    model: str | Path = DEFAULT_TEXT_ENCODER
    """A folder, or the name of a model of the hub."""
    max_tokens: int = 256
    """The largest number of tokens of a text that the encoder reads."""
    num_components: int = 100
    """The largest number of directions of LSA."""
    fit_rows: int = 20_000
    """The largest number of texts from which LSA learns."""
    seed: int = 0

    kind: ClassVar[Kind] = "text"
    block_rows: ClassVar[int] = 256

    @cached_property
    def encoder(self) -> TextEncoder:
        """The encoder alone."""
        return TextEncoder(self.model, max_tokens=self.max_tokens)

    @cached_property
    def lsa(self) -> LSA:
        """LSA alone."""
        return LSA(num_components=self.num_components, fit_rows=self.fit_rows, seed=self.seed)

    def __post_init__(self) -> None:
        TextEncoder(self.model, max_tokens=self.max_tokens)
        LSA(num_components=self.num_components, fit_rows=self.fit_rows, seed=self.seed)

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version("encoder-and-lsa", {"parts": [self.encoder.version, self.lsa.version]}, revision=1)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the encoder's vectors alone, of descriptions of classes for example.  n texts -> [n, D]"""
        return self.encoder.encode(texts)

    def fit(self, contents: Contents) -> LearntState:
        """Learn LSA and the two scales."""
        state = self.lsa.fit(contents)
        some = contents[:_SCALE_ROWS]
        blocks = self.encoder.restore(LearntState())(some), self.lsa.restore(state)(some)
        return LearntState(state.arrays, {**state.settings, "scales": [_scale(block) for block in blocks]})

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        scales: Any = state.settings.get("scales")
        if not (isinstance(scales, list) and len(scales) == 2 and all(isinstance(each, float) for each in scales)):
            raise InputError(argument="the scales of the state", expected="two numbers", got=scales)
        encode, project = self.encoder.restore(LearntState()), self.lsa.restore(state)
        return lambda contents: np.concatenate(
            [encode(contents) * np.float32(scales[0]), project(contents) * np.float32(scales[1])], axis=1
        )


def _scale(block: np.ndarray) -> float:
    """Return the factor that gives a block a total variance of 1; 1 for a block that does not vary."""
    variance = float(block.var(0, dtype=np.float64).sum())
    return variance**-0.5 if variance > 0 else 1.0
