"""Factories: whatever they share between calls that a fit changes is refused, by every learner, before its training."""

import copy
import itertools

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, WITH_NETWORK, build_learner
from lindley.posteriors.checkpoints import ensemble_from_checkpoints
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.training.config import TrainingConfig
from lindley.training.network_factory import make_network

TASK = Classification(("a", "b", "c"))
INPUTS = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
LABELS = Labels(torch.arange(12), torch.arange(12) % 3)


def parts():
    return [nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)]


def one_network():
    network = nn.Sequential(*parts())
    return lambda: network


def shared_first_layer():
    first = nn.Linear(4, 8)
    return lambda: nn.Sequential(first, *parts()[1:])


def shared_parameter():
    weight = nn.Parameter(torch.randn(8, 4))

    def make():
        network = nn.Sequential(*parts())
        network[0].weight = weight
        return network

    return make


def shared_memory():
    weight = torch.randn(8, 4)

    def make():
        network = nn.Sequential(*parts())
        network[0].weight = nn.Parameter(weight)  # another parameter, of the same numbers in memory
        return network

    return make


def shared_part_of_memory():
    weights = torch.randn(2, 8, 4)
    turn = itertools.count()

    def make():
        network = nn.Sequential(*parts())
        network[0].weight = nn.Parameter(weights[next(turn) % 2])
        return network

    return make


def shared_running_averages():
    norm = nn.BatchNorm1d(8, affine=False)
    return lambda: nn.Sequential(nn.Linear(4, 8), norm, nn.Dropout(0.3), nn.Linear(8, 3))


def shared_frozen_part_with_norm():
    part = nn.Sequential(*parts()[:2]).requires_grad_(False)
    return lambda: nn.Sequential(part, *parts()[2:])


def networks_in_turn():
    networks = [nn.Sequential(*parts()) for _ in range(2)]
    turn = itertools.count()
    return lambda: networks[next(turn) % 2]


def compiled_one_network():
    network = nn.Sequential(*parts())
    return lambda: torch.compile(network, backend="eager")


SHARING = [
    one_network,
    shared_first_layer,
    shared_parameter,
    shared_memory,
    shared_part_of_memory,
    shared_running_averages,
    shared_frozen_part_with_norm,
    compiled_one_network,
]


class Constant(nn.Module):
    MEAN = torch.ones(4)

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", self.MEAN)

    def forward(self, x):
        return x - self.mean


def frozen_part():
    part = nn.Linear(4, 8).requires_grad_(False)
    return lambda: nn.Sequential(part, *parts()[2:])


def constant_buffers():
    return lambda: nn.Sequential(Constant(), *parts())


def shared_activation():
    activation = nn.ReLU()
    return lambda: nn.Sequential(nn.Linear(4, 8), activation, nn.Dropout(0.3), nn.Linear(8, 3))


def copies():
    network = nn.Sequential(*parts())
    return lambda: copy.deepcopy(network)


def fit(posterior, network, steps=2):
    learner = build_learner(posterior, network, TrainingConfig(steps=steps), members=3)
    return learner.fit(TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0)


NETWORKS = [name for name in WITH_NETWORK if not POSTERIORS[name].extra]


@pytest.mark.parametrize("make", SHARING)
@pytest.mark.parametrize("posterior", NETWORKS)
def test_a_factory_whose_networks_share_what_training_changes_is_refused_before_the_training(posterior, make):
    network = make()
    before = [value.clone() for value in network().parameters()]
    with pytest.raises(InputError) as caught:
        fit(posterior, network)
    assert caught.value.argument == "network"
    assert "share" in str(caught.value)
    if make is one_network:
        assert all(map(torch.equal, before, network().parameters()))


@pytest.mark.parametrize("posterior", NETWORKS)
def test_a_factory_that_gives_few_networks_in_turn_is_refused_when_one_comes_again(posterior):
    def fits():
        for _ in range(2):
            fit(posterior, network)

    network = networks_in_turn()
    with pytest.raises(InputError) as caught:
        fits()
    assert caught.value.argument == "network"
    assert "share" in str(caught.value)


@pytest.mark.parametrize("make", [frozen_part, constant_buffers, shared_activation, copies])
@pytest.mark.parametrize("posterior", NETWORKS)
def test_parts_that_training_does_not_change_may_be_shared(posterior, make):
    network = make()
    for _ in range(2):
        fit(posterior, network)


def test_the_same_labels_and_seed_give_the_same_posterior_whatever_was_fitted_before():
    network = copies()
    first = fit("mc-dropout", network).draw(3, seed=0).predict(INPUTS).log_probs
    assert torch.equal(first, fit("mc-dropout", network).draw(3, seed=0).predict(INPUTS).log_probs)


def test_memory_that_a_new_network_has_again_is_not_taken_for_shared():
    for _ in range(50):  # the allocator gives the same addresses again
        make_network(lambda: nn.Sequential(*parts()))


@pytest.mark.parametrize(("network", "kind"), [(nn.Linear(4, 3), "Linear"), (lambda: "network", "str")])
def test_networks_and_functions_that_make_none_are_refused(network, kind):
    with pytest.raises(InputError) as caught:
        make_network(network)
    assert (caught.value.argument, caught.value.got) == ("network", kind)


def test_weights_are_loaded_into_copies_of_what_a_factory_gives(tmp_path):
    network = nn.Sequential(*parts()).eval()
    members = DeepEnsemble(lambda: nn.Sequential(*parts()), 2, TrainingConfig(steps=2)).fit(
        TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0
    )
    expected = members.draw(2, seed=0).predict(INPUTS).log_probs
    assert not torch.equal(expected[:, 0], expected[:, 1])
    before = [value.clone() for value in network.parameters()]
    save_posterior(members, tmp_path / "members")
    again = load_posterior(tmp_path / "members", network=lambda: network)
    assert torch.equal(again.draw(2, seed=0).predict(INPUTS).log_probs, expected)
    assert all(map(torch.equal, before, network.parameters()))
    for member in range(2):
        save_file(members._modules[member].state_dict(), tmp_path / f"{member}.safetensors")
    files = [tmp_path / f"{member}.safetensors" for member in range(2)]
    assert torch.equal(
        ensemble_from_checkpoints(lambda: network, files).draw(2, seed=0).predict(INPUTS).log_probs, expected
    )
