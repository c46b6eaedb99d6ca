"""The training loop: Adam or AdamW, seeded, from scratch or from given weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from lindley.contracts import Labels, Pool, TrainingData
from lindley.errors import FitError, InputError
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.torch_state import isolated_torch_state
from lindley.training.augmentation import augment
from lindley.training.config import TrainingConfig
from lindley.training.early_stopping import EarlyStopping
from lindley.training.memory_layout import convert_to_channels_last, match_memory_layout
from lindley.training.network_calls import (
    NetworkInputs,
    extract_logits,
    forward,
    network_inputs,
    take_rows,
    to_device_async,
)
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
from lindley.training.precision import autocast_to, compute_dtype
from lindley.training.random_state import fork_rng


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
    """Train a network on the labels, and return it in eval mode. Global generators are left as they were.

    Args:
        network: Makes a network with new weights.
        data: The pool and its labels. Validation labels stop the training early.
        config: How to train.
        precision: The precision in which the network computes.
        device: The device on which it computes.
        seed: The seed of the weights, the minibatches and the augmentation.
        start: A network whose weights the training starts from, in place of new ones.

    Raises:
        InputError: If there are validation labels without `patience` in the config, or the reverse.
        FitError: If the loss or a weight is not finite.
    """
    refuse_misplaced_validation(config, data.validation)
    inputs, classes = read_labelled_rows(data.pool, data.labels, device)  # [L, ...], [L]
    num_labels = len(data.labels)
    steps = config.num_steps(num_labels)
    with fork_rng(derive_seed(seed, "network"), device), isolated_torch_state(device, gradients=True):
        module = make_network(network, device)
        if start is not None:
            module.load_state_dict(start.state_dict())
        convert_to_channels_last(module, take_rows(inputs, torch.arange(min(2, num_labels), device=device)))
        optimizer = make_optimizer(module.parameters(), config)
        scheduler = make_scheduler(optimizer, config, steps)
        early_stopping = (
            None
            if data.validation is None
            else EarlyStopping(*read_labelled_rows(data.pool, data.validation, device), patience=config.patience)
        )
        batches = minibatches(num_labels, config.batch_size, torch_generator(seed, "minibatches"))
        augmentation = torch_generator(seed, "shifts")
        compute_loss = _make_loss(config, data.num_classes, num_labels, compute_dtype(precision, device), device)
        with LossMonitor(device, partial(divergence_message, steps, config, num_labels)) as losses:
            for step in range(steps):
                positions = to_device_async(next(batches), device)
                optimizer.zero_grad(set_to_none=True)
                with explain_dtype_errors(inputs, module):
                    batch = _augment(take_rows(inputs, positions), config, augmentation)
                    loss = compute_loss(module, batch, classes[positions])
                losses.add(loss)
                loss.backward()
                optimizer.step()
                scheduler.step()
                if early_stopping is not None and ((step + 1) % config.check_every == 0 or step + 1 == steps):
                    losses.check()
                    if early_stopping.update(module):
                        break
        if not all(bool(weights.isfinite().all()) for weights in module.parameters() if weights.requires_grad):
            raise FitError(nonfinite_weights_message(steps, config, num_labels), step=steps)
        if early_stopping is not None:
            early_stopping.restore(module)
    return module.eval()


@contextmanager
def explain_dtype_errors(inputs: NetworkInputs, module: nn.Module) -> Iterator[None]:
    """Raise an InputError that says what to do where a layer cannot multiply inputs with weights of another dtype."""
    try:
        yield
    except RuntimeError as error:
        weights = next((each.dtype for each in module.parameters() if each.is_floating_point()), None)
        has_embedding = any(isinstance(layer, nn.Embedding | nn.EmbeddingBag) for layer in module.modules())
        for each in [inputs] if isinstance(inputs, Tensor) else inputs.values():
            # Whole numbers beside other tensors, or for an embedding, may well be meant.
            must_match = each.is_floating_point() or (isinstance(inputs, Tensor) and not has_embedding)
            if "dtype" in str(error) and must_match and each.dtype != weights:
                raise InputError(
                    f"the inputs are {each.dtype} and the network's weights {weights}; convert the inputs, as with "
                    ".float()",
                    argument="inputs",
                    got=each.dtype,
                ) from error
        raise


def read_labelled_rows(pool: Pool, labels: Labels, device: str) -> tuple[NetworkInputs, Tensor]:
    """Read the inputs of the labelled rows.

    Args:
        pool: The pool that holds them.
        labels: The rows and their classes, [L].
        device: The device to put both on.

    Returns:
        The inputs, [L, ...], and the classes, [L].
    """
    return network_inputs(pool.read(labels.rows), device), labels.values.to(device)


def refuse_misplaced_validation(config: TrainingConfig, validation: Labels | None) -> None:
    """Raise InputError for validation labels without patience, and for patience without validation labels."""
    if (validation is None) != (config.patience == 0):
        num_labels = "none" if validation is None else len(validation)
        raise InputError(
            "validation labels are used for early stopping and nothing else: give them together with "
            f"training.patience; got {num_labels} and a patience of {config.patience}. Otherwise put them among the "
            "labels.",
            argument="validation",
            got=num_labels,
        )


def _make_loss(
    config: TrainingConfig, num_classes: int, num_labels: int, dtype: torch.dtype, device: str
) -> Callable[[nn.Module, NetworkInputs, Tensor], Tensor]:
    weights = class_weights(config, num_classes, device)

    def loss(module: nn.Module, batch: NetworkInputs, classes: Tensor) -> Tensor:
        with autocast_to(dtype, device):
            logits = extract_logits(forward(module, match_memory_layout(module, batch)))
        value = nn.functional.cross_entropy(logits, classes, weights)
        if config.prior_precision:
            value = value + config.prior_precision / (2 * num_labels) * _sum_of_squared_weights(module)
        return value

    return loss


def _augment(batch: NetworkInputs, config: TrainingConfig, generator: torch.Generator) -> NetworkInputs:
    if not config.augmentations:
        return batch
    if not isinstance(batch, Tensor) or batch.dim() != 4:
        got = [*batch.shape] if isinstance(batch, Tensor) else f"tensors by name ({', '.join(batch)})"
        key = f"training.{config.augmentations[0]}"
        raise InputError(
            f"{key} is for images [n, channels, height, width]; got {got}. Leave it out.", argument=key, got=got
        )
    return augment(batch, config, generator)


def _sum_of_squared_weights(module: nn.Module) -> Tensor:
    return torch.stack([weights.square().sum() for weights in module.parameters() if weights.dim() > 1]).sum()
