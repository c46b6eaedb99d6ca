"""Draws of a network that is linear in its weights: f(x) + J(x) (w_k - w), by forward-mode differentiation.

Source: Immer, Korzepa and Bauer 2021, arXiv:2008.08400.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp

from lindley.contracts import Categorical, Inputs
from lindley.posteriors.network_draws import fingerprint
from lindley.posteriors.randomness import refuse_random_networks
from lindley.torch_state import isolated_torch_state
from lindley.training.memory_layout import match_memory_layout
from lindley.training.network_calls import extract_logits, network_inputs, normalise
from lindley.training.network_copies import copy_network


class LinearisedDraws:
    """Draws of a linearised network: its logits and their derivative along deviation k of its weights, in float32.

    `deviations` [K, P] are from the weights of the module, in the order of its parameters.
    """

    def __init__(self, module: nn.Module, deviations: Tensor, *, device: str = "cpu") -> None:
        self.num_draws = len(deviations)
        digest = hashlib.blake2b(deviations.cpu().contiguous().view(torch.uint8).numpy().tobytes(), digest_size=8)
        self.id = f"linearised-{fingerprint(module)}-{digest.hexdigest()}"
        self._module, self._deviations, self._device = copy_network(module), deviations, device

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        with isolated_torch_state(self._device):
            return Categorical(normalise(self.logits(inputs)))

    def logits(self, inputs: Inputs) -> Tensor:
        """Logits of n inputs under each draw; their mean over many draws is the network's own.  -> [n, K, C] float32"""
        with isolated_torch_state(self._device):
            values = match_memory_layout(self._module, network_inputs(inputs, self._device))
            refuse_random_networks([self._module], values)
            weights = {name: value.detach() for name, value in self._module.named_parameters()}
            arguments, named = ((values,), {}) if isinstance(values, Tensor) else ((), dict(values))

            def logits(given: dict[str, Tensor]) -> Tensor:
                return extract_logits(functional_call(self._module, given, arguments, named))

            return _linearise(logits, weights, self._deviations)


def _linearise(logits: Callable[[dict[str, Tensor]], Tensor], weights: dict[str, Tensor], deviations: Tensor) -> Tensor:
    """Return f(w) + J(w) d for each deviation d.  [K, P] -> [n, K, C]"""
    sizes = [value.numel() for value in weights.values()]
    each = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, of torch.jit, at the first jvp of a process
        for deviation in deviations:
            parts = zip(weights.items(), deviation.split(sizes), strict=True)
            tangents = {name: part.view(value.shape) for (name, value), part in parts}
            value, slope = jvp(logits, (weights,), (tangents,))  # type: ignore[misc]  # three with has_aux
            each.append(value + slope)
    return torch.stack(each, dim=1)
