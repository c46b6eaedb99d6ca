"""Whole networks as draws: one network with dropout off, or the members of an ensemble."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.posteriors.training import as_tensor, compute_dtype, image_layout


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
        values = image_layout(as_tensor(inputs).to(self._device))
        bfloat16 = self._dtype == torch.bfloat16
        with (
            torch.no_grad(),
            torch.autocast(torch.device(self._device).type, dtype=torch.bfloat16, enabled=bfloat16),
        ):
            logits = torch.stack([module(values).float() for module in self._modules], dim=1)  # [n, K, C]
        return logits.log_softmax(-1)


def fingerprint(module: nn.Module) -> str:
    """A short hash of a module's weights and buffers."""
    digest = hashlib.blake2b(digest_size=8)
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
