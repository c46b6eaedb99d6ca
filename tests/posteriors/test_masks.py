import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.masks import dropout_masks, mask_shape, refuse_what_cannot_be_frozen


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
    assert mask_shape(nn.Dropout2d(0.5), (32, 5, 6)) == (32, 1, 1)
    assert mask_shape(nn.Dropout(0.5), (32, 5, 6)) == (32, 5, 6)


class OwnDropout(nn.Dropout):
    """Its forward is not that of torch's, and frozen masks would go around it."""

    def forward(self, input):
        return super().forward(input) + 1


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Linear(2, 2), "needs a network with nn.Dropout"),
        (nn.Sequential(nn.Dropout(0.0), nn.Linear(2, 2)), "probability > 0"),
        (nn.LSTM(2, 2, num_layers=2, dropout=0.1), "dropout of LSTM"),
        (nn.TransformerEncoderLayer(4, 2, dropout=0.1), "self_attn"),
        (nn.Sequential(nn.AlphaDropout(0.1)), "AlphaDropout"),
        (nn.Sequential(OwnDropout(0.1)), "OwnDropout at '0' .* use nn.Dropout itself"),
    ],
)
def test_what_cannot_be_frozen_is_refused_with_the_way_out(module, says):
    with pytest.raises(InputError, match=says):
        refuse_what_cannot_be_frozen(module)


def test_dropout_that_lets_nothing_through_is_refused():
    with pytest.raises(InputError, match="lets nothing through"):
        dropout_masks(1.0, (3,), num_draws=1, site="a", seed=0)
