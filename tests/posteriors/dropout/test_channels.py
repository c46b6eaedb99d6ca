"""Every dropout layer on inputs of every number of axes: draws drop what torch drops in training, or are refused."""

import itertools
import math
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout, MCDropoutPosterior
from lindley.training.config import TrainingConfig

KINDS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
SHAPES = {2: (4,), 3: (4, 2), 4: (4, 2, 2), 5: (4, 2, 2, 1)}
"""Of an input, by its number of axes with that of the rows."""


def reader(features):
    """A dense layer that gives each feature as it is, and a zero beside them."""
    last = nn.Linear(features, features + 1)
    nn.init.zeros_(last.bias)
    last.weight.data = torch.cat([torch.eye(features), torch.zeros(1, features)])
    return last


class Chain(nn.Module):
    """torch.fx writes its forward as a sequence."""

    def __init__(self, dropout, features):
        super().__init__()
        self.dropout, self.last = dropout, reader(features)

    def forward(self, x):
        return self.last(torch.flatten(self.dropout(x), 1))


class General(Chain):
    """No chain: computed with masks in place, from the first layer on."""

    def forward(self, x):
        dropped = self.dropout(x)
        return self.last((dropped + 0 * dropped).flatten(1))


class AfterOthers(Chain):
    """What comes before the dropout is computed once."""

    def forward(self, x):
        dropped = self.dropout(x + 0 * x)
        return self.last((dropped + 0 * dropped).flatten(1))


def sequence(dropout, features):
    return nn.Sequential(nn.Identity(), nn.Sequential(dropout), nn.Flatten(), reader(features))


WAYS = {"folded": sequence, "traced": Chain, "masked": General, "prefix": AfterOthers}


class BeforeTheTraining(MemoryPool):
    """Is not read for a training, only for the two rows that are looked at before."""

    def read(self, rows):
        assert len(rows) <= 2, "the training began"
        return super().read(rows)


def kept(logits):
    """Which features of ones have come through."""
    return logits[..., :-1] > logits[..., -1:] + 1


def patterns(kept, channels):
    """Shares of rows that are dropped whole, and of channels in which all features have one fate."""
    by_channel = kept.unflatten(-1, (channels, -1))
    same = (by_channel == by_channel[..., :1]).all(-1)
    return torch.tensor([float((~kept).all(-1).double().mean()), float(same.double().mean())])


def in_training(network, inputs):
    """What torch drops in training mode; None where it refuses these inputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of dropout2d, for inputs of other axes
        try:
            return patterns(kept(network.train()(inputs)), 4)
        except RuntimeError:
            return None


@pytest.mark.parametrize(("kind", "axes", "way"), [*itertools.product(KINDS, SHAPES, WAYS)])
@pytest.mark.filterwarnings("ignore:dropout")
def test_draws_drop_what_torch_drops_in_training_or_are_refused_by_name(kind, axes, way):
    shape = SHAPES[axes]
    network = WAYS[way](kind(0.5), math.prod(shape))
    inputs = torch.ones(400, *shape)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        expected = in_training(network, inputs)
    draws = MCDropoutPosterior(network).draw(100, seed=0)
    if expected is None:
        with pytest.raises((InputError, RuntimeError)) as caught:
            draws.predict(inputs[:3])
        assert "ropout1d" in str(caught.value)  # torch's own, or ours
        return
    whole_rows = expected[0] > 0.25  # by chance 0.5 to the power of 4
    if whole_rows:
        name = "1.0" if way == "folded" else "dropout"
        with pytest.raises(InputError) as caught:
            draws.predict(inputs[:3])
        assert (caught.value.argument, caught.value.got) == (name, ["n", *shape])
        with pytest.raises(InputError) as caught:
            MCDropout(lambda: WAYS[way](kind(0.5), math.prod(shape)), TrainingConfig(steps=2)).fit(
                TrainingData(
                    BeforeTheTraining(inputs),
                    Labels(torch.arange(4), torch.arange(4)),
                    Classification(tuple(map(str, range(math.prod(shape) + 1)))),
                ),
                seed=0,
            )
        assert caught.value.argument == name
        return
    drawn = patterns(kept(draws.predict(inputs[:3]).log_probs), 4)
    torch.testing.assert_close(drawn, expected, atol=0.12, rtol=0)
    assert draws.path == {"folded": "folded", "traced": "folded"}.get(way, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_channel_dropout_that_drops_nothing_reads_anything(way):
    network = WAYS[way](nn.Sequential(nn.Dropout1d(0.0), nn.Dropout(0.5)), 4)
    assert MCDropoutPosterior(network).draw(5, seed=0).predict(torch.ones(3, 4)).log_probs.shape == (3, 5, 5)


@pytest.mark.parametrize("kind", [nn.AlphaDropout, nn.FeatureAlphaDropout])
@pytest.mark.parametrize("way", WAYS)
def test_alpha_dropout_is_refused_by_name(kind, way):
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(WAYS[way](kind(0.5), 8))
    assert caught.value.got == kind.__name__


class ByFunction(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.dropout, self.last = function, nn.Dropout(0.5), reader(8)

    def forward(self, x):
        return self.last(self.dropout(self.function(x, 0.5, self.training)).flatten(1))


@pytest.mark.parametrize("axes", [3, 4])
@pytest.mark.parametrize("name", ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha", "feature_alpha"])
@pytest.mark.filterwarnings("ignore:dropout")
def test_functional_dropout_in_the_forward_is_refused(name, axes):
    function = getattr(functional, name if "alpha" not in name else f"{name}_dropout")
    inputs = torch.ones(3, 4, 2) if axes == 3 else torch.ones(3, 4, 2, 1)
    if (name, axes) == ("dropout1d", 4):
        pytest.skip("torch itself refuses these inputs")
    with pytest.raises(InputError) as caught:
        MCDropoutPosterior(ByFunction(function)).draw(3, seed=0).predict(inputs)
    assert caught.value.argument == "network"
