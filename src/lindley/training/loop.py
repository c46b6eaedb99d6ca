"""The one training loop: Adam or AdamW, seeded, from scratch unless asked otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from lindley.contracts import Labels, Pool, TrainingData
from lindley.errors import FitError, InputError
from lindley.modes import isolated_torch_state
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.training.augmentation import augment
from lindley.training.config import TrainingConfig
from lindley.training.early_stopping import BestWeights
from lindley.training.memory_layout import as_its_weights, lay_out_for_images
from lindley.training.network_calls import NetworkInputs, forward, logits_of, network_inputs, rows_at, to_device_async
from lindley.training.network_factory import make_network
from lindley.training.precision import compute_dtype, computing_in
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


def train(
    network: Callable[[], nn.Module],
    data: TrainingData,
    *,
    config: TrainingConfig,
    precision: str,
    device: str,
    seed: int,
    start: nn.Module | None = None,
) -> nn.Module:
    """Train a network on the labels, from the seed or from the weights of `start`, and return it in eval mode.

    Validation labels are used for early stopping only, and refused where the config has no patience. Global generators
    are left as they were. Raises FitError where the loss is not finite.
    """
    refuse_misplaced_validation(config, data.validation)
    inputs, classes = read_labelled(data.pool, data.labels, device)  # [L, ...], [L]
    num_labels = len(data.labels)
    steps = config.num_steps(num_labels)
    with fork_rng(derive_seed(seed, "network"), device), isolated_torch_state(device, gradients=True):
        module = make_network(network, device)
        if start is not None:
            module.load_state_dict(start.state_dict())
        lay_out_for_images(module, rows_at(inputs, torch.arange(min(2, num_labels), device=device)))
        optimizer = optimizer_of(module.parameters(), config)
        decay = learning_rates(optimizer, config, steps)
        best = (
            None
            if data.validation is None
            else BestWeights(*read_labelled(data.pool, data.validation, device), patience=config.patience)
        )
        batches = minibatches(num_labels, config.batch_size, torch_generator(seed, "minibatches"))
        augmentation = torch_generator(seed, "shifts")
        loss_of = _loss(config, data.num_classes, num_labels, compute_dtype(precision, device), device)
        with Losses(device, partial(divergence_message, steps, config, num_labels)) as losses:
            for step in range(steps):
                positions = to_device_async(next(batches), device)
                optimizer.zero_grad(set_to_none=True)
                with explain_precisions(inputs, module):
                    batch = _augment(rows_at(inputs, positions), config, augmentation)
                    loss = loss_of(module, batch, classes[positions])
                losses.add(loss)
                loss.backward()
                optimizer.step()
                decay.step()
                if best is not None and ((step + 1) % config.check_every == 0 or step + 1 == steps):
                    losses.check()
                    if best.seen(module):
                        break
        if not all(bool(weights.isfinite().all()) for weights in module.parameters() if weights.requires_grad):
            raise FitError(weights_message(steps, config, num_labels))
        if best is not None:
            best.restore(module)
    return module.eval()


@contextmanager
def explain_precisions(inputs: NetworkInputs, module: nn.Module) -> Iterator[None]:
    """Say what to do where a layer cannot multiply inputs with weights of another precision."""
    try:
        yield
    except RuntimeError as error:
        weights = next((each.dtype for each in module.parameters() if each.is_floating_point()), None)
        looks_up = any(isinstance(layer, nn.Embedding | nn.EmbeddingBag) for layer in module.modules())
        for each in [inputs] if isinstance(inputs, Tensor) else inputs.values():
            # Whole numbers beside others, or of a network that looks them up, may well be meant.
            numbers = each.is_floating_point() or (isinstance(inputs, Tensor) and not looks_up)
            if "dtype" in str(error) and numbers and each.dtype != weights:
                raise InputError(
                    f"the inputs are {each.dtype} and the network's weights {weights}; convert the inputs, as with "
                    ".float()"
                ) from error
        raise


def read_labelled(pool: Pool, labels: Labels, device: str) -> tuple[NetworkInputs, Tensor]:
    """Return the inputs of the labelled rows and their classes [L], on the device."""
    return network_inputs(pool.read(labels.rows), device), labels.values.to(device)


def _loss(
    config: TrainingConfig, num_classes: int, num_labels: int, dtype: torch.dtype, device: str
) -> Callable[[nn.Module, NetworkInputs, Tensor], Tensor]:
    weights = class_weights(config, num_classes, device)

    def loss(module: nn.Module, batch: NetworkInputs, classes: Tensor) -> Tensor:
        with computing_in(dtype, device):
            logits = logits_of(forward(module, as_its_weights(module, batch)))
        value = nn.functional.cross_entropy(logits, classes, weights)
        if config.prior_precision:
            value = value + config.prior_precision / (2 * num_labels) * squared_weights(module)
        return value

    return loss


def refuse_misplaced_validation(config: TrainingConfig, validation: Labels | None) -> None:
    """Raise InputError for validation labels without patience, and for patience without validation labels."""
    if (validation is None) != (config.patience == 0):
        raise InputError(
            "validation labels are used for early stopping and nothing else: give them together with "
            f"training.patience; got {'none' if validation is None else len(validation)} and a patience of "
            f"{config.patience}. Otherwise put them among the labels."
        )


def _augment(batch: NetworkInputs, config: TrainingConfig, generator: torch.Generator) -> NetworkInputs:
    if not config.augments:
        return batch
    if not isinstance(batch, Tensor) or batch.dim() != 4:
        came = [*batch.shape] if isinstance(batch, Tensor) else f"tensors by name ({', '.join(batch)})"
        raise InputError(
            f"training.{config.augments[0]} is for images [n, channels, height, width]; got {came}. Leave it out."
        )
    return augment(batch, config, generator)


def squared_weights(module: nn.Module) -> Tensor:
    return torch.stack([weights.square().sum() for weights in module.parameters() if weights.dim() > 1]).sum()
