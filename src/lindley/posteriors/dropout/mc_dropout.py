"""MC dropout with frozen draws: each draw is one network with fixed masks, the same for every row.

Source: Gal and Ghahramani 2016, arXiv:1506.02142. Masks are drawn once, before predicting: with masks that differ
between rows or chunks a draw is no function, and joint quantities (BatchBALD, EPIG) are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from lindley.contracts import Categorical, Draws, Inputs, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.dropout.drop_connect import check_drop_connect
from lindley.posteriors.dropout.folded_network import FoldedNetwork, foldable_layers
from lindley.posteriors.dropout.masked_network import MaskedNetwork
from lindley.posteriors.dropout.masks import refuse_unfreezable_layers
from lindley.posteriors.dropout.tracing import has_foldable_shapes, trace_layers
from lindley.posteriors.features import network_features
from lindley.posteriors.network_draws import NetworkDraws, dropout_rates, fingerprint, set_dropout_rates
from lindley.posteriors.network_weights import load_network, network_state
from lindley.posteriors.state_checks import check_settings, is_rate, one_of
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features
from lindley.torch_state import isolated_torch_state
from lindley.training.config import TrainingConfig
from lindley.training.dry_run import dry_run
from lindley.training.loop import train
from lindley.training.network_calls import NetworkInputs, network_inputs, normalise, num_rows, refuse_probabilities
from lindley.training.network_copies import copy_network
from lindley.training.precision import PRECISIONS, compute_dtype, resolve_precision


@dataclass(frozen=True)
class MCDropout:
    """A learner that trains one network with dropout; its posterior's draws are the network under frozen masks.

    `drop_connect` is the probability with which draws also drop weights of dense and convolutional layers. Training
    drops none.
    """

    network: Callable[[], nn.Module]
    config: TrainingConfig = field(default_factory=TrainingConfig)
    precision: str = "float32"
    device: str = "cpu"
    drop_connect: float = 0.0

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> MCDropoutPosterior:
        """See Learner.fit. Trains from scratch, or from the weights of `previous` with `warm_start` in the config.

        Validation labels require `patience` in the config.
        """
        check_supported(self, data, validation=True)
        dry_run(
            self.network,
            data,
            lambda module, rows: self._posterior(module).draw(1, seed=0).predict(rows),
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
            start=self._start_weights(previous),
        )
        return self._posterior(module)

    def _posterior(self, module: nn.Module) -> MCDropoutPosterior:
        return MCDropoutPosterior(module, precision=self.precision, device=self.device, drop_connect=self.drop_connect)

    def _start_weights(self, previous: Posterior | None) -> nn.Module | None:
        return previous._module if self.config.warm_start and isinstance(previous, MCDropoutPosterior) else None


class MCDropoutPosterior:
    """A trained network with dropout: any module. It keeps a copy.

    Raises InputError where the network's randomness cannot be frozen, or where it has none.
    """

    def __init__(
        self, module: nn.Module, *, precision: str = "float32", device: str = "cpu", drop_connect: float = 0.0
    ) -> None:
        self._module = copy_network(module, device)
        check_drop_connect(self._module, drop_connect)
        refuse_unfreezable_layers(self._module, drop_connect=drop_connect)
        self._precision = resolve_precision(precision, device)
        self._device = device
        self._drop_connect = drop_connect

    def draw(self, num_draws: int, *, seed: int) -> MCDropoutDraws:
        """Return the network under `num_draws` sets of frozen masks."""
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        return MCDropoutDraws(
            self._module,
            num_draws,
            seed=seed,
            precision=self._precision,
            device=self._device,
            drop_connect=self._drop_connect,
        )

    def point(self) -> Draws:
        """Return the network with dropout off as one draw."""
        return NetworkDraws([self._module], precision=self._precision, device=self._device)

    def features(self, inputs: Inputs) -> Features:
        """Return what the last dense layer reads, dropout off.  n inputs -> [n, D]"""
        return network_features(self._module, inputs, precision=self._precision, device=self._device)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the weights, and the settings as JSON values."""
        tensors, layout = network_state(self._module)
        settings = {"precision": self._precision, "drop_connect": self._drop_connect}
        return tensors, {**settings, "dropout": dropout_rates(self._module), **layout}

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        network: Callable[[], nn.Module] | None = None,
        device: str = "cpu",
    ) -> MCDropoutPosterior:
        """Return a saved posterior.

        Args:
            tensors: Its weights, as `state_dict` gives them.
            settings: Its settings, as `state_dict` gives them.
            network: Makes its module, with any weights and dropout rates.
            device: The device on which its draws compute.

        Raises:
            InputError: If tensors and settings do not belong to the network.
        """
        check_settings(
            settings,
            {
                "precision": one_of(PRECISIONS),
                "drop_connect": is_rate,
                "dropout": lambda rates: isinstance(rates, dict) and all(map(is_rate, rates.values())),
            },
        )
        module = load_network(tensors, settings, network)
        set_dropout_rates(module, settings["dropout"])
        return cls(module, precision=settings["precision"], device=device, drop_connect=float(settings["drop_connect"]))


