"""What no posterior can be made of is refused by every learner of networks, before the training."""

import math
import threading

import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, WITH_NETWORK, build_learner
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.training.config import TrainingConfig
from lindley.training.network_calls import refuse_probabilities

TASK = Classification(("a", "b"))
INPUTS = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
LABELS = Labels(torch.arange(12), torch.arange(12) % 2)
LEARNERS = [name for name in WITH_NETWORK if not POSTERIORS[name].extra]


def outputs(count, *more):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, count), *more)


class SoftmaxInForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.within = outputs(2)

    def forward(self, x):
        return self.within(x).softmax(1)


class Locked(nn.Sequential):
    def __init__(self):
        super().__init__(*outputs(2))
        self.lock = threading.Lock()


class Remembers(nn.Sequential):
    """Keeps what it computed in training, with its graph, where no copy finds it."""

    def __init__(self):
        super().__init__(*outputs(2))
        self.seen = []

    def forward(self, x):
        self.seen.append(super().forward(x))
        return self.seen[-1]


def batch_norm():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 2))


class BeforeTheTraining(MemoryPool):
    """Is not read for a training, only for the two rows that are looked at before."""

    def read(self, rows):
        assert len(rows) <= 2, "the training began"
        return super().read(rows)


def fit(learner, network, *, pool=BeforeTheTraining, labels=LABELS, **config):
    made = build_learner(learner, network, TrainingConfig(steps=2, **config), members=2)
    return made.fit(TrainingData(pool(INPUTS), labels, TASK), seed=0)


REFUSED = {
    "one output": (lambda: outputs(1), 1),
    "more outputs": (lambda: outputs(3), 3),
    "softmax": (lambda: outputs(2, nn.Softmax(1)), "probabilities"),
    "softmax in forward": (SoftmaxInForward, "probabilities"),
}
NOT_COPIED = {
    "lock": (Locked, "attribute 'lock' of Locked at ''"),
    "graph": (Remembers, "attribute 'seen' of Remembers at ''"),
}


@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.parametrize("learner", LEARNERS)
def test_outputs_that_are_no_logits_of_the_classes_are_refused_before_the_training(learner, fault):
    network, got = REFUSED[fault]
    with pytest.raises(InputError) as caught:
        fit(learner, network)
    assert (caught.value.argument, caught.value.got) == ("network", got)


class Centred(nn.Sequential):
    def forward(self, inputs):
        return super().forward(inputs - inputs.mean(0))


def of_batch_statistics():
    norm = nn.BatchNorm1d(8, track_running_stats=False)
    return nn.Sequential(nn.Linear(4, 8), norm, nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


@pytest.mark.parametrize("network", [of_batch_statistics, lambda: Centred(*outputs(2))], ids=["norm", "forward"])
@pytest.mark.parametrize("learner", LEARNERS)
def test_networks_whose_rows_depend_on_each_other_are_refused_before_the_training(learner, network):
    with pytest.raises(InputError) as caught:
        fit(learner, network)
    assert (caught.value.argument, caught.value.got) == ("network", "a function of the batch")


def test_a_lazy_batch_norm_is_fitted_and_loaded_into_a_network_with_sizes_alone(tmp_path):
    def lazy():
        return nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))

    def eager():
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))

    posterior = fit("mc-dropout", lazy, pool=MemoryPool)
    save_posterior(posterior, tmp_path / "saved")
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path / "saved", network=lazy)
    assert (caught.value.argument, caught.value.got) == ("network", "0")
    loaded = load_posterior(tmp_path / "saved", network=eager)
    mine, theirs = (each.draw(3, seed=0).predict(INPUTS).log_probs for each in (posterior, loaded))
    assert torch.equal(mine, theirs)


@pytest.mark.parametrize("fault", NOT_COPIED)
@pytest.mark.parametrize("learner", ["mc-dropout", "ensemble"])
def test_what_cannot_be_copied_is_refused_before_the_training(learner, fault):
    network, got = NOT_COPIED[fault]
    with pytest.raises(InputError) as caught:
        fit(learner, network)
    assert (caught.value.argument, caught.value.got) == ("network", got)


