"""What a fit does with its network, done with an untrained one before the training, which may take hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

from lindley.contracts import Inputs, TrainingData
from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.training.config import TrainingConfig
from lindley.training.loop import explain_precisions, read_labelled
from lindley.training.network_calls import NetworkInputs, forward, logits_of, num_rows, refuse_probabilities, rows_at
from lindley.training.network_factory import changed_buffers, make_network, mark_trained
from lindley.training.precision import compute_dtype, computing_in
from lindley.training.random_state import fork_rng

_ROUNDING = 0.02
"""Of the largest output: float32 and bfloat16 add in another order where there are more rows."""


def dry_run(
    network: Callable[[], nn.Module],
    data: TrainingData,
    use: Callable[[nn.Module, Inputs], object],
    *,
    config: TrainingConfig,
    precision: str,
    device: str,
) -> nn.Module:
    """Return an untrained network that has gone through one step's forward and through `use`. Generators stay.

    Args:
        network: Makes a network.
        data: Of whose labels two are used, or as many as a minibatch has.
        use: What is to be done with the trained network, on the same rows; it is called in eval mode.
        config: Of the training.
        precision: In which the network computes.
        device: Where it computes.

    Raises:
        InputError: If the network has another number of outputs than there are classes, gives probabilities, shares
            weights with another one, or cannot do what `use` does.
    """
    count = min(2, config.batch_size, len(data.labels))
    inputs, _ = read_labelled(data.pool, data.labels.take(torch.arange(count)), device)
    with fork_rng(0, device), isolated_torch_state(device, gradients=True):
        module = make_network(network, device)
        before = {name: value.clone() for name, value in module.named_buffers() if not is_lazy(value)}
        with (
            explain_precisions(inputs, module),
            _explain_single_rows(module, num_rows(inputs)),
            computing_in(compute_dtype(precision, device), device),
        ):
            logits = logits_of(forward(module, inputs))
        mark_trained([*changed_buffers(module, before), *(each for each in module.parameters() if each.requires_grad)])
        _refuse_other_outputs(logits, data.num_classes)
        refuse_probabilities(logits, module)
        use(module.eval(), inputs)
        _refuse_functions_of_the_batch(module, inputs)
    return module


def _refuse_functions_of_the_batch(module: nn.Module, inputs: NetworkInputs) -> None:
    """Raise InputError where a row's outputs in eval mode depend on the rows beside it: no draw is a function then."""
    count = num_rows(inputs)
    if count < 2:
        return
    together = _eval_logits(module, inputs)
    try:
        alone = torch.cat([_eval_logits(module, rows_at(inputs, torch.tensor([row]))) for row in range(count)])
    except ValueError as error:
        raise InputError(f"the network cannot predict one row alone: {error}") from error
    if bool(((together - alone).abs() > _ROUNDING * (1 + together.abs().amax())).any()):
        raise InputError(
            "what the network predicts of a row depends on the rows beside it, so that no draw is one function of a "
            "row: leave out batch statistics in eval mode (track_running_stats=False, x - x.mean(0))"
        )


def _eval_logits(module: nn.Module, inputs: NetworkInputs) -> Tensor:
    with torch.no_grad():
        return logits_of(forward(module, inputs))


def _refuse_other_outputs(logits: Tensor, needed: int) -> None:
    given = logits.shape[1]
    if given == needed:
        return
    advice = f"end it in nn.Linear(..., {needed}), with one output for each class"
    if given == 1:
        advice = f"one output is that of a sigmoid; {advice}"
    raise InputError(f"the network gives {given} outputs for {needed} classes; {advice}")


@contextmanager
def _explain_single_rows(module: nn.Module, rows: int) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        norms = [name for name, layer in module.named_modules() if isinstance(layer, _BatchNorm)]
        if rows > 1 or not norms or isinstance(error, InputError):
            raise
        raise InputError(
            f"batch norm ({norms[0]!r}) cannot be trained on minibatches of one row: label two rows at least, with a "
            "training.batch_size of two or more, or use nn.GroupNorm or nn.LayerNorm"
        ) from error
