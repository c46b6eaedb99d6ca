"""Members of an ensemble trained at once: one step of small dense networks is mostly overhead, and they share it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from lindley.contracts import TrainingData
from lindley.errors import FitError
from lindley.modes import isolated_torch_state
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.training.config import TrainingConfig
from lindley.training.loop import explain_precisions, read_labelled
from lindley.training.network_calls import as_tensor, to_device_async
from lindley.training.network_factory import make_network
from lindley.training.random_state import fork_rng
from lindley.training.steps import (
    Losses,
    class_weights,
    divergence_message,
    learning_rates,
    minibatches,
    optimizer_of,
    weights_message,
)

_DENSE = (nn.Sequential, nn.Flatten, nn.Linear, nn.ReLU, nn.LeakyReLU, nn.Identity, nn.Tanh, nn.GELU, nn.SiLU, nn.ELU)
MOST_WEIGHTS = 200_000
"""Above, the products themselves take the time, and side by side there is nothing to gain."""


def can_vectorise(module: nn.Module, config: TrainingConfig, precision: str) -> bool:
    """Return whether members like this one can be trained at once to the same weights as one after the other.

    Small networks of dense layers without dropout, whose noise in training would depend on the other members.
    """
    if precision != "float32" or config.augments or config.patience:
        return False
    plain = all(type(layer) in _DENSE and not layer._forward_pre_hooks for layer in module.modules())
    return plain and sum(weights.numel() for weights in module.parameters()) <= MOST_WEIGHTS


def train_vectorised(
    network: Callable[[], nn.Module],
    data: TrainingData,
    *,
    config: TrainingConfig,
    device: str,
    seeds: Sequence[int],
) -> list[nn.Module]:
    """Return one network for each seed, in eval mode: those that `train` gives, up to rounding.

    Raises FitError where the loss of one is not finite.
    """
    given, classes = read_labelled(data.pool, data.labels, device)
    num_labels = len(data.labels)
    inputs = as_tensor(given)  # [L, ...]
    modules = [_initialised(network, seed, device) for seed in seeds]
    shape = copy.deepcopy(modules[0])
    weights, _ = stack_module_state(modules)
    optimizer = optimizer_of(list(weights.values()), config)
    steps = config.num_steps(num_labels)
    decay = learning_rates(optimizer, config, steps)
    streams = [minibatches(num_labels, config.batch_size, torch_generator(seed, "minibatches")) for seed in seeds]
    forward = vmap(lambda given, batch: functional_call(shape, given, (batch,)))
    of_class = class_weights(config, data.num_classes, device)

    def told(step: int, loss: float, member: int) -> str:
        return f"member {member} of {len(seeds)}: {divergence_message(steps, config, num_labels, step, loss)}"

    with isolated_torch_state(device, gradients=True):
        with Losses(device, told) as seen:
            for _ in range(steps):
                positions = to_device_async(torch.stack([next(stream) for stream in streams]), device)  # [E, b]
                optimizer.zero_grad(set_to_none=True)
                with explain_precisions(inputs, modules[0]):
                    logits = forward(weights, inputs[positions])  # [E, b, C]
                losses = _mean_losses(logits, classes[positions], of_class)  # [E]
                if config.prior_precision:
                    losses = losses + config.prior_precision / (2 * num_labels) * _squared(weights)
                seen.add(losses)
                losses.sum().backward()
                optimizer.step()
                decay.step()
        if not all(bool(value.isfinite().all()) for value in weights.values()):
            raise FitError(f"a member of {len(seeds)}: {weights_message(steps, config, num_labels)}")
    for member, module in enumerate(modules):
        module.load_state_dict({name: value[member].detach() for name, value in weights.items()})
    return [module.eval() for module in modules]


def _initialised(network: Callable[[], nn.Module], seed: int, device: str) -> nn.Module:
    with fork_rng(derive_seed(seed, "network"), device):
        return make_network(network, device)


def _mean_losses(logits: Tensor, classes: Tensor, of_class: Tensor | None) -> Tensor:
    each = nn.functional.cross_entropy(logits.flatten(0, 1).float(), classes.flatten(), of_class, reduction="none")
    summed: Tensor = each.unflatten(0, classes.shape).sum(1)
    return summed / (classes.shape[1] if of_class is None else of_class[classes].sum(1))


def _squared(weights: dict[str, Tensor]) -> Tensor:
    """Σ w² of each member, biases not counted.  -> [E]"""
    return torch.stack([value.square().flatten(1).sum(1) for value in weights.values() if value.dim() > 2]).sum(0)
