"""Whole networks as draws: one network with dropout off, or the members of an ensemble."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.posteriors.layout import as_its_weights
from lindley.posteriors.network_calls import called, logits_of, network_inputs, normalised
from lindley.posteriors.training import compute_dtype


class NetworksAsDraws:
    """Draw k is network k in eval mode."""

    def __init__(self, modules: Sequence[nn.Module], *, precision: str = "float32", device: str = "cpu") -> None:
        self.num_draws = len(modules)
        self.id = f"networks-{'-'.join(fingerprint(module) for module in modules)}-{precision}"
        self._modules = [module.eval() for module in modules]
        self._dtype = compute_dtype(precision)
        self._device = device

    def log_probs(self, inputs: Inputs) -> Tensor:
        """n inputs -> [n, K, C] nats, float32."""
        values = network_inputs(inputs, self._device)
        bfloat16 = self._dtype == torch.bfloat16
        with (
            torch.no_grad(),
            torch.autocast(torch.device(self._device).type, dtype=torch.bfloat16, enabled=bfloat16),
        ):
            each = [logits_of(called(module, as_its_weights(module, values))) for module in self._modules]
        logits = torch.stack(each, dim=1)  # [n, K, C]
        return normalised(logits)


def fingerprint(module: nn.Module) -> str:
    """A short hash of a module's weights, buffers and dropout probabilities."""
    digest = hashlib.blake2b(digest_size=8)
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    for name, layer in module.named_modules():
        if isinstance(probability := getattr(layer, "p", None), float | int):
            digest.update(f"{name} {probability}".encode())
    return digest.hexdigest()
