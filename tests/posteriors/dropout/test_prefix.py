"""What comes before the first mask is computed once, and every draw is what it would be without that."""

import pytest
import torch
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.dropout.masked_network import MaskedNetwork
from lindley.posteriors.dropout.prefix import Prefix

NUM_DRAWS = 4


class Counted(nn.Module):
    """Convolutions, functions and a skip around the dropout; counts how often its layers compute."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.norm, self.dropout, self.last = nn.BatchNorm2d(3), nn.Dropout2d(0.5), nn.Linear(3 * 25, 2)

    def forward(self, x):
        early = self.first(x).relu()
        values = nn.functional.max_pool2d(self.norm(self.second(early)), 3, 1, 1) + early
        return self.last((self.dropout(values) + early).flatten(1))


class WritesAfter(Counted):
    """Changes in place what it computed before the dropout."""

    def forward(self, x):
        early = self.first(x)
        dropped = self.dropout(early)
        early += dropped
        return self.last(early.flatten(1))


class WritesBefore(Counted):
    def forward(self, x):
        values = self.first(x).relu_()
        values[:, 0] += 1
        return self.last(self.dropout(values).flatten(1))


class OtherWayEachTime(Counted):
    """Calls its layers in another order in every second pass; the values are the same."""

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        order = [self.first, nn.Identity()] if self.passes % 2 else [nn.Identity(), self.first]
        values = x * (1 if self.passes % 2 else 1.0)
        for layer in order:
            values = layer(values)
        return self.last(self.dropout(values).flatten(1))


class ThroughNumPy(Counted):
    def forward(self, x):
        values = torch.from_numpy(self.first(x).numpy() + 0)
        maximum, _ = values.max(1, keepdim=True)
        return self.last(self.dropout(values - maximum).flatten(1))


class SplitsAndSizes(Counted):
    def forward(self, x):
        with torch.no_grad():
            one, two, three = self.first(x).chunk(3, dim=1)
            values = torch.cat([three, one * torch.arange(two.size(-1)), two], dim=1)
        padded = torch.zeros(values.shape).index_add(0, torch.arange(len(values)), values)
        return self.last(self.dropout(padded).reshape(padded.shape[0], -1))


class Swallows(Counted):
    """Its forward catches whatever is raised within."""

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        try:
            values = self.first(x + 0 if self.passes % 2 else x * 1)
        except Exception:
            values = torch.zeros(len(x), 3, 5, 5)
        return self.last(self.dropout(values).flatten(1))


CASES = {
    Counted: "prefix",
    WritesAfter: "masked",
    WritesBefore: "prefix",
    OtherWayEachTime: "masked",
    ThroughNumPy: "masked",
    SplitsAndSizes: "prefix",
    Swallows: "masked",
}


def network_and_inputs(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory().eval(), torch.randn(6, 1, 5, 5)


@pytest.mark.parametrize("factory", CASES)
def test_draws_are_equal_with_and_without_a_shared_prefix(factory):
    network, inputs = network_and_inputs(factory)
    with torch.no_grad():
        first = MaskedNetwork(network, num_draws=NUM_DRAWS, seed=1, dtype=torch.float32)
        logits = first.logits(inputs)
        again = first.logits(inputs[:2])
        full = MaskedNetwork(network, num_draws=NUM_DRAWS, seed=1, dtype=torch.float32, share_prefix=False)
        expected = full.logits(inputs)
    assert torch.equal(logits, expected)
    torch.testing.assert_close(again, expected[:2])
    assert first.path == CASES[factory]


def test_layers_before_the_first_mask_compute_once(monkeypatch):
    network, inputs = network_and_inputs(Counted)
    calls = {"conv2d": 0, "linear": 0}
    for name in calls:
        original = getattr(torch.nn.functional, name)

        def counted(*given, _name=name, _original=original):
            calls[_name] += 1
            return _original(*given)

        monkeypatch.setattr(torch.nn.functional, name, torch.overrides.wrap_torch_function(lambda *g: g)(counted))
    frozen = MaskedNetwork(network, num_draws=NUM_DRAWS, seed=1, dtype=torch.float32)
    with torch.no_grad():
        frozen.logits(inputs)
        calls.update(conv2d=0, linear=0)
        frozen.logits(inputs)
    assert calls == {"conv2d": 2, "linear": NUM_DRAWS}


def test_only_tensors_that_can_still_be_reached_are_kept():
    network, inputs = network_and_inputs(Counted)
    prefix, kept = Prefix(), []

    def forward():
        early = network.first(inputs)
        values = network.second(early.relu()).relu()
        del early
        prefix.end()
        return values

    with torch.no_grad():
        outputs = [prefix.run(forward) for _ in range(3)]
    kept = [tensor for tensor, _ in prefix._versions]
    assert outputs[0] is outputs[1] is outputs[2]
    assert [id(tensor) for tensor in kept] == [id(outputs[0])]


def test_an_error_of_the_network_is_its_own():
    class Fails(Counted):
        def forward(self, x):
            self.dropout(self.first(x))
            raise own

    own = InputError("of its own")
    network, inputs = network_and_inputs(Fails)
    with pytest.raises(InputError) as caught:
        MaskedNetwork(network, num_draws=2, seed=1, dtype=torch.float32).logits(inputs)
    assert caught.value is own


def test_an_error_of_a_later_draw_is_not_hidden():
    prefix, values = Prefix(), torch.ones(2)

    def forward(fails):
        doubled = values * 2
        prefix.end()
        if fails:
            raise ZeroDivisionError
        return doubled

    prefix.run(lambda: forward(False))
    with pytest.raises(ZeroDivisionError):
        prefix.run(lambda: forward(True))
