"""The same network with another dropout rate."""

import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.networks.dropout_rate import set_dropout_rate


def test_every_dropout_layer_has_the_rate_and_nothing_else_changes():
    def network():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.25), nn.Linear(4, 2)))

    plain, changed = network(), set_dropout_rate(network, 0.1)()
    assert [layer.p for layer in changed.modules() if hasattr(layer, "p")] == [0.1, 0.1]
    assert all(torch.equal(one, other) for one, other in zip(plain.parameters(), changed.parameters(), strict=True))


def test_a_network_without_dropout_is_refused():
    with pytest.raises(InputError) as caught:
        set_dropout_rate(lambda: nn.Sequential(nn.Linear(3, 2)), 0.1)()
    assert (caught.value.argument, caught.value.got) == ("network", "Sequential")
