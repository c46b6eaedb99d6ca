"""Whole networks as draws: one network with dropout off, or the members of an ensemble."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from lindley.contracts import Categorical, Inputs
from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.posteriors.dropout.masks import rate_of
from lindley.posteriors.randomness import refuse_random_networks
from lindley.training.memory_layout import as_its_weights
from lindley.training.network_calls import forward, logits_of, network_inputs, normalise, refuse_probabilities
from lindley.training.network_copies import copy_network
from lindley.training.precision import compute_dtype, computing_in, resolve_precision


class NetworksAsDraws:
    """Draw k is network k in eval mode, of which a copy is kept.

    Raises InputError, when first asked, for a network that is random in eval mode too.
    """

    def __init__(self, modules: Sequence[nn.Module], *, precision: str = "float32", device: str = "cpu") -> None:
        self.num_draws = len(modules)
        of_each = "-".join(fingerprint(module) for module in modules)
        self.id = f"networks-{of_each}-{resolve_precision(precision, device)}"
        self._modules = [copy_network(module, device) for module in modules]
        self._dtype = compute_dtype(precision, device)
        self._device = device
        self._found_logits = False

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        values = network_inputs(inputs, self._device)
        refuse_random_networks(self._modules, values)
        with isolated_torch_state(self._device), computing_in(self._dtype, self._device):
            each = [logits_of(forward(module, as_its_weights(module, values))) for module in self._modules]
            logits = torch.stack(each, dim=1)  # [n, K, C]
            if not self._found_logits:
                refuse_probabilities(logits, self._modules[0])
                self._found_logits = len(logits) > 0
        with isolated_torch_state(self._device):
            return Categorical(normalise(logits))


def fingerprint(module: nn.Module) -> str:
    """Return a short hash of a module's weights, buffers and dropout rates."""
    digest = hashlib.blake2b(digest_size=8)
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    digest.update(repr(dropout_rates(module)).encode())
    return digest.hexdigest()


def dropout_rates(module: nn.Module) -> dict[str, float]:
    """Return the rates of dropout, recurrent and attention layers by where they stand, as "lstm.dropout"."""
    return {
        f"{name}.{key}": float(getattr(layer, key))
        for name, layer in module.named_modules()
        if (key := rate_of(layer)) is not None
    }


def set_dropout_rates(module: nn.Module, rates: Mapping[str, float]) -> None:
    """Set the rates that `dropout_rates` gave on a module of the same layers.

    Raises InputError where a layer is not there, or has no rate among these.
    """
    layers = dict(module.named_modules())
    if missing := sorted(dropout_rates(module).keys() - rates.keys()):
        raise InputError(f"the network that was given has a dropout rate at {missing[0]!r}, and none is stored for it")
    for place, rate in rates.items():
        name, _, key = place.rpartition(".")
        if name not in layers or rate_of(layers[name]) != key:
            raise InputError(f"the dropout rate of {place!r} is stored, but the network that was given has none there")
        setattr(layers[name], key, rate)
