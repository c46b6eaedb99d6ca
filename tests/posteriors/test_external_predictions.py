import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from lindley.contracts import Posterior
from lindley.errors import InputError
from lindley.posteriors.external_predictions import ArrayPosterior, FunctionPosterior


def array(rows=9, draws=4, classes=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, draws, classes, generator=generator, dtype=torch.float64).log_softmax(-1).to(dtype)


class Linear:
    """Four frozen linear classifiers; pickles."""

    def __init__(self, axes=(0, 1, 2), kind="logits"):
        self.weights = torch.randn(4, 2, 3, generator=torch.Generator().manual_seed(1))
        self.axes, self.kind, self.calls = axes, kind, 0

    def __call__(self, inputs):
        self.calls += 1
        if isinstance(inputs, dict):
            inputs = inputs["x"]
        if isinstance(inputs, list):
            inputs = torch.tensor(inputs)
        if not isinstance(inputs, torch.Tensor):
            inputs = torch.from_numpy(inputs.toarray())
        logits = torch.einsum("nd,kdc->nkc", inputs, self.weights)
        values = {"logits": logits, "probs": logits.softmax(2), "log_probs": logits.log_softmax(2)}[self.kind]
        return values.permute(self.axes)


INPUTS = torch.randn(40, 2, generator=torch.Generator().manual_seed(2))
EXPECTED = Linear(kind="log_probs")(INPUTS)


def test_both_are_posteriors_without_a_single_prediction():
    for posterior in (ArrayPosterior(array()), FunctionPosterior(Linear(), 4, inputs="logits")):
        assert isinstance(posterior, Posterior)
        assert posterior.point() is None


def test_rows_have_the_predictions_of_the_array():
    draws = ArrayPosterior(array()).draw(4, seed=0)
    rows = torch.tensor([3, 0, 8])
    assert torch.equal(draws.predict(rows).log_probs, array()[rows])
    assert draws.predict(rows[:0]).log_probs.shape == (0, 4, 3)


@pytest.mark.parametrize("kind", ["log_probs", "probs", "logits"])
@pytest.mark.parametrize("axes", ["NKC", "NCK", "KNC", "CKN"])
def test_axes_and_kinds_are_converted(kind, axes):
    given = {"log_probs": array(), "probs": array().exp(), "logits": array() + 5}[kind]
    given = given.permute(["NKC".index(letter) for letter in axes])
    for turned in (given, given.contiguous(), given.numpy()):
        draws = ArrayPosterior(turned, inputs=kind, axes=axes).draw(4, seed=0)
        torch.testing.assert_close(draws.predict(torch.arange(9)).log_probs, array())


def test_precision_is_kept_or_widened():
    for given, kept in ((torch.float64, torch.float64), (torch.bfloat16, torch.float32)):
        found = ArrayPosterior(array(dtype=given)).draw(4, seed=0).predict(torch.arange(9)).log_probs
        assert found.dtype == kept
        torch.testing.assert_close(found.exp().sum(2), torch.ones(9, 4, dtype=kept))


@pytest.mark.parametrize("axes", ["NKC", "KNC"])
def test_fewer_draws_are_some_of_them_in_order(axes):
    given = array(draws=12).permute(["NKC".index(letter) for letter in axes])
    found = ArrayPosterior(given, axes=axes).draw(3, seed=1).predict(torch.arange(9)).log_probs
    places = [next(k for k in range(12) if torch.equal(array(draws=12)[:, k], found[:, j])) for j in range(3)]
    assert places == sorted(set(places))


def test_arrays_have_ids_of_their_contents_and_pickle_and_are_stored():
    posterior = ArrayPosterior(array())
    draws = posterior.draw(4, seed=0)
    assert draws.id == ArrayPosterior(array().clone()).draw(4, seed=3).id
    assert draws.id != ArrayPosterior(array() + 0, axes="NKC", inputs="logits").draw(4, seed=0).id
    assert draws.id != ArrayPosterior(array(10)[1:]).draw(4, seed=0).id
    again = pickle.loads(pickle.dumps(draws))
    assert torch.equal(again.predict(torch.arange(9)).log_probs, array())
    assert ArrayPosterior.from_state_dict(*posterior.state_dict()).draw(4, seed=0).id == draws.id


@pytest.mark.parametrize("inputs", [torch.zeros(3, 2), torch.zeros(3, 2, dtype=torch.int64), ["a"]])
def test_inputs_that_are_no_row_numbers_are_refused_with_the_pool_to_use(inputs):
    with pytest.raises(InputError) as caught:
        ArrayPosterior(array()).draw(4, seed=0).predict(inputs)
    assert "MemoryPool(torch.arange(N))" in str(caught.value)


def test_rows_beyond_the_array_are_refused():
    with pytest.raises(InputError) as caught:
        ArrayPosterior(array()).draw(4, seed=0).predict(torch.tensor([2, 9, -1]))
    assert (caught.value.argument, caught.value.rows) == ("inputs", (9, -1))


