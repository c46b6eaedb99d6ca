"""What every learner of the catalogue promises."""

import pytest
import torch

from lindley.contracts import Classification, Labels
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, WITH_NETWORK, build_learner
from lindley.posteriors.recipe import Recipe


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_validation_labels_are_refused_rather_than_ignored(posterior):
    if posterior == "laplace":
        pytest.importorskip("laplace")
    labels = Labels(torch.arange(20), torch.arange(20) % 2)
    learner = build_learner(posterior, moons_mlp if posterior in WITH_NETWORK else None, Recipe(steps=1))
    pool = MemoryPool(torch.randn(20, 2, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(InputError, match="validation"):
        learner.fit(pool, labels, task=Classification(("a", "b")), validation=labels, seed=0)
