"""What the conformance tests run on: a name, and a function that fits a posterior. Another learner is another line."""

import copy
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from networks_under_test import Branching, Encoder, Recurrent, ResNet, bert, dense, linear
from sklearn.naive_bayes import GaussianNB
from torch import nn

from lindley.contracts import Classification, Inputs, Labels, Learner, Posterior, TrainingData
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import build_learner
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.external_predictions import ArrayPosterior, FunctionPosterior
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.scikit_learn.bagging import Bagging
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.posteriors.temperature_scaling import TemperatureScaled
from lindley.training.config import TrainingConfig

NUM_DRAWS = 5
DEVICE = os.environ.get("LINDLEY_TEST_DEVICE", "cpu")
"""Where the cases compute: `LINDLEY_TEST_DEVICE=cuda pytest tests/conformance` runs them on a GPU."""


@dataclass(frozen=True)
class Fitted:
    """A posterior, and what the tests need to know about it."""

    posterior: Posterior
    inputs: Inputs
    """At least 11 rows that differ from each other."""
    extreme: tuple[Posterior, Inputs] | None = None
    """A posterior of the same kind, and inputs for which it has very large logits; None: it cannot have them."""
    network: Callable[[], nn.Module] | None = None
    """What load_posterior needs."""
    module: nn.Module | None = None
    """The caller's module that the posterior was made of, where there is one."""
    num_draws: int = NUM_DRAWS
    stored: bool = True
    """Whether it can be saved."""


def _inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def _full_laplace(network: Callable[[], nn.Module], seed: int, **options: object) -> Fitted:
    if importlib.util.find_spec("laplace") is None:
        pytest.skip("laplace-torch is not installed: pip install 'lindley[laplace]'")
    return _trained("laplace", network, seed, options)


def _trained(
    posterior: str, network: Callable[[], nn.Module], seed: int, options: Mapping[str, object] | None = None
) -> Fitted:
    inputs = _inputs(60, 2)
    labels = Labels(torch.arange(20), (inputs[:20, 0] > 0).long())
    learner = build_learner(
        posterior,
        network,
        TrainingConfig(steps=40, learning_rate=1e-2),
        device=DEVICE,
        members=NUM_DRAWS,
        options=options,
    )
    fitted = learner.fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=seed)
    extreme = torch.tensor([[1e6, -1e6], [0.0, 0.0]])
    return Fitted(fitted, inputs, extreme=(fitted, extreme), network=network)


def _head(seed: int) -> Fitted:
    inputs = _inputs(60, 2)
    rows = torch.arange(20) + seed  # nothing in its fit is random
    labels = Labels(rows, (inputs[rows, 0] > 0).long())
    posterior = BayesianHead(device=DEVICE).fit(
        TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=seed
    )
    return Fitted(posterior, inputs, extreme=(posterior, torch.tensor([[1e6, -1e6], [0.0, 0.0]])))


def _of_table(learner: Learner, seed: int, stored: bool = True) -> Fitted:
    inputs = _inputs(60, 2)
    rows = torch.arange(20) + seed  # another fit also where nothing in it is random
    labels = Labels(rows, (inputs[rows, 0] > 0).long())
    posterior = learner.fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=seed)
    return Fitted(posterior, inputs, stored=stored)


def _given_predictions(seed: int) -> Fitted:
    logits = torch.randn(13, NUM_DRAWS, 3, generator=torch.Generator().manual_seed(seed))
    extreme = (ArrayPosterior(1e6 * logits, inputs="logits"), torch.arange(13))
    return Fitted(ArrayPosterior(logits, inputs="logits"), torch.arange(13), extreme=extreme)


def _given_function(seed: int) -> Fitted:
    weights = torch.randn(2, NUM_DRAWS * 3, generator=torch.Generator().manual_seed(seed))
    posterior = FunctionPosterior(partial(linear, weights), NUM_DRAWS, name=f"linear-{seed}", inputs="logits")
    return Fitted(posterior, _inputs(13, 2), extreme=(posterior, 1e6 * _inputs(13, 2)), stored=False)


def _untrained(network: Callable[[], nn.Module], inputs: Inputs, seed: int, drop_connect: float = 0.0) -> Fitted:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = network().train()  # the posterior must not mind, and leave it so
    posterior = MCDropoutPosterior(module, device=DEVICE, drop_connect=drop_connect)
    steep = copy.deepcopy(module)
    *_, last = (layer for layer in steep.modules() if isinstance(layer, nn.Linear))
    last.weight.data *= 1e6
    extreme = (MCDropoutPosterior(steep, device=DEVICE, drop_connect=drop_connect), inputs)
    return Fitted(posterior, inputs, extreme=extreme, network=network, module=module)


