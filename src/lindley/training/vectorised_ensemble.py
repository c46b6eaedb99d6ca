"""Members of an ensemble trained at once: a step of a small dense network is mostly overhead, which they share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from lindley.contracts import TrainingData
from lindley.errors import FitError
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.torch_state import isolated_torch_state
from lindley.training.config import TrainingConfig
from lindley.training.loop import explain_dtype_errors, read_labelled_rows
from lindley.training.network_calls import as_tensor, to_device_async
from lindley.training.network_factory import make_network
from lindley.training.optimisation import (
    LossMonitor,
    class_weights,
    divergence_message,
    make_optimizer,
    make_scheduler,
    minibatches,
    nonfinite_weights_message,
)
from lindley.training.random_state import fork_rng

_VECTORISABLE_LAYERS = (
    nn.Sequential,
    nn.Flatten,
    nn.Linear,
    nn.ReLU,
    nn.LeakyReLU,
    nn.Identity,
    nn.Tanh,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
)
MAX_WEIGHTS = 200_000
"""In larger networks the matrix products take most of the time, and vectorising gains nothing."""


def can_vectorise(module: nn.Module, config: TrainingConfig, precision: str) -> bool:
    """Return whether members like this one can be trained at once, to the same weights as one after the other.

    True for small networks of dense layers without dropout, whose noise in training would depend on the other members.

    Args:
        module: A member.
        config: How it is trained.
        precision: The precision in which it computes.
    """
    if precision != "float32" or config.augmentations or config.patience:
        return False
    is_plain = all(type(layer) in _VECTORISABLE_LAYERS and not layer._forward_pre_hooks for layer in module.modules())
    return is_plain and sum(weights.numel() for weights in module.parameters()) <= MAX_WEIGHTS


def train_vectorised(
    network: Callable[[], nn.Module],
    data: TrainingData,
    *,
    config: TrainingConfig,
    device: str,
    seeds: Sequence[int],
) -> list[nn.Module]:
    """Train one network for each seed, up to rounding as `train` does, and return them in eval mode.

    Args:
        network: Makes a network with new weights.
        data: The pool and its labels.
        config: How to train.
        device: The device on which the networks compute.
        seeds: The seed of each member.

    Raises:
        FitError: If the loss or a weight of a member is not finite.
    """
    rows, classes = read_labelled_rows(data.pool, data.labels, device)
    num_labels = len(data.labels)
    inputs = as_tensor(rows)  # [L, ...]
    modules = [_initialise(network, seed, device) for seed in seeds]
    skeleton = copy.deepcopy(modules[0])
    weights, _ = stack_module_state(modules)
    optimizer = make_optimizer(list(weights.values()), config)
    steps = config.num_steps(num_labels)
    scheduler = make_scheduler(optimizer, config, steps)
    streams = [minibatches(num_labels, config.batch_size, torch_generator(seed, "minibatches")) for seed in seeds]
    forward = vmap(lambda member, batch: functional_call(skeleton, member, (batch,)))
    of_class = class_weights(config, data.num_classes, device)

    def message(step: int, loss: float, member: int) -> str:
        return f"member {member} of {len(seeds)}: {divergence_message(steps, config, num_labels, step, loss)}"

    with isolated_torch_state(device, gradients=True):
        with LossMonitor(device, message) as monitor:
            for _ in range(steps):
                positions = to_device_async(torch.stack([next(stream) for stream in streams]), device)  # [E, b]
                optimizer.zero_grad(set_to_none=True)
                with explain_dtype_errors(inputs, modules[0]):
                    logits = forward(weights, inputs[positions])  # [E, b, C]
                losses = _mean_losses(logits, classes[positions], of_class)  # [E]
                if config.prior_precision:
                    losses = losses + config.prior_precision / (2 * num_labels) * _sums_of_squared_weights(weights)
                monitor.add(losses)
                losses.sum().backward()
                optimizer.step()
                scheduler.step()
        if not all(bool(value.isfinite().all()) for value in weights.values()):
            text = f"a member of {len(seeds)}: {nonfinite_weights_message(steps, config, num_labels)}"
            raise FitError(text, step=steps)
    for member, module in enumerate(modules):
        module.load_state_dict({name: value[member].detach() for name, value in weights.items()})
    return [module.eval() for module in modules]


def _initialise(network: Callable[[], nn.Module], seed: int, device: str) -> nn.Module:
    with fork_rng(derive_seed(seed, "network"), device):
        return make_network(network, device)


def _mean_losses(logits: Tensor, classes: Tensor, of_class: Tensor | None) -> Tensor:
    each = nn.functional.cross_entropy(logits.flatten(0, 1).float(), classes.flatten(), of_class, reduction="none")
    summed: Tensor = each.unflatten(0, classes.shape).sum(1)
    return summed / (classes.shape[1] if of_class is None else of_class[classes].sum(1))


def _sums_of_squared_weights(weights: dict[str, Tensor]) -> Tensor:
    """Σ w² of each member, without biases.  -> [E]"""
    return torch.stack([value.square().flatten(1).sum(1) for value in weights.values() if value.dim() > 2]).sum(0)
