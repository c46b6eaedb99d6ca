"""Early stopping on labels that are given for it, and for nothing else."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from lindley.errors import FitError
from lindley.training.memory_layout import as_its_weights
from lindley.training.network_calls import NetworkInputs, forward, logits_of


class BestWeights:
    """The weights with the lowest NLL of the validation labels [V] so far."""

    def __init__(self, inputs: NetworkInputs, classes: Tensor, *, patience: int) -> None:
        self._inputs, self._classes, self._patience = inputs, classes, patience
        self._nll, self._weights, self._waited = float("inf"), dict[str, Tensor](), 0

    def seen(self, module: nn.Module) -> bool:
        """Evaluate the module as it is now, and return whether it is time to stop."""
        with torch.no_grad():
            logits = logits_of(forward(module.eval(), as_its_weights(module, self._inputs)))
            nll = nn.functional.cross_entropy(logits, self._classes).item()
        module.train()
        if not math.isfinite(nll):
            raise FitError(
                f"the loss of the {len(self._classes)} validation labels became {nll}; lower training.learning_rate "
                "or look for inputs that are not finite"
            )
        if nll < self._nll or not self._weights:
            self._nll, self._waited = nll, 0
            self._weights = {name: value.detach().clone() for name, value in module.state_dict().items()}
        else:
            self._waited += 1
        return self._waited >= self._patience

    def restore(self, module: nn.Module) -> None:
        """Put the best weights back."""
        module.load_state_dict(self._weights)
