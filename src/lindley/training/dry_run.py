"""One step of training and one use of an untrained network, so that a fault shows before hours of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from lindley.contracts import Inputs, TrainingData
from lindley.errors import InputError
from lindley.torch_state import isolated_torch_state
from lindley.training.config import TrainingConfig
from lindley.training.loop import explain_dtype_errors, read_labelled_rows
from lindley.training.network_calls import (
    NetworkInputs,
    extract_logits,
    forward,
    num_rows,
    refuse_probabilities,
    take_rows,
)
from lindley.training.network_factory import find_changed_buffers, make_network, mark_trained
from lindley.training.precision import autocast_to, compute_dtype
from lindley.training.random_state import fork_rng

_TOLERANCE = 0.02
"""The share of the largest output: float32 and bfloat16 add in another order where there are more rows."""


def dry_run(
    network: Callable[[], nn.Module],
    data: TrainingData,
    use: Callable[[nn.Module, Inputs], object],
    *,
    config: TrainingConfig,
    precision: str,
    device: str,
) -> nn.Module:
    """Send two labelled rows through an untrained network and through `use`, and return it. Generators stay.

    Args:
        network: Makes a network.
        data: The pool and its labels. Two are used, or one where a minibatch has one.
        use: What will be done with the trained network, on the same rows; it is called in eval mode.
        config: How to train.
        precision: The precision in which the network computes.
        device: The device on which it computes.

    Raises:
        InputError: If the network has another number of outputs than there are classes, gives probabilities, shares
            weights with another one, predicts a row by the rows beside it, or cannot do what `use` does.
    """
    count = min(2, config.batch_size, len(data.labels))
    inputs, _ = read_labelled_rows(data.pool, data.labels.take(torch.arange(count)), device)
    with fork_rng(0, device), isolated_torch_state(device, gradients=True):
        module = make_network(network, device)
        before = {name: value.clone() for name, value in module.named_buffers() if not is_lazy(value)}
        with (
            explain_dtype_errors(inputs, module),
            _explain_single_row_batches(module, num_rows(inputs)),
            autocast_to(compute_dtype(precision, device), device),
        ):
            logits = extract_logits(forward(module, inputs))
        mark_trained(find_changed_buffers(module, before))
        mark_trained(each for each in module.parameters() if each.requires_grad)
        _check_num_outputs(logits, data.num_classes)
        refuse_probabilities(logits, module)
        use(module.eval(), inputs)
        _refuse_batch_dependence(module, inputs)
    return module


def _refuse_batch_dependence(module: nn.Module, inputs: NetworkInputs) -> None:
    """Raise InputError where a row's outputs in eval mode depend on the rows beside it: no draw is a function then."""
    count = num_rows(inputs)
    if count < 2:
        return
    in_batch = _eval_logits(module, inputs)
    try:
        alone = torch.cat([_eval_logits(module, take_rows(inputs, torch.tensor([row]))) for row in range(count)])
    except ValueError as error:
        raise InputError(
            f"the network cannot predict one row alone: {error}", argument="network", got="a function of the batch"
        ) from error
    if bool(((in_batch - alone).abs() > _TOLERANCE * (1 + in_batch.abs().amax())).any()):
        raise InputError(
            "what the network predicts of a row depends on the rows beside it, so that no draw is one function of a "
            "row: leave out batch statistics in eval mode (track_running_stats=False, x - x.mean(0))",
            argument="network",
            got="a function of the batch",
        )


def _eval_logits(module: nn.Module, inputs: NetworkInputs) -> Tensor:
    with torch.no_grad():
        return extract_logits(forward(module, inputs))


def _check_num_outputs(logits: Tensor, num_classes: int) -> None:
    num_outputs = logits.shape[1]
    if num_outputs == num_classes:
        return
    advice = f"end it in nn.Linear(..., {num_classes}), with one output for each class"
    if num_outputs == 1:
        advice = f"one output is that of a sigmoid; {advice}"
    raise InputError(
        f"the network gives {num_outputs} outputs for {num_classes} classes; {advice}",
        argument="network",
        got=num_outputs,
    )


@contextmanager
def _explain_single_row_batches(module: nn.Module, rows: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        norms = [name for name, layer in module.named_modules() if isinstance(layer, _BatchNorm)]
        if rows > 1 or not norms or isinstance(error, InputError):
            raise
        raise InputError(
            f"batch norm ({norms[0]!r}) cannot be trained on minibatches of one row: label two rows at least, with a "
            "training.batch_size of two or more, or use nn.GroupNorm or nn.LayerNorm",
            argument="training.batch_size",
            got=rows,
        ) from error
