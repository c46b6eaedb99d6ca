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


class Attends(nn.Module):
    """In eval mode torch computes this layer in one kernel, which knows nothing of the dropout layers within."""

    def __init__(self):
        super().__init__()
        self.into = nn.Linear(3, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
        self.layer.self_attn.dropout = 0.0  # as refuse_what_cannot_be_frozen asks
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        return self.last(self.layer(self.into(x)[:, None].expand(-1, 4, -1)).mean(1))


def test_masks_are_used_where_torch_has_a_fast_path_around_them():
    network, inputs = seeded(Attends)
    before = torch.backends.mha.get_fastpath_enabled()
    with torch.no_grad():
        logits = MaskedNetwork(network, num_draws=3, seed=0, dtype=torch.float32).logits(inputs)
    assert (logits[:, 0] - logits[:, 1]).abs().min() > 0
    assert torch.backends.mha.get_fastpath_enabled() == before


def test_dropout_whose_first_axis_is_not_the_rows_is_refused():
    """Its masks would differ between the rows of one draw."""

    class StepsFirst(Residual):
        def forward(self, x):
            steps = self.first(x)[None].expand(4, -1, -1)  # [steps, n, D], as recurrent layers have it
            return self.last(self.dropout(steps).mean(0))

    network, inputs = seeded(StepsFirst)
    with pytest.raises(InputError, match="first axis"):
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
