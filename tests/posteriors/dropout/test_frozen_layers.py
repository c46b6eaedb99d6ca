"""Recurrent layers taken apart: torch's values where nothing is dropped, the definition where something is."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lindley.posteriors.dropout.frozen_layers import FrozenDropout, FrozenRecurrent
from lindley.posteriors.dropout.masks import positional_mask
from lindley.posteriors.dropout.sites import CurrentDraw, Site

NOTHING = 1e-12
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
LAYERS = {
    "lstm": (nn.LSTM, {}),
    "lstm, both directions, projected": (nn.LSTM, {"bidirectional": True, "proj_size": 3}),
    "gru, time first": (nn.GRU, {"batch_first": False, "bidirectional": True}),
    "rnn, relu, no bias": (nn.RNN, {"nonlinearity": "relu", "bias": False}),
}


def recurrent(name, dropout):
    kind, options = LAYERS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = kind(4, 6, **{"num_layers": 3, "dropout": dropout, "batch_first": True, **options}).eval()
        return layer, torch.randn(5, 5, 4)


def frozen(layer, draw=2, seed=0):
    current = CurrentDraw(seed)
    current.start_pass(draw)
    return FrozenRecurrent(layer, Site("here", current)), current


def beginning(layer, rows=5):
    directions = 2 if layer.bidirectional else 1
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(3 * directions, rows, layer.proj_size or 6, generator=generator)
    return (hidden, torch.randn(3 * directions, rows, 6, generator=generator)) if layer.mode == "LSTM" else hidden


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("begins", [False, True])
def test_it_is_torchs_layer_where_nothing_is_dropped(name, begins):
    layer, inputs = recurrent(name, NOTHING)
    hx = beginning(layer) if begins else None
    before = torch.get_rng_state()
    with torch.no_grad():
        torch.testing.assert_close(frozen(layer)[0](inputs, hx), layer(inputs, hx))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", LAYERS)
def test_one_sequence_without_rows_is_as_in_torch(name):
    layer, inputs = recurrent(name, NOTHING)
    with torch.no_grad():
        torch.testing.assert_close(frozen(layer)[0](inputs[0]), layer(inputs[0]))


@pytest.mark.parametrize("name", LAYERS)
def test_packed_sequences_are_as_in_torch(name):
    layer, inputs = recurrent(name, NOTHING)
    packed = pack_padded_sequence(inputs, [2, 5, 3, 5, 1], batch_first=layer.batch_first, enforce_sorted=False)
    with torch.no_grad():
        (output, end), (expected, expected_end) = (
            frozen(layer)[0](packed, beginning(layer)),
            layer(packed, beginning(layer)),
        )
    torch.testing.assert_close(output.data, expected.data)
    torch.testing.assert_close(end, expected_end)


def test_masks_stand_between_the_layers_one_number_a_step_and_feature():
    layer, inputs = recurrent("lstm", 0.5)
    masks = [positional_mask(0.5, (5, 6), draw=2, site="here", call=call, seed=0) / 0.5 for call in range(2)]  # [T, D]
    with torch.no_grad():
        output, _ = frozen(layer)[0](inputs)
        values = inputs
        for index in range(3):
            single = nn.LSTM(values.shape[-1], 6, batch_first=True)
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(single, f"{part}_l0").copy_(getattr(layer, f"{part}_l{index}"))
            values, _ = single(values if index == 0 else values * masks[index - 1])
    torch.testing.assert_close(output, values)


def test_packed_padded_and_time_first_sequences_have_the_same_masks():
    layer, inputs = recurrent("lstm", 0.5)
    lengths = torch.tensor([2, 5, 3, 5, 1])
    time_first = nn.LSTM(4, 6, num_layers=3, dropout=0.5)
    time_first.load_state_dict(layer.state_dict())
    with torch.no_grad():
        padded, _ = frozen(layer)[0](inputs)
        packed, _ = frozen(layer)[0](pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False))
        turned, _ = frozen(time_first)[0](inputs.transpose(0, 1))
        longer, _ = frozen(layer)[0](nn.functional.pad(inputs, (0, 0, 0, 3)))
    torch.testing.assert_close(turned.transpose(0, 1), padded)
    torch.testing.assert_close(longer[:, :5], padded)
    unpacked, _ = pad_packed_sequence(packed, batch_first=True)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(unpacked[row, :length], padded[row, :length])


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Dropout(0.5), (3, 4, 2, 2)), (nn.Dropout1d(0.5), (3, 4, 5)), (nn.Dropout2d(0.5), (3, 4, 2, 2))],
)
def test_a_dropout_layer_multiplies_by_its_mask(layer, shape):
    current = CurrentDraw(seed=0)
    current.start_pass(1)
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    output = FrozenDropout(layer, Site("here", current))(values)
    mask_shape = shape[1:] if isinstance(layer, nn.Dropout) else (shape[1], *(1 for _ in shape[2:]))
    mask = positional_mask(0.5, mask_shape, draw=1, site="here", call=0, seed=0) / 0.5
    torch.testing.assert_close(output, values * mask)
