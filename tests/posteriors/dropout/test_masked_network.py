import pickle
import random

import numpy as np
import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.dropout.masked_network import MaskedNetwork
from lindley.posteriors.dropout.masks import positional_mask


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
            one, two = (
                positional_mask(0.5, (8,), draw=draw, site="dropout", call=call, seed=3) / 0.5 for call in (0, 1)
            )
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


class PythonsNoise(Residual):
    def forward(self, x):
        return super().forward(x + random.random() if self.training else x)


class AGeneratorOfItsOwn(Residual):
    def __init__(self):
        super().__init__()
        self.generator = np.random.default_rng(0)

    def forward(self, x):
        return super().forward(x + float(self.generator.normal()))


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
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", f"draws random numbers in {mode} mode")


@pytest.mark.parametrize(("factory", "mode"), [(PythonsNoise, "training"), (AGeneratorOfItsOwn, "eval")])
def test_randomness_that_moves_no_generator_of_torch_or_numpy_is_found_by_other_outputs(factory, mode):
    network, inputs = seeded(factory)
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", f"gives other outputs each time in {mode} mode")


@pytest.mark.parametrize("factory", [AlwaysFunctional, FunctionalInTraining, NumPysNoise, PythonsNoise])
def test_global_generators_are_left_as_they_were(factory):
    network, inputs = seeded(factory)
    masked = MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32)

    def states():
        # Not Python's: beartype, which checks the shapes in these tests, draws from it too.
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
    assert [size for size, training in sizes if training] == [2, 2]  # under two seeds
    assert [size for size, _ in sizes].count(6) == 4


class Attends(nn.Module):
    """In eval mode torch computes this layer in one kernel, which knows nothing of the dropout layers within."""

    def __init__(self):
        super().__init__()
        self.into = nn.Linear(3, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
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


def test_bfloat16_is_close_to_float32_in_attention_too():
    network, inputs = seeded(Attends)
    with torch.no_grad():
        exact, rough = (
            MaskedNetwork(network, num_draws=3, seed=0, dtype=dtype).logits(inputs)
            for dtype in (torch.float32, torch.bfloat16)
        )
    assert rough.dtype == torch.float32
    assert 0 < (exact - rough).abs().max() < 0.03 * exact.abs().max()


def test_dropout_whose_first_axis_is_not_the_rows_is_refused():
    """Its masks would differ between the rows of one draw."""

    class StepsFirst(Residual):
        def forward(self, x):
            steps = self.first(x)[None].expand(4, -1, -1)  # [steps, n, D], as recurrent layers have it
            return self.last(self.dropout(steps).mean(0))

    network, inputs = seeded(StepsFirst)
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", "masks that differ between rows")


def test_dropout_that_is_never_called_is_refused():
    class Forgotten(Residual):
        def forward(self, x):
            return self.last(self.first(x).relu())

    network, inputs = seeded(Forgotten)
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", "no call of a dropout layer")


def test_a_network_that_writes_into_its_inputs_changes_neither_them_nor_the_draws_after():
    class Scales(Residual):
        def forward(self, x):
            x /= 2
            return super().forward(x)

    network, inputs = seeded(Scales)
    before = inputs.clone()
    masked = MaskedNetwork(network, num_draws=3, seed=0, dtype=torch.float32)
    plain = MaskedNetwork(seeded(Residual)[0], num_draws=3, seed=0, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(masked.logits(inputs), plain.logits(before / 2))
    assert torch.equal(inputs, before)


def test_outputs_that_are_no_logits_are_refused():
    class Sequences(Residual):
        def forward(self, x):
            return super().forward(x)[:, None]

    network, inputs = seeded(Sequences)
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=0, dtype=torch.float32).logits(inputs)
    assert (caught.value.argument, caught.value.got) == ("network", "Tensor of [2, 1, 2]")


def test_masks_beyond_the_cache_are_made_again():
    network, inputs = seeded(Residual)
    with torch.no_grad():
        expected = MaskedNetwork(network, num_draws=4, seed=1, dtype=torch.float32).logits(inputs)
        masked = MaskedNetwork(network, num_draws=4, seed=1, dtype=torch.float32, mask_cache_bytes=20)
        assert torch.equal(masked.logits(inputs), expected)
        assert masked._current._num_bytes <= 20


def test_pickled_networks_carry_no_masks():
    network, inputs = seeded(Residual)
    masked = MaskedNetwork(network, num_draws=30, seed=1, dtype=torch.float32)
    with torch.no_grad():
        small = len(pickle.dumps(masked))
        before = masked.logits(inputs)
        assert len(pickle.dumps(masked)) < small + 200
        assert torch.equal(pickle.loads(pickle.dumps(masked)).logits(inputs), before)


class ByName(nn.Module):
    """Reads words and which of them count, as networks of transformers do."""

    def __init__(self):
        super().__init__()
        self.words, self.dropout, self.last = nn.Embedding(10, 8), nn.Dropout(0.5), nn.Linear(8, 3)

    def forward(self, words, mask):
        values = self.dropout(self.words(words)) * mask.unsqueeze(-1)
        return {"logits": self.last(values.sum(1) / mask.sum(1, keepdim=True))}


def test_inputs_by_name_go_to_the_arguments_and_padding_changes_nothing():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ByName()
    words = torch.arange(12).reshape(3, 4) % 10
    masked = MaskedNetwork(network, num_draws=3, seed=0, dtype=torch.float32)
    with torch.no_grad():
        short = masked.logits({"words": words, "mask": torch.ones(3, 4)})
        longer = {"words": nn.functional.pad(words, (0, 5)), "mask": nn.functional.pad(torch.ones(3, 4), (0, 5))}
        torch.testing.assert_close(masked.logits(longer), short)
    assert short.shape == (3, 3, 3)
