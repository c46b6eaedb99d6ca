"""The fast path must be the slow path: the same functions, computed once where they may be."""

import pickle

import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.networks.batchbald_cnn import batchbald_cnn
from lindley.networks.digits_mlp import digits_mlp
from lindley.networks.gal_cnn import gal_cnn
from lindley.networks.moons_mlp import moons_mlp
from lindley.posteriors.dropout import folded_network as folded_module
from lindley.posteriors.dropout.folded_network import FoldedNetwork, foldable_layers
from lindley.posteriors.dropout.masks import dropout_masks, mask_shape
from lindley.posteriors.dropout.pruning import find_nonzero_features

CASES = {
    "moons-mlp": (moons_mlp, (2,)),
    "digits-mlp": (digits_mlp, (64,)),
    "gal-cnn": (gal_cnn, (1, 28, 28)),
    "batchbald-cnn": (batchbald_cnn, (1, 28, 28)),
    "hidden units dropped twice, a middle layer, no bias": (
        lambda: nn.Sequential(
            nn.Linear(5, 8, bias=False), nn.Dropout(0.4), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 6), nn.Linear(6, 3)
        ),
        (5,),
    ),
    "hidden units all dropped": (
        lambda: nn.Sequential(nn.Dropout(0.2), nn.Linear(5, 2), nn.ReLU(), nn.Dropout(0.9), nn.Linear(2, 3)),
        (5,),
    ),
    "channels all dropped, before pooling": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3), nn.Dropout2d(0.9), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2 * 9, 3)
        ),
        (1, 8, 8),
    ),
    "channels all dropped, between convolutions": (
        lambda: nn.Sequential(
            nn.Dropout2d(0.9),
            nn.Conv2d(2, 2, 3),
            nn.Dropout2d(0.9),
            nn.ReLU(),
            nn.Conv2d(2, 2, 3),
            nn.Dropout2d(0.9),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(2 * 4, 3),
        ),
        (2, 8, 8),
    ),
    "channel dropout before pooling, dropout after flattening": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3),
            nn.Dropout2d(0.4),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(4 * 3 * 3, 4),
        ),
        (1, 8, 8),
    ),
    "channel dropout on the input of strided, padded convolutions": (
        lambda: nn.Sequential(
            nn.Dropout2d(0.5),
            nn.Conv2d(4, 6, 3, stride=2, padding=1),
            nn.Tanh(),
            nn.Dropout2d(0.5),
            nn.Conv2d(6, 5, 3, dilation=2, padding=2),
            nn.LeakyReLU(),
            nn.Flatten(),
            nn.Linear(5 * 16, 3),
        ),
        (4, 8, 8),
    ),
    "dropout of single pixels before a dense layer": (
        lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.Dropout(0.4), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 4)),
        (1, 8, 8),
    ),
    "dropout on the input, two in a row": (
        lambda: nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.2), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)),
        (5,),
    ),
    "channel dropout twice, no bias": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3),
            nn.Dropout2d(0.3),
            nn.Conv2d(3, 4, 3, bias=False),
            nn.Dropout2d(0.3),
            nn.ReLU(),
            nn.Conv2d(4, 2, 2),
            nn.Flatten(),
        ),
        (2, 8, 8),
    ),
}
UNFOLDABLE = {
    "dropout of single pixels before pooling": [nn.Conv2d(1, 3, 3), nn.Dropout(0.4), nn.MaxPool2d(2), nn.Flatten()],
    "dropout of single pixels before a convolution": [nn.Dropout(0.4), nn.Conv2d(1, 3, 3)],
    "an activation that is not 0 at 0 after dropout": [nn.Linear(4, 4), nn.Dropout(0.4), nn.Sigmoid(), nn.Linear(4, 2)],
    "a curved activation after dropout": [nn.Linear(4, 4), nn.Dropout(0.4), nn.Tanh(), nn.Linear(4, 2)],
    "dropout of sequences before pooling": [nn.Dropout1d(0.4), nn.MaxPool2d(2)],
}
NUM_DRAWS, SEED = 4, 7


def masked_by_hand(layers, inputs):
    """Every layer of every draw, one after the other, with the masks multiplied in plainly."""
    outputs = []
    for draw in range(NUM_DRAWS):
        values = inputs
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.Dropout | nn.Dropout2d):
                shape = mask_shape(layer, tuple(values.shape[1:]), str(index))
                values = values * dropout_masks(layer.p, shape, num_draws=NUM_DRAWS, site=str(index), seed=SEED)[draw]
            else:
                values = layer(values)
        outputs.append(values)
    return torch.stack(outputs, dim=1)


def network_and_inputs(case):
    factory, shape = CASES[case]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory().eval(), torch.rand(9, *shape)


@pytest.mark.parametrize("case", CASES)
def test_folded_equals_masks_multiplied_in_by_hand(case):
    network, inputs = network_and_inputs(case)
    layers = foldable_layers(network)
    folded = FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(folded.logits(inputs), masked_by_hand(layers, inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_draws_do_not_depend_on_how_many_are_computed_at_once(case):
    network, inputs = network_and_inputs(case)
    layers = foldable_layers(network)

    def logits(**options):
        with torch.no_grad():
            return FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32, **options).logits(inputs)

    torch.testing.assert_close(logits(draws_per_product=3), logits(), rtol=1e-4, atol=1e-5)


def images_with_a_blank_border():
    images = torch.zeros(9, 1, 28, 28)
    images[:, :, 9:19, 9:19] = torch.rand(9, 1, 10, 10, generator=torch.Generator().manual_seed(0))
    return images


def gal_cnn_that_is_blank_where_the_image_is():
    network, _ = network_and_inputs("gal-cnn")
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.bias)
    return network


