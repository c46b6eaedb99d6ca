import json
import pickle
from functools import partial

import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.posteriors.head.tuned_learner import TunedLearner
from lindley.posteriors.storage import load_posterior, read_tensors, save_posterior
from lindley.training.config import TrainingConfig


def seeded(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory()


@pytest.fixture
def saved(tmp_path):
    save_posterior(MCDropoutPosterior(seeded(moons_mlp)), tmp_path / "model")
    return tmp_path / "model"


INPUTS = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))


def test_a_loaded_posterior_has_the_same_draws_point_and_features(saved):
    before, after = MCDropoutPosterior(seeded(moons_mlp)), load_posterior(saved, network=moons_mlp)
    one, two = (each.draw(4, seed=3) for each in (before, after))
    assert one.id == two.id
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)
    assert torch.equal(before.point().predict(INPUTS).log_probs, after.point().predict(INPUTS).log_probs)
    assert torch.equal(before.features(INPUTS), after.features(INPUTS))


def test_settings_come_back(tmp_path):
    save_posterior(MCDropoutPosterior(moons_mlp(), precision="bfloat16", drop_connect=0.25), tmp_path)
    content = json.loads((tmp_path / "posterior.json").read_text())
    assert (content["kind"], content["version"]) == ("mc-dropout", 1)
    draws = load_posterior(tmp_path, network=moons_mlp).draw(2, seed=0)
    assert draws.id.endswith("-0-2-bfloat16-drop-connect-0.25")


def test_members_of_an_ensemble_come_back_in_order(tmp_path):
    labels = Labels(torch.arange(5), torch.tensor([0, 1, 0, 1, 1]))
    learner = DeepEnsemble(moons_mlp, 11, TrainingConfig(steps=2))
    before = learner.fit(TrainingData(MemoryPool(INPUTS), labels, Classification(("a", "b"))), seed=0)
    save_posterior(before, tmp_path)
    one, two = (each.draw(11, seed=0) for each in (before, load_posterior(tmp_path, network=moons_mlp)))
    assert one.id == two.id
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)


def test_weights_that_lie_channels_last_do_so_again(tmp_path):
    """Sums in another order would differ in the last bits."""
    module = seeded(gal_cnn).to(memory_format=torch.channels_last)
    save_posterior(MCDropoutPosterior(module), tmp_path)
    again = load_posterior(tmp_path, network=gal_cnn)._module
    assert [w.stride() for w in again.parameters()] == [w.stride() for w in module.parameters()]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.dropout = nn.Linear(2, 2), nn.Linear(2, 2), nn.Dropout(0.5)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.dropout(self.first(x)))


def test_weights_that_are_shared_are_shared_again(tmp_path):
    save_posterior(MCDropoutPosterior(seeded(Tied)), tmp_path)
    again = load_posterior(tmp_path, network=Tied)
    assert again._module.first.weight is again._module.second.weight
    expected = MCDropoutPosterior(seeded(Tied)).draw(3, seed=0).predict(INPUTS).log_probs
    assert torch.equal(again.draw(3, seed=0).predict(INPUTS).log_probs, expected)


def test_loading_moves_no_generator(saved):
    before = torch.get_rng_state()
    load_posterior(saved, network=moons_mlp)
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_is_overwritten(saved):
    with pytest.raises(InputError) as caught:
        save_posterior(MCDropoutPosterior(moons_mlp()), saved)
    assert (caught.value.argument, caught.value.got) == ("folder", str(saved))


def test_weights_that_cannot_be_written_are_an_error_of_the_system(tmp_path):
    (tmp_path / "weights.safetensors").mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        save_posterior(MCDropoutPosterior(moons_mlp()), tmp_path)
    assert not (tmp_path / "posterior.json").exists()


def test_without_a_network_weights_are_refused(saved):
    with pytest.raises(InputError) as caught:
        load_posterior(saved)
    assert (caught.value.argument, caught.value.got) == ("network", None)


def test_an_input_error_of_a_part_keeps_its_fields(saved):
    def network():
        raise InputError(argument="inputs", expected="finite", got="nan", rows=[3, 5])

    with pytest.raises(InputError) as caught:
        load_posterior(saved, network=network)
    assert (caught.value.argument, caught.value.got, caught.value.rows) == ("inputs", "nan", (3, 5))


def test_weights_of_another_network_are_refused(saved):
    with pytest.raises(InputError) as caught:
        load_posterior(saved, network=gal_cnn)
    assert caught.value.argument == "network"


def test_other_posteriors_are_refused(tmp_path):
    class Own(MCDropoutPosterior):
        pass

    with pytest.raises(InputError) as caught:
        save_posterior(Own(moons_mlp()), tmp_path)
    assert (caught.value.argument, caught.value.got) == ("posterior", "Own")


def test_state_that_is_no_tensor_is_refused(tmp_path):
    class Remembers(Tied):
        def get_extra_state(self):
            return {"seen": 3}

        def set_extra_state(self, state):
            pass

    with pytest.raises(InputError) as caught:
        save_posterior(MCDropoutPosterior(Remembers()), tmp_path)
    assert (caught.value.argument, caught.value.got) == ("_extra_state", "dict")


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"sha256": ""}, {"weights_sha256": ""}, {"kind": "oracle"}, {"more": 1}]
)
def test_changed_files_are_refused(saved, change):
    content = json.loads((saved / "posterior.json").read_text())
    (saved / "posterior.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(InputError) as caught:
        load_posterior(saved, network=moons_mlp)
    assert (caught.value.argument, caught.value.got) == ("posterior.json", str(saved / "posterior.json"))


def test_a_folder_without_a_posterior_and_damaged_files_are_named(saved, tmp_path):
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path)
    assert (caught.value.argument, caught.value.got) == ("posterior.json", str(tmp_path / "posterior.json"))
    (saved / "posterior.json").write_text("{")
    with pytest.raises(InputError) as caught:
        load_posterior(saved)
    assert caught.value.argument == "posterior.json"


