"""Channels-last: the layout of images and weights in memory in which convolutions are fast on CPUs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.training.network_calls import NetworkInputs, forward


def image_layout(values: Tensor) -> Tensor:
    """Return images channels-last, 1.2 to 2.7 times as fast (benchmarks/channels_last.py); all else as it is."""
    return values.to(memory_format=torch.channels_last) if values.dim() == 4 else values


def lay_out_for_images(module: nn.Module, rows: NetworkInputs) -> None:
    """Put the weights of a network of images channels-last, unless it cannot read such images.

    A `view` in its forward cannot: it is tried on the rows, in eval mode, and the weights are put back.
    """
    if not isinstance(rows, Tensor) or rows.dim() != 4:
        return
    _change_layout(module, torch.channels_last)
    training = module.training
    try:
        with torch.no_grad():
            forward(module.eval(), image_layout(rows))
    except RuntimeError:
        _change_layout(module, torch.contiguous_format)
    finally:
        module.train(training)


def as_its_weights(module: nn.Module, inputs: NetworkInputs) -> NetworkInputs:
    """Return images channels-last where the network's weights are, and anything else as it is."""
    if not isinstance(inputs, Tensor) or inputs.dim() != 4:
        return inputs
    last = any(
        weights.dim() == 4 and weights.is_contiguous(memory_format=torch.channels_last) and not weights.is_contiguous()
        for weights in module.parameters()
    )
    return image_layout(inputs) if last else inputs


def _change_layout(module: nn.Module, layout: torch.memory_format) -> None:
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.to(memory_format=layout)
