"""MC dropout with frozen draws: each draw is one thinned network, the same for every row.

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
from lindley.modes import isolated_torch_state
from lindley.posteriors.dropout.drop_connect import checked_drop_connect
from lindley.posteriors.dropout.folded import FoldedNetwork, layers_of
from lindley.posteriors.dropout.masked import MaskedNetwork
from lindley.posteriors.dropout.masks import refuse_what_cannot_be_frozen
from lindley.posteriors.dropout.traced import chain_of, reads_vectors
from lindley.posteriors.features import network_features
from lindley.posteriors.network_weights import network_tensors, network_with
from lindley.posteriors.networks_as_draws import NetworksAsDraws, dropout_rates, fingerprint, set_dropout_rates
from lindley.posteriors.stored_parts import check_settings, is_rate, one_of
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features
from lindley.training.config import TrainingConfig
from lindley.training.dry_run import dry_run
from lindley.training.loop import train
from lindley.training.network_calls import NetworkInputs, network_inputs, normalise, num_rows, refuse_probabilities
from lindley.training.network_copies import copy_network
from lindley.training.precision import PRECISIONS, compute_dtype, resolve_precision


@dataclass(frozen=True)
class MCDropout:
    """A learner: trains one network with dropout; its posterior's draws are the network under frozen masks.

    `drop_connect` is the probability with which draws drop weights of dense and convolutional layers too; training does
    not drop any.
    """

    network: Callable[[], nn.Module]
    config: TrainingConfig = field(default_factory=TrainingConfig)
    precision: str = "float32"
    device: str = "cpu"
    drop_connect: float = 0.0

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> MCDropoutPosterior:
        """Train from scratch, or, with `warm_start` in the config, from the weights of `previous`.

        Validation labels require `patience` in the config, and are refused without it.
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
            start=self._start(previous),
        )
        return self._posterior(module)

    def _posterior(self, module: nn.Module) -> MCDropoutPosterior:
        return MCDropoutPosterior(module, precision=self.precision, device=self.device, drop_connect=self.drop_connect)

    def _start(self, previous: Posterior | None) -> nn.Module | None:
        return previous._module if self.config.warm_start and isinstance(previous, MCDropoutPosterior) else None


class MCDropoutPosterior:
    """A trained network with dropout: any module, of which a copy is kept.

    Raises InputError where its randomness cannot be frozen, or where there is none.
    """

    def __init__(
        self, module: nn.Module, *, precision: str = "float32", device: str = "cpu", drop_connect: float = 0.0
    ) -> None:
        self._module = copy_network(module, device)
        refuse_what_cannot_be_frozen(self._module, drop_connect=checked_drop_connect(self._module, drop_connect))
        self._precision = resolve_precision(precision, device)
        self._device = device
        self._drop_connect = drop_connect

    def draw(self, num_draws: int, *, seed: int) -> MCDropoutDraws:
        if num_draws < 1:
            raise InputError(f"num_draws must be at least 1; got {num_draws}")
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
        return NetworksAsDraws([self._module], precision=self._precision, device=self._device)

    def features(self, inputs: Inputs) -> Features:
        """Return what the last dense layer reads, dropout off.  n inputs -> [n, D]"""
        return network_features(self._module, inputs, precision=self._precision, device=self._device)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the weights, and the settings as JSON values: what `from_state_dict` requires beside the network."""
        tensors, layout = network_tensors(self._module)
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
        """Return the posterior that was saved; `network` makes its module, with any weights and dropout rates."""
        check_settings(
            settings,
            {
                "precision": one_of(PRECISIONS),
                "drop_connect": is_rate,
                "dropout": lambda rates: isinstance(rates, dict) and all(map(is_rate, rates.values())),
            },
        )
        module = network_with(tensors, settings, network)
        set_dropout_rates(module, settings["dropout"])
        return cls(module, precision=settings["precision"], device=device, drop_connect=float(settings["drop_connect"]))


class MCDropoutDraws:
    """K frozen functions. `path` says how the last ones were computed:

    "folded"    a plain chain of layers, masks folded into weights (fast)
    "prefix"    any module, one forward pass a draw, but what comes before the first mask once for all of them
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
        self._draws_differ = self._found_logits = False
        layers = None if drop_connect else (layers_of(module) or chain_of(module))
        self._layers: list[nn.Module] | None = layers
        """Of a chain, until it is known from the first inputs whether it folds."""
        self._network: FoldedNetwork | MaskedNetwork = (
            self._masked()
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
        return self._network.path if isinstance(self._network, MaskedNetwork) else "folded"

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        values = network_inputs(inputs, self._device)
        with isolated_torch_state(self._device):
            logits = self._logits(values)
            if not self._found_logits:
                refuse_probabilities(logits, self._module)
                self._found_logits = len(logits) > 0
            self._refuse_draws_that_are_all_the_same(logits)
            return Categorical(normalise(logits))

    def _refuse_draws_that_are_all_the_same(self, logits: Tensor) -> None:
        """Once, on the first rows that tell: of rows with equal logits, such as zeros, nothing can be said."""
        if self._draws_differ or self.num_draws == 1:
            return
        self._draws_differ = bool((logits != logits[:, :1]).any())
        if self._draws_differ or not bool((logits != logits[:1]).any()):
            return
        if not self._network.masks_differ:
            why = "since their masks are the same: raise the dropout rates, or take more draws"
        elif isinstance(self._network, MaskedNetwork):
            why = (
                "although their masks differ: what its dropout layers give is not used. Use it in the network's "
                "forward, or posterior = 'ensemble'"
            )
        else:
            return  # in a chain of known layers it is used: these rows have nothing to do with the units dropped
        raise InputError(f"all {self.num_draws} draws of this network are the same function, {why}")

    def _logits(self, values: NetworkInputs) -> Tensor:
        if self._layers is not None and num_rows(values) > 0:
            if not isinstance(values, Tensor):
                raise InputError(f"this network reads one tensor; got a mapping with {', '.join(values)}")
            if not reads_vectors(self._layers, values[:1]):
                self._network = self._masked()
            self._layers = None
        return self._network.logits(values)  # type: ignore[arg-type]  # a folded one reads a tensor, as was seen

    def _masked(self) -> MaskedNetwork:
        return MaskedNetwork(
            self._module,
            num_draws=self.num_draws,
            seed=self._seed,
            dtype=self._dtype,
            drop_connect=self._drop_connect,
        )
