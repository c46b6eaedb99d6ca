import numpy as np
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


class AlwaysFunctional(Residual):
    def forward(self, x):
        return super().forward(nn.functional.dropout(x, 0.5))


class FunctionalInTraining(Residual):
    def forward(self, x):
        return super().forward(nn.functional.dropout(x, 0.5, training=self.training))


class StochasticDepth(Residual):
    """Seldom drops its branch: two seeds mostly give the same output."""

    def forward(self, x):
        dropped = self.training and float(torch.rand(())) < 1e-6
        return self.last(self.first(x).relu()) if dropped else super().forward(x)


class NumPysNoise(Residual):
    def forward(self, x):
        return super().forward(x + 1e-3 * float(np.random.randn()) if self.training else x)  # noqa: NPY002


@pytest.mark.parametrize(
    ("factory", "mode"),
    [
        (AlwaysFunctional, "eval"),
        (FunctionalInTraining, "training"),
        (StochasticDepth, "training"),
        (NumPysNoise, "training"),
    ],
)
def test_randomness_beside_the_layers_is_found_and_refused(factory, mode):
    network, inputs = seeded(factory)
    with pytest.raises(InputError, match=rf"in {mode} mode this network draws .* posterior = 'ensemble'"):
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)


@pytest.mark.parametrize("factory", [AlwaysFunctional, FunctionalInTraining, NumPysNoise])
def test_global_generators_are_left_as_they_were(factory):
    network, inputs = seeded(factory)
    masked = MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32)

    def states():
        return torch.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002

    before = states()
    with pytest.raises(InputError):
        masked.logits(inputs)
    assert states() == before


class Normalised(nn.Module):
    """Its norm layer needs more than one row in training, and its batch statistics change at each pass."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 2))
        self.layers[0] = nn.utils.parametrizations.spectral_norm(self.layers[0])

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("rows", [1, 6])
def test_plain_dropout_beside_norms_is_not_refused_and_nothing_of_it_changes(rows):
    network, inputs = seeded(Normalised)
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    masked = MaskedNetwork(network, num_draws=3, seed=0, dtype=torch.float32)
    with torch.no_grad():
        assert torch.equal(masked.logits(inputs[:rows]), masked.logits(inputs[:rows]))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_check_runs_once_and_on_two_rows_at_most():
    sizes = []

    class Watched(Residual):
        def forward(self, x):
            sizes.append((len(x), self.training))
            return super().forward(x)

    network, inputs = seeded(Watched)
    masked = MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32)
    for _ in range(2):
        masked.logits(inputs)
    assert [size for size, training in sizes if training] == [2]
    assert [size for size, _ in sizes].count(6) == 4


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
