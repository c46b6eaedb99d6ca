"""Early stopping on validation labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lindley.errors import FitError
from lindley.training.memory_layout import match_memory_layout
from lindley.training.network_calls import NetworkInputs, extract_logits, forward


class EarlyStopping:
    """A fit stops when the NLL of the validation labels [V] no longer falls; the weights with the lowest are kept."""

    def __init__(self, inputs: NetworkInputs, classes: Tensor, *, patience: int) -> None:
        self._inputs, self._classes, self._patience = inputs, classes, patience
        self._nll, self._weights, self._checks_since_best = float("inf"), dict[str, Tensor](), 0

    def update(self, module: nn.Module) -> bool:
        """Evaluate the module as it is now, and return whether to stop.

        Raises:
            FitError: If the loss of the validation labels is not finite.
        """
        with torch.no_grad():
            logits = extract_logits(forward(module.eval(), match_memory_layout(module, self._inputs)))
            nll = nn.functional.cross_entropy(logits, self._classes).item()
        module.train()
        if not math.isfinite(nll):
            raise FitError(
                f"the loss of the {len(self._classes)} validation labels became {nll}; lower training.learning_rate "
                "or look for inputs that are not finite"
            )
        if nll < self._nll or not self._weights:
            self._nll, self._checks_since_best = nll, 0
            self._weights = {name: value.detach().clone() for name, value in module.state_dict().items()}
        else:
            self._checks_since_best += 1
        return self._checks_since_best >= self._patience

    def restore(self, module: nn.Module) -> None:
        """Put the best weights back."""
        module.load_state_dict(self._weights)