class MCDropoutDraws:
    """K frozen functions. `path` is the way in which the last predictions were computed:

    "folded"    a plain chain of layers, masks folded into weights (fast)
    "prefix"    any module, one forward pass a draw, with the part before the first mask once for all draws
    "masked"    any module, one forward pass a draw
    """

    def __init__(
        self,
        module: nn.Module,
        num_draws: int,
        *,
        seed: int,
        precision: str,
        device: str,
        drop_connect: float = 0.0,
    ) -> None:
        dropped_weights = f"-drop-connect-{drop_connect}" if drop_connect else ""
        self.num_draws = num_draws
        self.id = f"mc-dropout-{fingerprint(module)}-{seed}-{num_draws}-{precision}{dropped_weights}"
        self._module, self._seed, self._dtype = module, seed, compute_dtype(precision, device)
        self._device = device
        self._drop_connect = drop_connect
        self._draws_differ = self._logits_checked = False
        layers = None if drop_connect else (foldable_layers(module) or trace_layers(module))
        self._layers: list[nn.Module] | None = layers
        """The layers of a chain, until the first inputs show whether it folds."""
        self._network: FoldedNetwork | MaskedNetwork = (
            self._make_masked_network()
            if layers is None
            else FoldedNetwork(
                layers,
                num_draws=num_draws,
                seed=seed,
                dtype=self._dtype,
                names={id(layer): name for name, layer in module.named_modules()},
            )
        )

    @property
    def path(self) -> str:
        """Return "folded", "prefix" or "masked"."""
        return self._network.path if isinstance(self._network, MaskedNetwork) else "folded"

    def predict(self, inputs: Inputs) -> Categorical:
        """Return the predictions of n inputs, in float32."""
        values = network_inputs(inputs, self._device)
        with isolated_torch_state(self._device):
            logits = self._logits(values)
            if not self._logits_checked:
                refuse_probabilities(logits, self._module)
                self._logits_checked = len(logits) > 0
            self._refuse_equal_draws(logits)
            return Categorical(normalise(logits))

    def _refuse_equal_draws(self, logits: Tensor) -> None:
        """Raise InputError where all draws are equal; rows with equal logits, such as zeros, cannot show it."""
        if self._draws_differ or self.num_draws == 1:
            return
        self._draws_differ = bool((logits != logits[:, :1]).any())
        if self._draws_differ or not bool((logits != logits[:1]).any()):
            return
        masks_differ = self._network.masks_differ
        if not masks_differ:
            reason = "since their masks are the same: raise the dropout rates, or take more draws"
        elif isinstance(self._network, MaskedNetwork):
            reason = (
                "although their masks differ: what its dropout layers give is not used. Use it in the network's "
                "forward, or posterior = 'ensemble'"
            )
        else:
            return  # in a chain of known layers it is used: the dropped units do not matter for these rows
        raise InputError(
            f"all {self.num_draws} draws of this network are the same function, {reason}",
            argument="network",
            got="different masks" if masks_differ else "equal masks",
        )

    def _logits(self, values: NetworkInputs) -> Tensor:
        if self._layers is not None and num_rows(values) > 0:
            if not isinstance(values, Tensor):
                names = ", ".join(values)
                raise InputError(
                    f"this network reads one tensor; got a mapping with {names}", argument="inputs", got=names
                )
            if not has_foldable_shapes(self._layers, values[:1]):
                self._network = self._make_masked_network()
            self._layers = None
        return self._network.logits(values)  # type: ignore[arg-type]  # a folded network reads a tensor, as checked

    def _make_masked_network(self) -> MaskedNetwork:
        return MaskedNetwork(
            self._module,
            num_draws=self.num_draws,
            seed=self._seed,
            dtype=self._dtype,
            drop_connect=self._drop_connect,
        )