@pytest.mark.parametrize(("labels", "batch_size"), [(1, 64), (12, 1)])
@pytest.mark.parametrize("learner", LEARNERS)
def test_batch_norm_on_minibatches_of_one_row_is_refused_by_name(learner, labels, batch_size):
    some = Labels(LABELS.rows[:labels], LABELS.values[:labels])
    with pytest.raises(InputError) as caught:
        fit(learner, batch_norm, labels=some, batch_size=batch_size)
    assert (caught.value.argument, caught.value.got) == ("training.batch_size", 1)


def weight_norm():
    network = outputs(2)
    nn.utils.weight_norm(network[0])
    return network


def spectral_norm():
    network = outputs(2)
    nn.utils.spectral_norm(network[0])
    return network


def compiled():
    return torch.compile(outputs(2), backend="eager")


def compiled_within():
    return nn.Sequential(torch.compile(outputs(8), backend="eager"), nn.Linear(8, 2))


def compiled_in_place():
    network = outputs(2)
    network.compile(backend="eager")
    return network


def log_softmax():
    return outputs(2, nn.LogSoftmax(1))


WORKS = [weight_norm, spectral_norm, compiled, compiled_within, compiled_in_place, log_softmax]


@pytest.mark.parametrize("network", WORKS)
@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_networks_with_state_of_their_own_are_fitted_and_drawn(learner, network):
    log_probs = fit(learner, network, pool=MemoryPool).draw(2, seed=0).predict(INPUTS).log_probs
    torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(30, 2))


@pytest.mark.parametrize("kind", [MCDropoutPosterior, lambda module: EnsemblePosterior([module])])
@pytest.mark.parametrize("network", WORKS)
@pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")
def test_networks_of_the_callers_own_give_what_they_give_and_stay(kind, network):
    module = network()
    module.train()(INPUTS)
    expected = module.eval()(INPUTS).log_softmax(1)
    posterior = kind(module)
    point = posterior.point() or posterior.draw(1, seed=0)
    torch.testing.assert_close(point.predict(INPUTS).log_probs[:, 0], expected)
    torch.testing.assert_close(module(INPUTS).log_softmax(1), expected)
    assert module.state_dict().keys() == network().state_dict().keys()


@pytest.mark.parametrize("kind", [MCDropoutPosterior, lambda module: EnsemblePosterior([module])])
@pytest.mark.parametrize("network", [lambda: outputs(2, nn.Softmax(1)), SoftmaxInForward])
def test_probabilities_of_the_callers_own_network_are_refused_at_the_first_prediction(kind, network):
    with pytest.raises(InputError) as caught:
        kind(network()).draw(1, seed=0).predict(INPUTS)
    assert (caught.value.argument, caught.value.got) == ("network", "probabilities")


def test_layers_without_a_shape_are_refused_by_name():
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(nn.Sequential(nn.LazyLinear(8), nn.Dropout(0.3), nn.Linear(8, 2)))
    assert caught.value.argument == "0.weight"


def test_inputs_that_carry_a_graph_are_what_they_are_without_it():
    with_graph = INPUTS.clone().requires_grad_() * 1.0
    learners = [Forest(2), BayesianHead(), GaussianProcess()]
    learners += [build_learner(name, lambda: outputs(2), TrainingConfig(steps=2), members=2) for name in LEARNERS]
    for learner in learners:
        one, two = (
            learner.fit(TrainingData(MemoryPool(inputs), LABELS, TASK), seed=0)
            .draw(2, seed=0)
            .predict(inputs)
            .log_probs
            for inputs in (INPUTS, with_graph)
        )
        assert torch.equal(one, two)
        assert not two.requires_grad


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_no_numbers_are_not_taken_for_probabilities(value):
    logits = torch.full((3, 2), 0.5)
    with pytest.raises(InputError) as caught:
        refuse_probabilities(logits, nn.Identity())
    assert (caught.value.argument, caught.value.got) == ("network", "probabilities")
    logits[1, 0] = value
    refuse_probabilities(logits, nn.Identity())
