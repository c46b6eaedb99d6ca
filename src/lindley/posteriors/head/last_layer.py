"""A trained network whose last layer is Bayesian: a head on its features, by Laplace's approximation.

Source: Kristiadi, Hein and Hennig 2020, arXiv:2002.10118; Daxberger et al. 2021, arXiv:2106.14806.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from lindley.contracts import Inputs, Posterior, TrainingData
from lindley.posteriors.features import network_features
from lindley.posteriors.head.head import BayesianHead, HeadDraws, HeadPosterior
from lindley.posteriors.head.head_fit import BIAS_PRECISION
from lindley.posteriors.network_weights import load_network, network_state
from lindley.posteriors.state_checks import check_settings, is_device, one_of
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features, Scores
from lindley.training.config import TrainingConfig
from lindley.training.dry_run import dry_run
from lindley.training.loop import train
from lindley.training.precision import PRECISIONS, resolve_precision

_NETWORK_PREFIX = "network."


@dataclass(frozen=True)
class NetworkFeatures:
    """The inputs of the last dense layer of a network, as a function that pickles."""

    module: nn.Module
    precision: str = "float32"
    device: str = "cpu"

    def __call__(self, inputs: Inputs) -> Tensor:
        """Return the features of n inputs.  -> [n, D] float32"""
        return network_features(self.module, inputs, precision=self.precision, device=self.device)


@dataclass(frozen=True)
class LastLayerLaplace:
    """A learner: trains a network, then a Bayesian head on its features in place of its last layer.

    The options of the head are those of `BayesianHead`; the training's class weights apply to both.
    """

    network: Callable[[], nn.Module]
    config: TrainingConfig = field(default_factory=TrainingConfig)
    prior_precision: float | str = "evidence"
    bias_precision: float = BIAS_PRECISION
    covariance: str = "auto"
    approximation: str = "laplace"
    precision: str = "float32"
    device: str = "cpu"

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> LastLayerPosterior:
        """See Learner.fit. `previous` is ignored: a head is of no use on the features of another network.

        Validation labels require `patience` in the config: they stop the network's training early, and the head is
        fitted to the others.
        """
        check_supported(self, data, validation=True)
        dry_run(
            self.network,
            data,
            lambda module, rows: self._features(module)(rows),
            config=self.config,
            precision=self.precision,
            device=self.device,
        )
        module = train(
            self.network,
            data,
            config=self.config,
            precision=self.precision,
            device=self.device,
            seed=seed,
        )
        features = self._features(module)
        head = BayesianHead(
            features,
            self.prior_precision,
            self.bias_precision,
            self.covariance,
            self.config.class_weights or None,
            self.approximation,
            self.device,
            scale="feature",
        )
        return LastLayerPosterior(head.fit(replace(data, validation=None), seed=seed), features)

    def _features(self, module: nn.Module) -> NetworkFeatures:
        return NetworkFeatures(module, resolve_precision(self.precision, self.device), self.device)


class LastLayerPosterior:
    """A head's posterior on a network's features; `head` is the posterior on the features alone."""

    def __init__(self, head: HeadPosterior, features: NetworkFeatures) -> None:
        self.head = head
        self._features = features

    def draw(self, num_draws: int, *, seed: int) -> HeadDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        return self.head.draw(num_draws, seed=seed)

    def point(self) -> HeadDraws:
        """Return the most probable head on the network's features; not the network's own last layer."""
        return self.head.point()

    def features(self, inputs: Inputs) -> Features:
        """Return the inputs of the network's last dense layer, unscaled.  n inputs -> [n, D] float32"""
        return self._features(inputs)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the head without it, approximately; the network saw it.  [L] nats"""
        return self.head.leave_one_out()

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the head's tensors, and the network's weights and buffers under "network."."""
        tensors, settings = self.head.state_dict()
        of_network, layout = network_state(self._features.module)
        weights = {_NETWORK_PREFIX + name: value for name, value in of_network.items()}
        return {**tensors, **weights}, {**settings, "precision": self._features.precision, **layout}

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        network: Callable[[], nn.Module] | None = None,
        device: str | None = None,
    ) -> LastLayerPosterior:
        """Return the posterior that was saved.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            network: Makes a network of the same architecture.
            device: Where it computes; None is the device that was saved.
        """
        check_settings(settings, {"precision": one_of(PRECISIONS), "device": is_device})
        own = {name: value for name, value in tensors.items() if name.startswith(_NETWORK_PREFIX)}
        weights = {name.removeprefix(_NETWORK_PREFIX): value for name, value in own.items()}
        device = device or settings["device"]
        module = load_network(weights, settings, network).to(device)
        features = NetworkFeatures(module, settings["precision"], device)
        of_head = {name: value for name, value in tensors.items() if name not in own}
        return cls(HeadPosterior.from_state_dict(of_head, settings, features=features, device=device), features)
