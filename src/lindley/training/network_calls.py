"""Inputs of networks, as one tensor or several by name; forward passes; logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lindley.contracts import Inputs
from lindley.errors import InputError

NetworkInputs = Tensor | Mapping[str, Tensor]
"""One tensor, or tensors by the names of the arguments of a network's forward (input_ids, attention_mask)."""
_SUM_TOLERANCE = 1e-4
"""Sums of probabilities in float32 are nearer to one than this."""


def network_inputs(inputs: Inputs, device: str) -> NetworkInputs:
    """Return the inputs on the device, without a graph.

    Raises:
        InputError: If they are neither a tensor nor tensors by name with n rows each.
    """
    if isinstance(inputs, Tensor):
        return inputs.detach().to(device)
    if not isinstance(inputs, Mapping) or not all(isinstance(value, Tensor) for value in inputs.values()):
        raise InputError(
            "a network reads a tensor, or a mapping of names to tensors that its forward takes; "
            f"got {type(inputs).__name__}",
            argument="inputs",
            got=type(inputs).__name__,
        )
    lengths = {name: len(value) if value.dim() else None for name, value in inputs.items()}
    if len(set(lengths.values())) != 1 or None in lengths.values():
        raise InputError(
            f"every tensor of a mapping needs the same number of rows on its first axis; got {lengths}",
            argument="inputs",
            got=lengths,
        )
    return {name: value.detach().to(device) for name, value in inputs.items()}


def to_device_async(values: Tensor, device: str | torch.device) -> Tensor:
    """Copy a small tensor from the CPU to the device, without waiting for the work that a CUDA device has queued.

    CUDA has read the memory when the call returns. Other devices, such as MPS, read it later, so there the copy waits.
    """
    return values.to(device, non_blocking=torch.device(device).type == "cuda")


def as_tensor(inputs: Inputs) -> Tensor:
    """Return the inputs as one tensor without a graph, for learners that read nothing else."""
    if not isinstance(inputs, Tensor):
        raise InputError(
            f"this learner reads pools of tensors; this pool gave {type(inputs).__name__}",
            argument="inputs",
            got=type(inputs).__name__,
        )
    return inputs.detach()


def num_rows(inputs: NetworkInputs) -> int:
    """Return the number of rows."""
    return len(inputs) if isinstance(inputs, Tensor) else len(next(iter(inputs.values())))


def device_type(inputs: NetworkInputs) -> str:
    """Return the kind of device that holds the inputs, such as "cpu" or "cuda"."""
    return (inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))).device.type


def take_rows(inputs: NetworkInputs, positions: Tensor) -> NetworkInputs:
    """Return the rows at these positions, [b]."""
    if isinstance(inputs, Tensor):
        return inputs[positions]
    return {name: value[positions] for name, value in inputs.items()}


def repeat_first_row(inputs: NetworkInputs, count: int) -> NetworkInputs:
    """Repeat the first row `count` times, in memory of its own."""
    if isinstance(inputs, Tensor):
        return inputs[:1].expand(count, *inputs.shape[1:]).clone()
    return {name: value[:1].expand(count, *value.shape[1:]).clone() for name, value in inputs.items()}


def forward(module: nn.Module, inputs: NetworkInputs) -> Any:
    """Call the module on the inputs, by name where they are a mapping."""
    return module(inputs) if isinstance(inputs, Tensor) else module(**inputs)


def extract_logits(output: Any) -> Tensor:
    """Return a network's output, or its field `logits` as in outputs of transformers, as [n, C] float32."""
    logits = output if isinstance(output, Tensor) else getattr(output, "logits", None)
    if logits is None and isinstance(output, Mapping):
        logits = output.get("logits")
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        got = f"{type(output).__name__} of {[*logits.shape]}" if isinstance(logits, Tensor) else type(output).__name__
        raise InputError(
            f"a network must give logits [n, C], or an object or mapping with such `logits`; this one gave {got}",
            argument="network",
            got=got,
        )
    return logits.float()


def refuse_probabilities(logits: Tensor, module: nn.Module) -> None:
    """Raise InputError where all outputs are probabilities: not negative, with a sum of one.  [..., C]

    A softmax of a softmax trains, to predictions that cannot be sure. Log-probabilities are logits as well.
    """
    are_probabilities = (logits >= 0).all(-1) & ((logits.sum(-1) - 1).abs() <= _SUM_TOLERANCE)  # never of NaN
    if logits.numel() == 0 or not bool(are_probabilities.all()):
        return
    last = [name for name, layer in module.named_modules() if isinstance(layer, nn.Softmax)][-1:]
    where = f"nn.Softmax at {last[0]!r}" if last else "a softmax, in its forward"
    raise InputError(
        f"this {type(module).__name__} gives probabilities ({where}), and logits are needed: leave the softmax out, or "
        "give logarithms of probabilities",
        argument="network",
        got="probabilities",
    )


def collect_tensors(value: Any) -> list[Tensor]:
    """Return all tensors of nested tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for part in value.values() for tensor in collect_tensors(part)]
    if isinstance(value, tuple | list):
        return [tensor for part in value for tensor in collect_tensors(part)]
    return []


def normalise(logits: Tensor) -> Tensor:
    """Return the log-probabilities of logits [n, K, C], in nats.

    Over a short last axis torch's log_softmax takes about ten times as long as over a middle one.
    """
    if logits.shape[2] > 100:
        return logits.log_softmax(2)
    return logits.transpose(1, 2).contiguous().log_softmax(1).transpose(1, 2).contiguous()
