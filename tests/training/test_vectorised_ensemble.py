"""Members trained at once are the members trained one after the other."""

import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import FitError, InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.training.config import TrainingConfig
from lindley.training.loop import train
from lindley.training.vectorised_ensemble import can_vectorise, train_vectorised

TASK = Classification(("a", "b", "c"))
INPUTS = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
LABELS = Labels(torch.arange(50), torch.arange(50) % 3)


def network():
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Sequential(nn.Linear(16, 8), nn.ReLU()), nn.Linear(8, 3))


def arguments_for(config):
    return {"config": config, "device": "cpu"}


@pytest.mark.parametrize(
    "config",
    [
        TrainingConfig(steps=60, batch_size=16, learning_rate=1e-2),
        TrainingConfig(
            steps=60, batch_size=16, optimizer="adamw", weight_decay=0.1, schedule="cosine", learning_rate=1e-2
        ),
        TrainingConfig(steps=60, batch_size=64, prior_precision=3.0, class_weights=(1.0, 2.0, 0.5)),
    ],
    ids=["adam", "adamw", "prior and class weights"],
)
def test_the_weights_are_those_of_one_after_the_other(config):
    data = TrainingData(MemoryPool(INPUTS), LABELS, TASK)
    together = train_vectorised(network, data, seeds=[3, 4, 5], **arguments_for(config))
    for seed, module in zip([3, 4, 5], together, strict=True):
        alone = train(network, data, precision="float32", seed=seed, **arguments_for(config))
        assert not module.training
        for mine, theirs in zip(module.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize(
    ("make", "config", "precision", "fits"),
    [
        (network, TrainingConfig(), "float32", True),
        (network, TrainingConfig(), "bfloat16", False),
        (network, TrainingConfig(patience=2), "float32", False),
        (moons_mlp, TrainingConfig(), "float32", False),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)), TrainingConfig(), "float32", False),
        (lambda: nn.Linear(2000, 200), TrainingConfig(), "float32", False),
    ],
    ids=["plain", "bfloat16", "early stopping", "dropout", "convolution", "large"],
)
def test_only_small_dense_networks_without_noise_are_trained_at_once(make, config, precision, fits):
    assert can_vectorise(make(), config, precision) is fits


def test_an_ensemble_is_trained_at_once_and_its_members_do_not_depend_on_how_many_there_are():
    pool = MemoryPool(INPUTS)
    two, four = (
        DeepEnsemble(network, members, TrainingConfig(steps=20))
        .fit(TrainingData(pool, LABELS, TASK), seed=0)
        .draw(members, seed=0)
        for members in (2, 4)
    )
    torch.testing.assert_close(
        two.predict(INPUTS).log_probs, four.predict(INPUTS).log_probs[:, :2], atol=1e-5, rtol=1e-5
    )


def test_a_member_that_diverges_is_named():
    def exploding():
        made = network()
        if torch.rand(1) > 0.5:  # of the members 3, 4 and 5, whose seeds are known, one at least
            nn.init.constant_(made[0].weight, float("nan"))
        return made

    with pytest.raises(FitError) as caught:
        train_vectorised(
            exploding,
            TrainingData(MemoryPool(INPUTS), LABELS, TASK),
            seeds=range(8),
            **arguments_for(TrainingConfig(steps=5)),
        )
    assert caught.value.step == 1
    assert caught.value.member in range(8)


def test_members_that_begin_at_common_weights_are_refused():
    with pytest.raises(InputError) as caught:
        DeepEnsemble(network, 2, TrainingConfig(warm_start=True)).fit(
            TrainingData(MemoryPool(INPUTS), LABELS, TASK), seed=0
        )
    assert caught.value.argument == "training.warm_start"
