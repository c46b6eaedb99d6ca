"""Labelled inputs of any kind that scikit-learn reads, their bootstraps, and both as tensors that can be saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.seeds import numpy_generator


@dataclass(frozen=True)
class TrainingSet:
    """All that a fit depends on beside the learner."""

    examples: Any  # L inputs: an array, a CSR matrix or a list
    classes: Tensor  # [L]
    importance: Tensor  # [L]
    num_classes: int
    seed: int

    def bootstrap(self, member: int) -> np.ndarray:
        """Places in the training set, with replacement.  [L]"""
        generator, several = numpy_generator(self.seed, "bootstrap", member), bool(self.classes.unique().numel() > 1)
        while True:
            places = generator.integers(len(self.classes), size=len(self.classes))
            if not several or self.classes[places].unique().numel() > 1:
                return places


def stored_examples(examples: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Labelled inputs as tensors; texts as their UTF-8 bytes."""
    if isinstance(examples, np.ndarray):
        return {"examples": torch.from_numpy(np.ascontiguousarray(examples))}, {"examples": "array"}
    if not isinstance(examples, list):
        parts = {name: torch.from_numpy(getattr(examples, name)) for name in ("data", "indices", "indptr")}
        return parts, {"examples": "sparse", "columns": examples.shape[1]}
    if not all(isinstance(each, str) for each in examples):
        kinds = sorted({type(each).__name__ for each in examples})
        raise InputError(f"sequences of inputs must be of texts; got {', '.join(kinds)}")
    encoded = [each.encode() for each in examples]
    text = np.frombuffer(b"".join(encoded), dtype=np.uint8).copy()
    lengths = torch.tensor([len(each) for each in encoded])
    return {"texts": torch.from_numpy(text), "lengths": lengths}, {"examples": "texts"}


def restored_examples(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Any:
    from scipy.sparse import csr_array

    if settings["examples"] == "array":
        return tensors["examples"].numpy()
    if settings["examples"] == "sparse":
        parts = tuple(tensors[name].numpy() for name in ("data", "indices", "indptr"))
        return csr_array(parts, shape=(len(tensors["classes"]), settings["columns"]))
    text, ends = tensors["texts"].numpy().tobytes(), tensors["lengths"].cumsum(0).tolist()
    return [text[start:end].decode() for start, end in zip([0, *ends[:-1]], ends, strict=True)]
