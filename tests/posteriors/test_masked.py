import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.masked import MaskedNetwork
from lindley.posteriors.masks import dropout_masks


class Residual(nn.Module):
    """Not a sequence; its dropout layer is used twice, and under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.second = nn.Linear(8, 8)
        self.last = nn.Linear(8, 2)
        self.dropout = nn.Dropout(0.5)
        self.same_dropout = self.dropout

    def forward(self, x):
        hidden = self.dropout(self.first(x).relu())
        return self.last(hidden + self.same_dropout(self.second(hidden).relu()))


def seeded(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory(), torch.randn(6, 3)


def test_a_shared_layer_has_masks_of_its_own_at_each_call():
    network, inputs = seeded(Residual)
    masked = MaskedNetwork(network, num_draws=5, seed=3, dtype=torch.float32)
    with torch.no_grad():
        logits = masked.logits(inputs)  # [n, K, C]
        for draw in range(5):
            one, two = (dropout_masks(0.5, (8,), num_draws=5, site=f"dropout#{call}", seed=3)[draw] for call in (0, 1))
            hidden = network.first(inputs).relu() * one
            expected = network.last(hidden + network.second(hidden).relu() * two)
            torch.testing.assert_close(logits[:, draw], expected)


def test_a_draw_is_one_function_for_every_chunk_and_call():
    network, inputs = seeded(Residual)
    masked = MaskedNetwork(network, num_draws=5, seed=3, dtype=torch.float32)
    with torch.no_grad():
        whole = masked.logits(inputs)
        parts = torch.cat([masked.logits(inputs[:4]), masked.logits(inputs[4:])])
    torch.testing.assert_close(whole, parts)


def test_the_callers_module_is_as_it_was():
    network, inputs = seeded(Residual)
    network.train()
    MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert network.training
    assert type(network.dropout) is nn.Dropout


def test_functional_dropout_is_found_and_refused():
    class Functional(Residual):
        def forward(self, x):
            return super().forward(nn.functional.dropout(x, 0.5))

    network, inputs = seeded(Functional)
    with pytest.raises(InputError, match="another global seed"):
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