@pytest.mark.parametrize(
    ("values", "options"),
    [(array()[:, 0], {}), (array(), {"inputs": "scores"}), (torch.zeros(2, 3, 4, dtype=torch.int64), {})],
)
def test_arrays_that_are_no_predictions_are_refused(values, options):
    with pytest.raises(InputError):
        ArrayPosterior(values, **options)


def test_a_row_that_is_no_prediction_is_refused_when_it_is_read():
    bad = array()
    bad[4, 1, 0] = torch.nan
    draws = ArrayPosterior(bad).draw(4, seed=0)
    assert draws.predict(torch.arange(4)).log_probs.isfinite().all()
    with pytest.raises(InputError) as caught:
        draws.predict(torch.arange(9))
    assert (caught.value.argument, caught.value.rows) == ("log_probs", (4,))


def test_more_draws_than_the_array_has_are_refused():
    with pytest.raises(InputError) as caught:
        ArrayPosterior(array()).draw(5, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 5)


@pytest.mark.parametrize("kind", ["logits", "probs", "log_probs"])
def test_a_function_gives_its_draws_whatever_it_returns(kind):
    posterior = FunctionPosterior(Linear((1, 0, 2), kind), 4, inputs=kind, axes="KNC")
    torch.testing.assert_close(posterior.draw(4, seed=0).predict(INPUTS).log_probs, EXPECTED)


@pytest.mark.parametrize("inputs", [INPUTS, {"x": INPUTS}, INPUTS.tolist(), csr_array(INPUTS.numpy())])
def test_a_function_reads_what_the_pool_gives(inputs):
    draws = FunctionPosterior(Linear(), 4, inputs="logits").draw(4, seed=0)
    torch.testing.assert_close(draws.predict(inputs).log_probs, EXPECTED)


def test_a_function_may_return_arrays_of_numpy():
    draws = FunctionPosterior(lambda inputs: np.asarray(Linear()(inputs)), 4, inputs="logits").draw(4, seed=0)
    torch.testing.assert_close(draws.predict(INPUTS).log_probs, EXPECTED)


def test_fewer_draws_of_a_function_are_some_of_its_columns():
    draws = FunctionPosterior(Linear(), 4, inputs="logits", name="linear").draw(2, seed=1)
    found = draws.predict(INPUTS).log_probs
    places = [next(k for k in range(4) if torch.allclose(EXPECTED[:, k], found[:, j])) for j in range(2)]
    assert places == sorted(set(places))
    assert draws.id == f"given-linear-4-{places[0]}-{places[1]}"


def test_it_is_asked_again_once():
    function = Linear()
    draws = FunctionPosterior(function, 4, inputs="logits").draw(4, seed=0)
    for part in INPUTS.split(10):
        draws.predict(part)
    assert function.calls == 5


def test_draws_of_a_function_pickle_where_it_does():
    draws = FunctionPosterior(Linear(), 4, inputs="logits").draw(4, seed=0)
    again = pickle.loads(pickle.dumps(draws))
    assert again.id == draws.id
    torch.testing.assert_close(again.predict(INPUTS).log_probs, EXPECTED)


def fresh(inputs):
    """New masks at every call."""
    fresh.generator = getattr(fresh, "generator", torch.Generator().manual_seed(0))
    return Linear()(inputs * (torch.rand(2, generator=fresh.generator) > 0.5))


def by_place(inputs):
    """The same masks at every call, but by the place of a row in it."""
    masks = torch.rand(len(inputs), 2, generator=torch.Generator().manual_seed(0)) > 0.5
    return Linear()(inputs * masks)


def by_batch(inputs):
    """Normalised over the batch."""
    return Linear()(inputs - inputs.mean(0))


@pytest.mark.parametrize("function", [fresh, by_place, by_batch])
def test_functions_that_are_not_frozen_are_refused(function):
    draws = FunctionPosterior(function, 4, inputs="logits").draw(4, seed=0)
    with pytest.raises(InputError) as caught:
        draws.predict(INPUTS)
    assert caught.value.argument == "function"


@pytest.mark.parametrize(
    ("function", "got"),
    [(lambda inputs: Linear()(inputs)[1:], [39, 4]), (lambda inputs: Linear()(inputs)[:, 1:], [40, 3])],
)
def test_predictions_of_other_inputs_or_draws_are_refused(function, got):
    with pytest.raises(InputError) as caught:
        FunctionPosterior(function, 4, inputs="logits").draw(4, seed=0).predict(INPUTS)
    assert (caught.value.argument, caught.value.got) == ("function", got)


@pytest.mark.parametrize(
    "function",
    [lambda inputs: Linear()(inputs)[:, 0], lambda inputs: None, lambda inputs: Linear()(inputs) * torch.nan],
)
def test_outputs_that_are_no_predictions_are_refused(function):
    with pytest.raises(InputError) as caught:
        FunctionPosterior(function, 4, inputs="logits").draw(4, seed=0).predict(INPUTS)
    assert caught.value.argument == "what the function returns"


def test_more_draws_than_the_function_has_are_refused():
    with pytest.raises(InputError) as caught:
        FunctionPosterior(Linear(), 0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 0)
    with pytest.raises(InputError) as caught:
        FunctionPosterior(Linear(), 4).draw(5, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 5)
