"""Deep ensembles: members trained independently, each with its own initial weights and order of minibatches.

Source: Lakshminarayanan, Pritzel and Blundell 2017, arXiv:1612.01474.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lindley.contracts import Inputs, Posterior, TrainingData
from lindley.errors import FitError, InputError
from lindley.posteriors.features import network_features
from lindley.posteriors.members import choose_members
from lindley.posteriors.network_draws import NetworkDraws
from lindley.posteriors.network_weights import load_network, network_state
from lindley.posteriors.state_checks import check_settings, one_of
from lindley.posteriors.supported_data import check_supported
from lindley.seeds import derive_seed
from lindley.shapes import Features
from lindley.training.config import TrainingConfig
from lindley.training.dry_run import dry_run
from lindley.training.loop import refuse_misplaced_validation, train
from lindley.training.network_copies import copy_network
from lindley.training.precision import PRECISIONS, resolve_precision
from lindley.training.vectorised_ensemble import can_vectorise, train_vectorised


@dataclass(frozen=True)
class DeepEnsemble:
    """A learner: trains `members` networks on the same labels; each draw is one of them."""

    network: Callable[[], nn.Module]
    members: int
    config: TrainingConfig = field(default_factory=TrainingConfig)
    precision: str = "float32"
    device: str = "cpu"

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> EnsemblePosterior:
        """See Learner.fit. Trains every member from scratch, without `previous`, so that members are independent."""
        if self.config.warm_start:
            raise InputError(
                "members that start from common weights are not independent; leave warm_start out",
                argument="training.warm_start",
                got=True,
            )
        check_supported(self, data, validation=True)
        refuse_misplaced_validation(self.config, data.validation)
        untrained = dry_run(
            self.network,
            data,
            lambda module, rows: self._posterior([module]).draw(1, seed=0).predict(rows),
            config=self.config,
            precision=self.precision,
            device=self.device,
        )
        seeds = [derive_seed(seed, "member", member) for member in range(self.members)]
        if can_vectorise(untrained, self.config, self.precision):
            modules = train_vectorised(self.network, data, config=self.config, device=self.device, seeds=seeds)
        else:
            modules = [self._train_member(member, data, seed=each) for member, each in enumerate(seeds)]
        return self._posterior(modules)

    def _posterior(self, modules: Sequence[nn.Module]) -> EnsemblePosterior:
        return EnsemblePosterior(modules, precision=self.precision, device=self.device)

    def _train_member(self, member: int, data: TrainingData, *, seed: int) -> nn.Module:
        try:
            return train(
                self.network,
                data,
                config=self.config,
                precision=self.precision,
                device=self.device,
                seed=seed,
            )
        except FitError as error:
            raise FitError(f"member {member} of {self.members}: {error}", step=error.step, member=member) from error


class EnsemblePosterior:
    """Networks with the same weight each. It keeps copies of them."""

    def __init__(self, modules: Sequence[nn.Module], *, precision: str = "float32", device: str = "cpu") -> None:
        self._modules = [copy_network(module, device) for module in modules]
        self._precision = resolve_precision(precision, device)
        self._device = device

    def draw(self, num_draws: int, *, seed: int) -> NetworkDraws:
        """Return members without replacement; all of them, in order, where num_draws is their number."""
        chosen = choose_members(len(self._modules), num_draws, seed=seed, collection="an ensemble")
        modules = [self._modules[member] for member in chosen]
        return NetworkDraws(modules, precision=self._precision, device=self._device)

    def point(self) -> None:
        """Return None: an ensemble's prediction is its average."""

    def features(self, inputs: Inputs) -> Features:
        """Return what the last dense layer of each member reads, side by side.  n inputs -> [n, D · members]"""
        of_members = [
            network_features(module, inputs, precision=self._precision, device=self._device) for module in self._modules
        ]
        return torch.cat(of_members, dim=1)

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the weights of each member, and the settings as JSON values."""
        tensors, layouts = {}, []
        for index, module in enumerate(self._modules):
            weights, layout = network_state(module)
            tensors.update({f"{index}.{name}": value for name, value in weights.items()})
            layouts.append(layout)
        return tensors, {"precision": self._precision, "members": layouts}

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        network: Callable[[], nn.Module] | None = None,
        device: str = "cpu",
    ) -> EnsemblePosterior:
        """Return a saved posterior.

        Args:
            tensors: The weights of its members, as `state_dict` gives them.
            settings: Its settings, as `state_dict` gives them.
            network: Makes a member, with any weights.
            device: The device on which its draws compute.

        Raises:
            InputError: If tensors and settings do not belong together, or not to the network.
        """
        check_settings(
            settings,
            {
                "precision": one_of(PRECISIONS),
                "members": lambda members: (
                    isinstance(members, list) and members != [] and all(isinstance(each, dict) for each in members)
                ),
            },
        )
        prefixes = {name.partition(".")[0] for name in tensors}
        if prefixes != set(map(str, range(len(settings["members"])))):
            raise InputError(
                f"weights of {len(prefixes)} members are stored, and settings of {len(settings['members'])}",
                argument="members",
                got=len(prefixes),
            )
        modules = []
        for index, layout in enumerate(settings["members"]):
            prefix = f"{index}."
            weights = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
            modules.append(load_network(weights, layout, network))
        return cls(modules, precision=settings["precision"], device=device)