@pytest.mark.parametrize("bias", [True, False])
def test_features_that_are_zero_in_all_rows_are_not_multiplied_and_nothing_else_changes(bias, monkeypatch):
    network, images = gal_cnn_that_is_blank_where_the_image_is(), images_with_a_blank_border()
    if not bias:
        next(layer for layer in network if isinstance(layer, nn.Linear)).bias = None
    layers = foldable_layers(network)
    taken = []
    monkeypatch.setattr(
        folded_module, "find_nonzero_features", lambda values: taken.append(find_nonzero_features(values)) or taken[-1]
    )
    folded = FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
    with torch.no_grad():
        logits = folded.logits(images)
        assert 0 < len(taken[0]) < 0.7 * 3872
        torch.testing.assert_close(logits, masked_by_hand(layers, images), rtol=1e-4, atol=1e-5)
        # a row with something at the border needs all features; its chunk is computed in full, and the first again
        whole = torch.rand(9, 1, 28, 28)
        torch.testing.assert_close(folded.logits(whole), masked_by_hand(layers, whole), rtol=1e-4, atol=1e-5)
        assert torch.equal(folded.logits(images), logits)
        nothing = torch.zeros(3, 1, 28, 28)
        torch.testing.assert_close(folded.logits(nothing), masked_by_hand(layers, nothing), rtol=1e-4, atol=1e-5)
        assert folded.logits(images[:0]).shape == (0, NUM_DRAWS, 10)


def test_a_weight_that_is_not_finite_is_multiplied_also_where_the_feature_is_zero():
    network = gal_cnn_that_is_blank_where_the_image_is()
    dense = next(layer for layer in network if isinstance(layer, nn.Linear))
    with torch.no_grad():
        dense.weight[:, 0] = torch.nan  # the first channel's corner, which is blank
        folded = FoldedNetwork(foldable_layers(network), num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
        assert folded.logits(images_with_a_blank_border()).isnan().all()


@pytest.mark.parametrize("case", ["gal-cnn", "batchbald-cnn"])
def test_weights_are_kept_of_the_units_that_a_draw_keeps(case):
    network, inputs = network_and_inputs(case)
    folded = FoldedNetwork(foldable_layers(network), num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
    folded.logits(inputs)
    for *hidden, last in folded.draw_weights:
        assert len(last) == 10
        for weight, following in zip(hidden, [*hidden[1:], last], strict=True):
            assert len(weight) * (following.shape[1] // len(weight)) == following.shape[1]
        assert 0.3 * 128 < last.shape[1] < 0.7 * 128


@pytest.mark.parametrize("case", UNFOLDABLE)
def test_masks_that_cannot_go_into_weights_are_left_to_the_general_way(case):
    assert foldable_layers(nn.Sequential(*UNFOLDABLE[case], nn.Linear(4, 2))) is None
    assert foldable_layers(nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))) is None


def test_dense_layers_of_a_plain_sequence_read_one_vector():
    layers = foldable_layers(nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(6, 2)))
    with pytest.raises(InputError) as caught:
        FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32).logits(torch.rand(3, 2, 4))
    assert (caught.value.argument, caught.value.got) == ("network", [2, 4])


@pytest.mark.parametrize("case", ["gal-cnn", "batchbald-cnn"])
def test_bfloat16_is_close_to_float32(case):
    network, inputs = network_and_inputs(case)
    layers = foldable_layers(network)
    with torch.no_grad():
        exact = FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32).logits(inputs)
        rough = FoldedNetwork(layers, num_draws=NUM_DRAWS, seed=SEED, dtype=torch.bfloat16).logits(inputs)
    assert rough.dtype == torch.float32
    assert (exact - rough).abs().max() < 0.02 * exact.abs().max() + 0.01


def test_pickled_draws_give_the_same_numbers_and_carry_no_folded_weights():
    network, inputs = network_and_inputs("gal-cnn")
    folded = FoldedNetwork(foldable_layers(network), num_draws=NUM_DRAWS, seed=SEED, dtype=torch.float32)
    with torch.no_grad():
        before = folded.logits(inputs)
        stored = pickle.dumps(folded)
        assert torch.equal(pickle.loads(stored).logits(inputs), before)
    assert len(stored) < 1.1 * sum(4 * p.numel() for p in network.parameters()) + 20_000


def test_layers_of_is_none_where_something_else_is_in_the_sequence():
    assert foldable_layers(nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2))) is None
    assert foldable_layers(nn.TransformerEncoderLayer(4, 2)) is None
    assert len(foldable_layers(nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.ReLU()))) == 2


def test_a_sequence_with_a_forward_of_its_own_is_not_folded():
    class AddsItsInput(nn.Sequential):
        def forward(self, values):
            return values + super().forward(values)

    assert foldable_layers(nn.Sequential(AddsItsInput(nn.Linear(2, 2), nn.ReLU()), nn.Dropout(0.5))) is None


def test_layers_with_hooks_are_not_folded():
    hooked = nn.Linear(2, 2)
    hooked.register_forward_hook(lambda layer, inputs, output: 2 * output)
    sequence = nn.Sequential(nn.Linear(2, 2))
    sequence.register_forward_pre_hook(lambda layer, inputs: (2 * inputs[0],))
    assert foldable_layers(nn.Sequential(hooked, nn.Dropout(0.5))) is None
    assert foldable_layers(sequence) is None


def test_a_forward_that_is_put_on_a_layer_is_not_folded_away():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.4), nn.Linear(4, 2))
    assert foldable_layers(network) is not None
    network[1].forward = torch.tanh
    assert foldable_layers(network) is None
