"""The reference draws that `reference_posteriors.py` wrote: their data, and the draws as functions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lindley.contracts import Categorical, Classification, Labels
from lindley.pools.memory import MemoryPool

FOLDER = Path(__file__).parents[1] / "tests/posteriors/reference"


@dataclass(frozen=True)
class Reference:
    """One problem: 30 labels, inputs to judge on, held-out labels, and exact draws; is itself `Draws`."""

    name: str
    inputs: Tensor  # [30, 2]
    classes: Tensor  # [30]
    test_inputs: Tensor  # [60, 2]
    held_out_inputs: Tensor  # [H, 2]
    held_out_classes: Tensor  # [H]
    weights: dict[str, Tensor]  # each [K, ...], named as in nn.Sequential of dense layers and tanh
    prior_deviation: float  # of every weight and bias
    some_log_probs: Tensor  # [8, 60, C] of the first draws, as the sampler's program computed them

    @property
    def num_draws(self) -> int:
        return len(self.weights["0.bias"])

    @property
    def id(self) -> str:
        return f"reference-{self.name}"

    @property
    def pool(self) -> MemoryPool:
        """The labelled inputs first, then those with held-out labels."""
        return MemoryPool(torch.cat([self.inputs, self.held_out_inputs]))

    @property
    def labels(self) -> Labels:
        return Labels(torch.arange(len(self.classes)), self.classes)

    @property
    def task(self) -> Classification:
        return Classification(tuple(f"class {c}" for c in range(self.some_log_probs.shape[2])))

    def predict(self, inputs: Tensor) -> Categorical:
        """Predict n inputs, in float64."""
        values = inputs.double()[None]  # [1 or K, n, D]
        for layer in sorted({name.split(".")[0] for name in self.weights}):
            values = values if layer == "0" else values.tanh()
            weight, bias = self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"]
            values = values @ weight.transpose(1, 2) + bias[:, None]
        return Categorical(values.log_softmax(-1).transpose(0, 1).contiguous())


def load(name: str, folder: Path = FOLDER) -> Reference:
    """The reference of that name; no pickle is read."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as stored:
        arrays = {key: torch.from_numpy(stored[key]) for key in stored.files}
    weights = {key.removeprefix("draws."): arrays.pop(key).double() for key in list(arrays) if key.startswith("draws.")}
    prior_deviation = float(arrays.pop("prior_deviation"))
    return Reference(name=name, weights=weights, prior_deviation=prior_deviation, **arrays)


def network(name: str, *, dropout: float = 0.0) -> nn.Sequential:
    """The reference's own model, with dropout in front of its last layer."""
    before_last = [nn.Dropout(dropout)] if dropout else []
    if name == "logistic":
        return nn.Sequential(*before_last, nn.Linear(2, 3))
    return nn.Sequential(nn.Linear(2, 10), nn.Tanh(), *before_last, nn.Linear(10, 2))
