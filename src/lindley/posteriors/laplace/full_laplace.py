"""Full-network Laplace: a Gaussian over all weights of a trained network; draws of the network made linear.

Source: Immer, Korzepa and Bauer 2021, arXiv:2008.08400; Daxberger et al. 2021, arXiv:2106.14806.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from lindley.contracts import Draws, Inputs, Posterior, TrainingData
from lindley.errors import InputError
from lindley.noise import torch_generator
from lindley.posteriors.features import network_features
from lindley.posteriors.laplace.laplace_package import fit_gaussian, require_package
from lindley.posteriors.laplace.linearised import LinearisedDraws
from lindley.posteriors.laplace.network_gaussian import NetworkGaussian, gaussian_from_tensors, gaussian_parts
from lindley.posteriors.network_draws import NetworkDraws
from lindley.posteriors.network_weights import load_network, network_state
from lindley.posteriors.option_checks import check_choice, check_evidence_or_positive
from lindley.posteriors.state_checks import check_settings, check_tensors, is_flag, is_number, is_positive, one_of
from lindley.posteriors.supported_data import check_supported
from lindley.seeds import derive_seed
from lindley.shapes import Features
from lindley.torch_state import isolated_torch_state
from lindley.training.config import TrainingConfig
from lindley.training.dry_run import dry_run
from lindley.training.loop import read_labelled_rows, train
from lindley.training.network_calls import as_tensor
from lindley.training.network_copies import copy_network
from lindley.training.precision import PRECISIONS, resolve_precision

HESSIANS = ("kron", "diag")
_LAYERS = (nn.Linear, nn.Conv2d)
_GAUSSIAN_PREFIX = "gaussian."
_ALTERNATIVES = "Use posterior = 'last-layer', 'mc-dropout' or 'ensemble'."


@dataclass(frozen=True)
class FullLaplace:
    """A learner: trains a network, then fits a Gaussian over all its weights around the trained ones.

    Dropout is on in training only.
    """

    network: Callable[[], nn.Module]
    config: TrainingConfig = field(default_factory=TrainingConfig)
    hessian: str = "kron"
    """"kron", a Kronecker-factored block for each parameter, or "diag"."""
    prior_precision: float | str = "evidence"
    """The prior precision of every weight and bias; "evidence" takes that of the largest marginal likelihood."""
    linearised: bool = True
    """Whether draws are of the network made linear in its weights; else drawn weights replace those of the network."""
    precision: str = "float32"
    """The precision of training and of networks that are not linearised; curvature and linearised draws are float32."""
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_choice("hessian", self.hessian, HESSIANS)
        check_evidence_or_positive("prior_precision", self.prior_precision)
        if not isinstance(self.linearised, bool):
            raise InputError(argument="linearised", expected="true or false", got=self.linearised)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> FullLaplacePosterior:
        """See Learner.fit. `previous` is ignored, and validation labels require `patience` in the config.

        Raises InputError for layers with parameters that are neither dense nor convolutional.
        """
        check_supported(self, data, validation=True)
        if self.config.class_weights:
            raise InputError(
                "Full-network Laplace weighs all labels the same; leave training.class_weights out.",
                argument="class_weights",
                got=self.config.class_weights,
            )
        require_package()
        dry_run(
            self.network,
            data,
            self._refuse_unusable,
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
        for parameter in module.parameters():
            parameter.data = parameter.data.contiguous()  # the vector of weights is in this order
        inputs, classes = read_labelled_rows(data.pool, data.labels, self.device)
        gaussian, prior_precision, log_evidence = fit_gaussian(
            module,
            as_tensor(inputs),
            classes,
            hessian=self.hessian,
            prior_precision=None if self.prior_precision == "evidence" else float(self.prior_precision),
            seed=derive_seed(seed, "laplace"),
        )
        return FullLaplacePosterior(
            module,
            gaussian,
            prior_precision,
            log_evidence,
            linearised=self.linearised,
            precision=self.precision,
            device=self.device,
        )

    def _refuse_unusable(self, module: nn.Module, rows: Inputs) -> None:
        _refuse_other_layers(module)
        NetworkDraws([module], precision=self.precision, device=self.device).predict(rows)


class FullLaplacePosterior:
    """A trained network and a Gaussian over deviations from its weights."""

    def __init__(
        self,
        module: nn.Module,
        gaussian: NetworkGaussian,
        prior_precision: float,
        log_evidence: float,
        *,
        linearised: bool = True,
        precision: str = "float32",
        device: str = "cpu",
    ) -> None:
        self.prior_precision = prior_precision
        self.log_evidence = log_evidence
        """Log marginal likelihood of the labels by Laplace's approximation, in nats."""
        self._module, self._gaussian, self._linearised = copy_network(module), gaussian, linearised
        self._precision, self._device = resolve_precision(precision, device), device

    def draw(self, num_draws: int, *, seed: int) -> LinearisedDraws | NetworkDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        with isolated_torch_state(self._device):
            deviations = torch.stack([self._sample_deviation(seed, draw) for draw in range(num_draws)])
        if self._linearised:
            return LinearisedDraws(self._module, deviations, device=self._device)
        return NetworkDraws(
            [self._perturb_network(deviation) for deviation in deviations],
            precision=self._precision,
            device=self._device,
        )

    def point(self) -> Draws:
        """Return the trained network itself as one draw."""
        return NetworkDraws([self._module], precision=self._precision, device=self._device)

    def features(self, inputs: Inputs) -> Features:
        """Return the inputs of the last dense layer of the trained network.  n inputs -> [n, D]"""
        return network_features(self._module, inputs, precision=self._precision, device=self._device)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return weights, buffers, the Gaussian's tensors under "gaussian.", and the settings as JSON values."""
        tensors, layout = network_state(self._module)
        gaussian = {_GAUSSIAN_PREFIX + name: value for name, value in self._gaussian.tensors().items()}
        settings = {
            "prior_precision": self.prior_precision,
            "log_evidence": self.log_evidence,
            "linearised": self._linearised,
            "precision": self._precision,
        }
        return {**tensors, **gaussian}, {**settings, **layout}

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        network: Callable[[], nn.Module] | None = None,
        device: str = "cpu",
    ) -> FullLaplacePosterior:
        """Return the posterior that was saved. Loading does not require laplace-torch.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            network: Makes a network of the same architecture.
            device: Where it computes.
        """
        own = {name: value for name, value in tensors.items() if name.startswith(_GAUSSIAN_PREFIX)}
        weights = {name: value for name, value in tensors.items() if name not in own}
        check_settings(
            settings,
            {
                "prior_precision": is_positive,
                "log_evidence": is_number,
                "linearised": is_flag,
                "precision": one_of(PRECISIONS),
            },
        )
        prior_precision = float(settings["prior_precision"])
        gaussian = {name.removeprefix(_GAUSSIAN_PREFIX): value for name, value in own.items()}
        module = load_network(weights, settings, network).to(device)
        check_tensors(gaussian, gaussian_parts(list(module.parameters()), diagonal="deviation" in gaussian))
        return cls(
            module,
            gaussian_from_tensors(gaussian, prior_precision, device),
            prior_precision,
            float(settings["log_evidence"]),
            linearised=bool(settings["linearised"]),
            precision=settings["precision"],
            device=device,
        )

    def _sample_deviation(self, seed: int, draw: int) -> Tensor:
        size = sum(value.numel() for value in self._module.parameters())
        noise = torch.randn(size, generator=torch_generator(seed, "weights", draw)).to(self._device)
        return self._gaussian.multiply_covariance_root(noise)

    def _perturb_network(self, deviation: Tensor) -> nn.Module:
        module = copy_network(self._module)
        with torch.no_grad():
            vector_to_parameters(parameters_to_vector(module.parameters()) + deviation, module.parameters())
        return module


def _refuse_other_layers(module: nn.Module) -> None:
    for name, layer in module.named_modules():
        own = dict(layer.named_parameters(recurse=False))
        if own and not isinstance(layer, _LAYERS):
            raise InputError(
                f"Full-network Laplace requires that all parameters belong to nn.Linear and nn.Conv2d; {name!r} is a "
                f"{type(layer).__name__} with parameters of its own. {_ALTERNATIVES}",
                argument="network",
                got=type(layer).__name__,
            )
        if foreign := sorted(own.keys() - {"weight", "bias"}):
            raise InputError(
                f"Full-network Laplace is over weights and biases; {name!r} has {', '.join(foreign)}, as weight_norm "
                f"makes them. {_ALTERNATIVES}",
                argument="network",
                got=foreign,
            )
        if frozen := [each for each, value in own.items() if not value.requires_grad]:
            raise InputError(
                f"Full-network Laplace is over all weights; {name}.{frozen[0]} is frozen. "
                "Use posterior = 'last-layer', which takes the network's features as they are.",
                argument="network",
                got=f"{name}.{frozen[0]}",
            )
