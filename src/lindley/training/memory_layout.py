"""Images and weights channels-last in memory, in which convolutions are fast on CPUs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lindley.training.network_calls import NetworkInputs, forward


def to_channels_last(values: Tensor) -> Tensor:
    """Return images channels-last, 1.2 to 2.7 times as fast (benchmarks/channels_last.py); other tensors unchanged."""
    return values.to(memory_format=torch.channels_last) if values.dim() == 4 else values


def convert_to_channels_last(module: nn.Module, rows: NetworkInputs) -> None:
    """Put the weights of an image network channels-last, in place, unless it cannot read images laid out so.

    A network whose forward calls `view` cannot. So the rows are tried in eval mode, and the weights are put back where
    that fails.
    """
    if not isinstance(rows, Tensor) or rows.dim() != 4:
        return
    _change_layout(module, torch.channels_last)
    training = module.training
    try:
        with torch.no_grad():
            forward(module.eval(), to_channels_last(rows))
    except RuntimeError:
        _change_layout(module, torch.contiguous_format)
    finally:
        module.train(training)


def match_memory_layout(module: nn.Module, inputs: NetworkInputs) -> NetworkInputs:
    """Return images channels-last where the network's weights are, and other inputs unchanged."""
    if not isinstance(inputs, Tensor) or inputs.dim() != 4:
        return inputs
    is_channels_last = any(
        weights.dim() == 4 and weights.is_contiguous(memory_format=torch.channels_last) and not weights.is_contiguous()
        for weights in module.parameters()
    )
    return to_channels_last(inputs) if is_channels_last else inputs


def _change_layout(module: nn.Module, layout: torch.memory_format) -> None:
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.to(memory_format=layout)
