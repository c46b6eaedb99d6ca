import pytest
import torch

from lindley.contracts import Classification, Labels, TrainingData
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.training.config import TrainingConfig
from lindley.training.precision import PRECISIONS, has_bfloat16, resolve_precision


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_precision_that_is_said_stays(precision):
    assert resolve_precision(precision, "cpu") == precision


@pytest.mark.parametrize(
    ("capabilities", "expected"), [({"avx2": True}, "float32"), ({"avx512_bf16": True}, "bfloat16")]
)
def test_the_processors_instructions_decide(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "x", **capabilities}, raising=False)
    assert resolve_precision("auto", "cpu") == expected


def test_where_it_cannot_be_told_there_is_none(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bfloat16("cpu")
    assert not has_bfloat16("meta")


@pytest.mark.parametrize("capabilities", [{"avx2": True}, {"avx512_bf16": True}])
@pytest.mark.parametrize(
    "learner",
    [
        lambda precision: MCDropout(moons_mlp, TrainingConfig(steps=2), precision),
        lambda precision: DeepEnsemble(moons_mlp, 3, TrainingConfig(steps=2), precision),
        lambda precision: LastLayerLaplace(moons_mlp, TrainingConfig(steps=2), precision=precision),
    ],
)
def test_a_learner_resolves_auto_and_its_draws_say_what_it_became(monkeypatch, capabilities, learner):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "x", **capabilities}, raising=False)
    inputs = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(10), torch.arange(10) % 2)

    def draws(precision):
        posterior = learner(precision).fit(TrainingData(MemoryPool(inputs), labels, Classification(("a", "b"))), seed=0)
        return posterior.draw(3, seed=0)

    plain = draws("bfloat16" if "avx512_bf16" in capabilities else "float32")
    assert draws("auto").id == plain.id
    assert torch.equal(draws("auto").predict(inputs).log_probs, plain.predict(inputs).log_probs)
