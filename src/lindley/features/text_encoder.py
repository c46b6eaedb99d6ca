"""Features of text by a pretrained sentence encoder: the mean of its word vectors, of length 1.

Any encoder of transformers will do, and folders of sentence-transformers that pool by the mean or the first token.
Source: Reimers and Gurevych 2019, arXiv:1908.10084.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version
from lindley.features.pretrained import load_network, load_part, model_folder, model_sha256, read_json
from lindley.features.text_lsa import check_texts, normalise_rows
from lindley.value_checks import check_whole_number

DEFAULT_TEXT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
_TOGETHER = 32
"""Texts that the network reads at once, of similar lengths."""
_POOLING = ("pooling_mode_mean_tokens", "pooling_mode_cls_token")


@dataclass(frozen=True)
class TextEncoder:
    """Reads texts by a network of transformers, on the CPU."""

    model: str | Path = DEFAULT_TEXT_ENCODER
    """A folder, or the name of a model of the hub."""
    max_tokens: int = 256
    """The largest number of tokens of a text; the rest is not read."""

    kind: ClassVar[Kind] = "text"
    fit_rows: ClassVar[int] = 0
    block_rows: ClassVar[int] = 256

    def __post_init__(self) -> None:
        check_whole_number("max_tokens", self.max_tokens, least=3)

    @cached_property
    def folder(self) -> Path:
        """The folder of the network, downloaded if it is missing. Raises InputError."""
        return model_folder(self.model, "text")

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        options = {"max_tokens": self.max_tokens, "weights": model_sha256(self.folder)}
        return method_version("text-encoder", options, revision=1, packages=("tokenizers", "torch", "transformers"))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return the vectors of any texts, descriptions of classes for example.  n texts -> [n, D] float32, length 1"""
        return self._encode(texts)

    def fit(self, contents: Contents) -> LearntState:
        """Learn nothing."""
        return LearntState()

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        return self._encode

    @cached_property
    def _encode(self) -> Transform:
        tokenizer, network = load_part("AutoTokenizer", self.folder), load_network(self.folder)
        pool = _read_pooling(self.folder)
        positions = getattr(network.config, "max_position_embeddings", self.max_tokens)
        limit = min(self.max_tokens, positions, tokenizer.model_max_length)

        def encode(contents: Contents) -> np.ndarray:
            texts = check_texts(contents)
            by_length = sorted(range(len(texts)), key=lambda row: len(texts[row]))
            parts = [by_length[start : start + _TOGETHER] for start in range(0, len(texts), _TOGETHER)]
            vectors = [_read(tokenizer, network, pool, [texts[row] for row in part], limit) for part in parts]
            joined = np.concatenate(vectors)
            features = np.empty_like(joined)
            features[by_length] = joined
            return normalise_rows(features)

        return encode


def _read(tokenizer: Any, network: Any, pool: Callable[[Any, Any], Any], texts: list[str], limit: int) -> np.ndarray:
    import torch

    tokens = tokenizer(texts, padding=True, truncation=True, max_length=limit, return_tensors="pt")
    with torch.inference_mode():
        hidden = network(**tokens).last_hidden_state  # [n, tokens, D]
        vectors: np.ndarray = pool(hidden, tokens["attention_mask"]).numpy()
    return vectors


def _read_pooling(folder: Path) -> Callable[[Any, Any], Any]:
    """Return the pooling that the folder names; the mean where it names none."""
    settings = read_json(folder / "1_Pooling" / "config.json")
    chosen = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    if len(chosen) > 1 or not set(chosen) <= set(_POOLING):
        expected = "pooling by the mean or by the first token"
        raise InputError(argument=f"the encoder in {folder}", expected=expected, got=chosen)
    return _first if chosen == [_POOLING[1]] else _mean


def _mean(hidden: Any, mask: Any) -> Any:
    weights = mask[:, :, None].to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


def _first(hidden: Any, mask: Any) -> Any:
    return hidden[:, 0]
