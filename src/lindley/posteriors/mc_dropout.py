"""MC dropout with frozen draws: each draw is one thinned network, the same for every row.

Source: Gal and Ghahramani 2016, arXiv:1506.02142. Masks are drawn once, before predicting: with masks that differ
between rows or chunks a draw is no function, and joint quantities (BatchBALD, EPIG) are wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lindley.contracts import ClassificationTask, Draws, Inputs, Labels, Pool, Posterior
from lindley.errors import InputError
from lindley.posteriors.features import network_features
from lindley.posteriors.folded import FoldedNetwork, layers_of
from lindley.posteriors.masked import MaskedNetwork
from lindley.posteriors.masks import refuse_what_cannot_be_frozen
from lindley.posteriors.networks_as_draws import NetworksAsDraws, fingerprint
from lindley.posteriors.recipe import Recipe
from lindley.posteriors.training import as_tensor, compute_dtype, train
from lindley.shapes import Features


@dataclass(frozen=True)
class MCDropout:
    """A learner: trains one network with dropout; its posterior's draws are the network under frozen masks."""

    network: Callable[[], nn.Module]
    recipe: Recipe = field(default_factory=Recipe)
    precision: str = "float32"
    device: str = "cpu"

    def fit(
        self,
        pool: Pool,
        labels: Labels,
        *,
        task: ClassificationTask,
        validation: Labels | None = None,
        previous: Posterior | None = None,
        seed: int,
    ) -> MCDropoutPosterior:
        """Trains from scratch, or with the recipe's `warm_start` from the weights of `previous`.

        Validation labels go with the recipe's `patience`, and are refused without.
        """
        module = train(
            self.network,
            pool,
            labels,
            task=task,
            recipe=self.recipe,
            precision=self.precision,
            device=self.device,
            seed=seed,
            validation=validation,
            start=self._start(previous),
        )
        return MCDropoutPosterior(module, precision=self.precision, device=self.device)

    def _start(self, previous: Posterior | None) -> nn.Module | None:
        return previous._module if self.recipe.warm_start and isinstance(previous, MCDropoutPosterior) else None


class MCDropoutPosterior:
    """A trained network with dropout layers (the module is not changed)."""

    def __init__(self, module: nn.Module, *, precision: str = "float32", device: str = "cpu") -> None:
        refuse_what_cannot_be_frozen(module)
        self._module = module
        self._precision = precision
        self._device = device

    def draw(self, num_draws: int, *, seed: int) -> MCDropoutDraws:
        if num_draws < 1:
            raise InputError(f"num_draws must be at least 1; got {num_draws}")
        return MCDropoutDraws(self._module, num_draws, seed=seed, precision=self._precision, device=self._device)

    def point(self) -> Draws:
        """The network with dropout off."""
        return NetworksAsDraws([self._module], precision=self._precision, device=self._device)

    def features(self, inputs: Inputs) -> Features:
        """What the last dense layer reads, dropout off.  n inputs -> [n, D]"""
        return network_features(self._module, inputs, precision=self._precision, device=self._device)


class MCDropoutDraws:
    """K frozen functions; `path` says how they are computed: "folded" (fast) or "masked" (any module)."""

    def __init__(self, module: nn.Module, num_draws: int, *, seed: int, precision: str, device: str) -> None:
        dtype = compute_dtype(precision)
        layers = layers_of(module)
        self.num_draws = num_draws
        self.id = f"mc-dropout-{fingerprint(module)}-{seed}-{num_draws}-{precision}"
        self.path = "masked" if layers is None else "folded"
        self._device = device
        self._network: FoldedNetwork | MaskedNetwork = (
            MaskedNetwork(module, num_draws=num_draws, seed=seed, dtype=dtype)
            if layers is None
            else FoldedNetwork(layers, num_draws=num_draws, seed=seed, dtype=dtype)
        )

    def log_probs(self, inputs: Inputs) -> Tensor:
        """n inputs -> [n, K, C] nats, float32."""
        with torch.no_grad():
            logits = self._network.logits(as_tensor(inputs).to(self._device))
            return logits.log_softmax(-1)