def test_a_pickle_is_not_loaded(saved):
    (saved / "weights.safetensors").write_bytes(pickle.dumps({"0.weight": torch.zeros(1)}))
    with pytest.raises(InputError) as caught:
        load_posterior(saved, network=moons_mlp)
    assert caught.value.argument == "weights.safetensors"
    with pytest.raises(InputError) as caught:
        read_tensors(saved / "weights.safetensors")
    assert caught.value.argument == "weights.safetensors"


def test_a_dropout_rate_comes_back_with_the_weights(tmp_path):
    module = seeded(moons_mlp)
    for layer in module.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.3
    before = MCDropoutPosterior(module)
    save_posterior(before, tmp_path)
    one, two = (each.draw(4, seed=3) for each in (before, load_posterior(tmp_path, network=moons_mlp)))
    assert one.id == two.id
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)


def test_a_tuned_posterior_is_saved_as_the_candidate_that_was_kept(tmp_path):
    labels = Labels(torch.arange(5), torch.tensor([0, 1, 0, 1, 1]))
    learner = TunedLearner([0.0, 0.1], lambda decay: MCDropout(moons_mlp, TrainingConfig(steps=2, weight_decay=decay)))
    before = learner.fit(TrainingData(MemoryPool(INPUTS), labels, Classification(("a", "b"))), seed=0)
    save_posterior(before, tmp_path)
    one, two = (each.draw(4, seed=3) for each in (before, load_posterior(tmp_path, network=moons_mlp)))
    assert one.id == two.id
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)


@pytest.mark.parametrize("learner", [BayesianHead, GaussianProcess])
def test_a_function_of_features_has_to_be_given_again(learner, tmp_path):
    labels = Labels(torch.arange(5), torch.tensor([0, 1, 0, 1, 1]))
    before = learner(features=torch.sin).fit(
        TrainingData(MemoryPool(INPUTS), labels, Classification(("a", "b"))), seed=0
    )
    save_posterior(before, tmp_path / "with")
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path / "with")
    assert caught.value.argument == "features"
    after = load_posterior(tmp_path / "with", features=torch.sin)
    assert torch.equal(
        before.draw(4, seed=3).predict(INPUTS).log_probs, after.draw(4, seed=3).predict(INPUTS).log_probs
    )
    plain = learner().fit(TrainingData(MemoryPool(INPUTS), labels, Classification(("a", "b"))), seed=0)
    save_posterior(plain, tmp_path / "without")
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path / "without", features=torch.sin)
    assert "features=" in str(caught.value)


@pytest.mark.parametrize("learner", [BayesianHead, GaussianProcess])
def test_features_may_be_a_network(learner):
    labels = Labels(torch.arange(5), torch.tensor([0, 1, 0, 1, 1]))
    posterior = learner(features=seeded(lambda: nn.Linear(2, 3))).fit(
        TrainingData(MemoryPool(INPUTS), labels, Classification(("a", "b"))), seed=0
    )
    assert posterior.draw(4, seed=3).predict(INPUTS).log_probs.shape == (5, 4, 2)


def test_a_last_layer_of_a_cnn_gives_the_same_bits(tmp_path):
    images = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(8), torch.arange(8) % 2)
    two_classes = partial(gal_cnn, num_classes=2)
    before = LastLayerLaplace(two_classes, TrainingConfig(steps=2)).fit(
        TrainingData(MemoryPool(images), labels, Classification(("a", "b"))), seed=0
    )
    save_posterior(before, tmp_path)
    one, two = (each.draw(4, seed=3) for each in (before, load_posterior(tmp_path, network=two_classes)))
    assert one.id == two.id
    assert torch.equal(one.predict(images).log_probs, two.predict(images).log_probs)
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path)
    assert (caught.value.argument, caught.value.got) == ("network", None)


def test_an_argument_of_another_kind_of_posterior_is_refused(saved):
    with pytest.raises(InputError) as caught:
        load_posterior(saved, network=moons_mlp, features=torch.sin)
    assert caught.value.argument == "features"


class Patches(nn.Module):
    """Its `p` is no dropout rate."""

    def __init__(self):
        super().__init__()
        self.p, self.dropout, self.last = 2, nn.Dropout(0.3), nn.Linear(1, 2)

    def forward(self, x):
        return self.last(self.dropout(x.unflatten(1, (self.p, -1)).sum(1)))


def test_an_attribute_that_only_has_the_name_of_a_rate_is_left_alone(tmp_path):
    before = MCDropoutPosterior(seeded(Patches))
    save_posterior(before, tmp_path)
    assert json.loads((tmp_path / "posterior.json").read_text())["settings"]["dropout"] == {"dropout.p": 0.3}
    one, two = (each.draw(4, seed=3) for each in (before, load_posterior(tmp_path, network=Patches)))
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)
