"""Whole networks as draws: one network with dropout off, or the members of an ensemble."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from lindley.contracts import Categorical, Inputs
from lindley.errors import InputError
from lindley.posteriors.dropout.masks import rate_attribute
from lindley.posteriors.randomness import refuse_random_networks
from lindley.torch_state import isolated_torch_state
from lindley.training.memory_layout import match_memory_layout
from lindley.training.network_calls import extract_logits, forward, network_inputs, normalise, refuse_probabilities
from lindley.training.network_copies import copy_network
from lindley.training.precision import autocast_to, compute_dtype, resolve_precision


class NetworkDraws:
    """Draws that are networks in eval mode, of which it keeps copies.

    Raises InputError, at the first prediction, for a network that is random in eval mode too.
    """

    def __init__(self, modules: Sequence[nn.Module], *, precision: str = "float32", device: str = "cpu") -> None:
        self.num_draws = len(modules)
        fingerprints = "-".join(map(fingerprint, modules))
        self.id = f"networks-{fingerprints}-{resolve_precision(precision, device)}"
        self._modules = [copy_network(module, device) for module in modules]
        self._dtype = compute_dtype(precision, device)
        self._device = device
        self._logits_checked = False

    def predict(self, inputs: Inputs) -> Categorical:
        """Return the predictions of n inputs, in float32."""
        values = network_inputs(inputs, self._device)
        refuse_random_networks(self._modules, values)
        with isolated_torch_state(self._device), autocast_to(self._dtype, self._device):
            logits_of_each = [
                extract_logits(forward(each, match_memory_layout(each, values))) for each in self._modules
            ]
            logits = torch.stack(logits_of_each, dim=1)  # [n, K, C]
            if not self._logits_checked:
                refuse_probabilities(logits, self._modules[0])
                self._logits_checked = len(logits) > 0
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
    """Return the dropout rates of dropout, recurrent and attention layers, by layer and attribute: "lstm.dropout"."""
    return {
        f"{name}.{key}": float(getattr(layer, key))
        for name, layer in module.named_modules()
        if (key := rate_attribute(layer)) is not None
    }


def set_dropout_rates(module: nn.Module, rates: Mapping[str, float]) -> None:
    """Set the rates that `dropout_rates` gave on a module of the same layers.

    Raises:
        InputError: If a layer is missing, or a layer with dropout has no rate among these.
    """
    layers = dict(module.named_modules())
    if missing := sorted(dropout_rates(module).keys() - rates.keys()):
        raise InputError(
            f"the network that was given has a dropout rate at {missing[0]!r}, and none is stored for it",
            argument=missing[0],
        )
    for key, rate in rates.items():
        name, _, attribute = key.rpartition(".")
        if name not in layers or rate_attribute(layers[name]) != attribute:
            raise InputError(
                f"the dropout rate of {key!r} is stored, but the network that was given has none there", argument=key
            )
        setattr(layers[name], attribute, rate)
