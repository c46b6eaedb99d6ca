import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.dropout.masks import dropout_masks, mask_shape, positional_mask, refuse_unfreezable_layers


def test_masks_have_the_rate_and_the_scale_of_training():
    masks = dropout_masks(0.25, (2000,), num_draws=50, site="a", seed=0)  # [K, D]
    kept = masks > 0
    assert torch.equal(masks[kept], torch.full_like(masks[kept], 1 / 0.75))
    assert abs(kept.float().mean().item() - 0.75) < 4 * (0.25 * 0.75 / masks.numel()) ** 0.5


def test_the_mask_of_a_draw_does_not_depend_on_how_many_draws_there_are():
    few = dropout_masks(0.5, (40,), num_draws=3, site="a", seed=1)
    many = dropout_masks(0.5, (40,), num_draws=9, site="a", seed=1)
    assert torch.equal(few, many[:3])


def test_masks_differ_between_draws_sites_and_seeds():
    masks = dropout_masks(0.5, (64,), num_draws=20, site="a", seed=1)
    assert len({tuple(mask.tolist()) for mask in masks}) == 20
    assert not torch.equal(masks, dropout_masks(0.5, (64,), num_draws=20, site="b", seed=1))
    assert not torch.equal(masks, dropout_masks(0.5, (64,), num_draws=20, site="a", seed=2))


def test_channel_dropout_has_one_number_a_channel():
    assert mask_shape(nn.Dropout2d(0.5), (32, 5, 6), "") == (32, 1, 1)
    assert mask_shape(nn.Dropout(0.5), (32, 5, 6), "") == (32, 5, 6)


class OwnDropout(nn.Dropout):
    """Its forward is not that of torch's, and frozen masks would go around it."""

    def forward(self, input):
        return super().forward(input) + 1


class OwnAttention(nn.MultiheadAttention):
    def forward(self, *args, **kwargs):
        return super().forward(*args, **kwargs)


@pytest.mark.parametrize(
    ("module", "argument"),
    [
        (nn.Linear(2, 2), "network"),
        (nn.Sequential(nn.Dropout(0.0), nn.Linear(2, 2)), "network"),
        (nn.LSTM(2, 2, num_layers=2), "network"),
        (nn.TransformerEncoderLayer(4, 2, dropout=0.0), "network"),
        (nn.Sequential(OwnAttention(4, 2, dropout=0.1)), "0"),
        (nn.Sequential(nn.AlphaDropout(0.1)), "0"),
        (nn.Sequential(OwnDropout(0.1)), "0"),
    ],
)
def test_layers_that_cannot_be_frozen_are_refused_by_name(module, argument):
    with pytest.raises(InputError) as caught:
        refuse_unfreezable_layers(module)
    assert caught.value.argument == argument


def lstm_whose_dropout_is_unused():
    with pytest.warns(UserWarning, match="dropout"):
        return nn.LSTM(2, 2, num_layers=1, dropout=0.5)


def test_the_dropout_of_a_single_recurrent_layer_is_none():
    """torch puts it between layers only, and warns."""
    with pytest.raises(InputError) as caught:
        refuse_unfreezable_layers(lstm_whose_dropout_is_unused())
    assert caught.value.argument == "network"


@pytest.mark.parametrize(
    "module",
    [
        nn.LSTM(2, 2, num_layers=2, dropout=0.1),
        nn.TransformerEncoderLayer(4, 2, dropout=0.1),
        nn.Sequential(OwnAttention(4, 2), nn.Dropout(0.5)),
    ],
)
def test_layers_that_can_be_frozen_are_accepted(module):
    assert refuse_unfreezable_layers(module) is None


def test_drop_connect_needs_no_dropout_layer():
    assert refuse_unfreezable_layers(nn.Linear(2, 2), drop_connect=0.5) is None


def test_positions_are_kept_at_the_rate():
    kept = torch.stack(
        [positional_mask(0.25, (10, 20, 10), draw=draw, site="a", call=0, seed=0) for draw in range(50)]
    ).float()
    assert abs(kept.mean().item() - 0.75) < 4 * (0.25 * 0.75 / kept.numel()) ** 0.5
    # Neighbours along each axis, and two draws, are uncorrelated.
    centred = kept - 0.75
    for one, other in [
        (centred[:, 1:], centred[:, :-1]),
        (centred[:, :, 1:], centred[:, :, :-1]),
        (centred[..., 1:], centred[..., :-1]),
        (centred[1:], centred[:-1]),
    ]:
        assert abs((one * other).mean().item()) < 4 * 0.1875 / one.numel() ** 0.5


@pytest.mark.parametrize("large", [(7,), (7, 6), (7, 6, 5), (3, 4, 5, 6)])
def test_a_position_keeps_its_number_whatever_the_shape_around_it(large):
    small = tuple(extent - 2 for extent in large)
    kept = positional_mask(0.5, large, draw=3, site="a", call=1, seed=0)
    part = kept[tuple(slice(extent) for extent in small)]
    assert torch.equal(part, positional_mask(0.5, small, draw=3, site="a", call=1, seed=0))


def test_positions_differ_between_draws_sites_calls_and_seeds():
    given = {"draw": 0, "site": "a", "call": 0, "seed": 0}
    first = positional_mask(0.5, (99,), **given)
    for changed in ({"draw": 1}, {"site": "b"}, {"call": 1}, {"seed": 1}):
        assert not torch.equal(positional_mask(0.5, (99,), **{**given, **changed}), first)


def test_too_many_positions_along_an_axis_are_refused():
    with pytest.raises(InputError) as caught:
        positional_mask(0.5, (5000, 1, 1, 1, 1), draw=0, site="a", call=0, seed=0)
    assert (caught.value.argument, caught.value.got) == ("a", [5000, 1, 1, 1, 1])


def test_dropout_that_lets_nothing_through_is_refused():
    with pytest.raises(InputError) as caught:
        dropout_masks(1.0, (3,), num_draws=1, site="a", seed=0)
    assert (caught.value.argument, caught.value.got) == ("a", 1.0)