def _temperature_scaled(seed: int) -> Fitted:
    inputs = _inputs(60, 2)
    labels = Labels(torch.arange(20), (inputs[:20, 0] > 0).long())
    learner = TemperatureScaled(
        MCDropout(moons_mlp, TrainingConfig(steps=20), device=DEVICE), (0.5, 1.5), folds=2, num_draws=NUM_DRAWS
    )
    posterior = learner.fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=seed)
    extreme = torch.tensor([[1e6, -1e6], [0.0, 0.0]])
    return Fitted(posterior, inputs, extreme=(posterior, extreme), network=moons_mlp)


def _members(seed: int) -> Fitted:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        modules = nn.ModuleList(moons_mlp().train() for _ in range(NUM_DRAWS))  # the posterior must leave them so
    steep = copy.deepcopy(modules)
    for member in steep:
        member[-1].weight.data *= 1e6
    inputs = _inputs(13, 2)
    return Fitted(
        EnsemblePosterior(list(modules), device=DEVICE),
        inputs,
        extreme=(EnsemblePosterior(list(steep), device=DEVICE), inputs),
        network=moons_mlp,
        module=modules,
    )


def _sequences(rows: int) -> torch.Tensor:
    values = _inputs(rows, 6, 4)
    for row in range(rows):
        values[row, 1 + row % 6 :] = 0.0  # of one to six steps
    return values


def _sentences(rows: int) -> dict[str, torch.Tensor]:
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed: pip install 'lindley[transformers]'")
    words = torch.randint(1, 40, (rows, 10), generator=torch.Generator().manual_seed(0))
    counts = torch.arange(10) <= (torch.arange(rows) % 10)[:, None]
    return {"input_ids": words * counts, "attention_mask": counts.long()}


CASES: dict[str, Callable[[int], Fitted]] = {
    "mc-dropout, sequence": lambda seed: _trained("mc-dropout", moons_mlp, seed),
    "mc-dropout, branching": lambda seed: _trained("mc-dropout", Branching, seed),
    "mc-dropout, Gal's CNN": lambda seed: _untrained(gal_cnn, _inputs(11, 1, 28, 28), seed),
    "mc-dropout, transformer encoder": lambda seed: _untrained(Encoder, _sequences(13), seed),
    "mc-dropout, LSTM": lambda seed: _untrained(Recurrent, _inputs(13, 6, 4), seed),
    "mc-dropout, ResNet": lambda seed: _untrained(ResNet, _inputs(13, 3, 8, 8), seed),
    "mc-dropout, BERT": lambda seed: _untrained(bert, _sentences(13), seed),
    "mc-dropout, drop connect": lambda seed: _untrained(Branching, _inputs(13, 2), seed, drop_connect=0.2),
    "ensemble": lambda seed: _trained("ensemble", moons_mlp, seed),
    "ensemble, members side by side": lambda seed: _trained("ensemble", dense, seed),
    "ensemble of the caller's networks": _members,
    "ensemble, branching": lambda seed: _trained("ensemble", Branching, seed),
    "head": _head,
    "head, kronecker": lambda seed: _of_table(BayesianHead(covariance="kronecker", device=DEVICE), seed),
    "mc-dropout, temperature scaled": _temperature_scaled,
    "last-layer": lambda seed: _trained("last-layer", moons_mlp, seed),
    "last-layer-laplace": lambda seed: _trained("last-layer-laplace", Branching, seed),
    "laplace": lambda seed: _full_laplace(moons_mlp, seed),
    "laplace, diag, branching": lambda seed: _full_laplace(Branching, seed, hessian="diag"),
    "laplace, weights put in": lambda seed: _full_laplace(
        moons_mlp,
        seed,
        linearised=False,
        prior_precision=20.0,  # by the evidence log-probabilities are -100, and rounding beyond the tolerance
    ),
    "forest": lambda seed: _of_table(Forest(NUM_DRAWS, device=DEVICE), seed),
    "bagging": lambda seed: _of_table(Bagging(GaussianNB(), NUM_DRAWS), seed, stored=False),  # its own tests save it
    "gaussian process": lambda seed: _of_table(GaussianProcess(device=DEVICE), seed),
    "gaussian process, laplace": lambda seed: _of_table(GaussianProcess(approximation="laplace", device=DEVICE), seed),
    "given predictions": _given_predictions,
    "given function": _given_function,
}
