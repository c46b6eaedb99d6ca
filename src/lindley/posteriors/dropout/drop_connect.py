"""DropConnect: frozen masks on weights instead of units.

Source: Wan et al. 2013, "Regularization of Neural Networks using DropConnect". The weights that are kept are divided by
the probability of being kept, so that their average is the trained weight. Training does not use these masks.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lindley.errors import InputError
from lindley.posteriors.dropout.sites import Site

DROP_CONNECT_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""The layers whose weights may be dropped: these types themselves, not types that inherit from them."""


def check_drop_connect(module: nn.Module, probability: float) -> None:
    """Raise InputError where the probability is not in [0, 1), or no layer has weights to drop."""
    if not 0.0 <= probability < 1.0:
        raise InputError(argument="drop_connect", expected="at least 0 and less than 1", got=probability)
    if probability and not any(type(layer) in DROP_CONNECT_LAYERS for layer in module.modules()):
        names = ", ".join(f"nn.{kind.__name__}" for kind in DROP_CONNECT_LAYERS)
        raise InputError(
            f"drop_connect drops weights of {names}; this network has none. Leave drop_connect at 0",
            argument="drop_connect",
            got=probability,
        )


class FrozenWeights:
    """Replaces the forward of a dense or convolutional layer: it uses the weights that the current draw keeps."""

    def __init__(self, layer: nn.Module, site: Site, probability: float) -> None:
        self._layer = layer
        self._site = site
        self._probability = probability

    def __call__(self, input: Tensor) -> Tensor:
        layer = self._layer
        assert isinstance(layer, DROP_CONNECT_LAYERS)
        weight = layer.weight * self._site.weight_mask(self._probability, layer.weight)
        if isinstance(layer, nn.Linear):
            return functional.linear(input, weight, layer.bias)
        output: Tensor = layer._conv_forward(input, weight, layer.bias)  # pads as the layer's padding_mode says
        return output
