"""Lazy predictions: nothing before the first use, the same bits however a row is read."""

import pytest
import torch

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Candidates, Gaussian
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.temperature_scaling import scale_temperature
from lindley.session.pool_predictions import PoolPredictions

ROWS = torch.arange(3, 60, 2)  # 29 rows


def predictions(pool, draws, **options):
    return PoolPredictions(pool, ROWS, draws, num_classes=3, chunk_rows=8, **options)


def taken(candidates, positions):
    """The predictions of the rows at some positions."""
    return candidates.take(ROWS[torch.tensor(positions, dtype=torch.int64)]).predictive.log_probs


def test_nothing_is_computed_before_the_first_use(pool, draws):
    lazy = predictions(pool, draws)
    assert isinstance(lazy, Candidates)
    assert lazy.shape == (29, 5, 3)
    assert lazy.draws_id == "noisy-means"
    assert draws.batch_sizes == []
    assert lazy.seconds == 0.0


def test_chunks_come_in_the_order_of_rows(pool, draws, inputs):
    chunks = list(scan_log_probs(predictions(pool, draws)))
    assert [len(chunk) for chunk in chunks] == [8, 8, 8, 5]
    torch.testing.assert_close(torch.cat(chunks), draws.predict(inputs[ROWS]).log_probs)


def test_what_fits_is_computed_once(pool, draws):
    held = predictions(pool, draws, hold_bytes=29 * 5 * 3 * 4)
    for _ in range(2):
        list(scan_log_probs(held))
        taken(held, [28, 0])
    assert draws.batch_sizes == [8, 8, 8, 5]
    assert held.seconds > 0


def test_what_does_not_fit_is_computed_at_each_pass(pool, draws):
    streamed = predictions(pool, draws, hold_bytes=29 * 5 * 3 * 4 - 1)
    list(scan_log_probs(streamed))
    assert draws.batch_sizes == [8, 8, 8, 5]
    list(scan_log_probs(streamed))
    assert draws.batch_sizes == [8, 8, 8, 5] * 2


@pytest.mark.parametrize("hold_bytes", [0, 1 << 30])
def test_take_has_the_bits_of_the_chunks(pool, draws, hold_bytes):
    whole = torch.cat(list(scan_log_probs(predictions(pool, draws, hold_bytes=0))))
    positions = [28, 0, 9, 8, 0, 17]
    assert torch.equal(taken(predictions(pool, draws, hold_bytes=hold_bytes), positions), whole[positions])


def test_take_asks_the_model_only_for_the_chunks_it_needs(pool, draws):
    streamed = predictions(pool, draws, hold_bytes=0)
    taken(streamed, [17, 1, 20, 2])
    assert draws.batch_sizes == [8, 8]


@pytest.mark.parametrize("hold_bytes", [0, 1 << 30])
def test_taking_nothing_gives_an_empty_tensor(pool, draws, hold_bytes):
    nothing = taken(predictions(pool, draws, hold_bytes=hold_bytes), [])
    assert nothing.shape == (0, 5, 3)


def test_no_rows_give_no_chunks(pool, draws):
    empty = PoolPredictions(pool, ROWS[:0], draws, num_classes=3)
    assert empty.shape == (0, 5, 3)
    assert list(scan_log_probs(empty)) == []


def test_another_number_of_classes_is_refused_with_both_shapes(pool, draws):
    wrong = PoolPredictions(pool, ROWS, draws, num_classes=4)
    with pytest.raises(InputError) as caught:
        next(scan_log_probs(wrong))
    assert caught.value.got == [29, 5, 3]


@pytest.mark.parametrize(
    "predicted",
    [
        torch.zeros(5, 3, 2).log_softmax(2),
        torch.zeros(5, 3, 2).log_softmax(2).numpy(),
        Gaussian(torch.zeros(5, 3), torch.ones(5, 3)),
        None,
    ],
    ids=["tensor", "array", "numbers", "nothing"],
)
def test_what_is_no_prediction_of_classes_is_refused_wherever_predictions_are_read(predicted):
    """A user's own draws, whose types nothing checks."""

    class Own:
        id, num_draws = "own", 3

        def predict(self, inputs):
            return predicted

    class Posterior:
        def draw(self, num_draws, *, seed):
            return Own()

        def point(self):
            return None

    pool = MemoryPool(torch.zeros(5, 2))
    with pytest.raises(InputError) as scanned:
        list(scan_log_probs(PoolPredictions(pool, torch.arange(5), Own(), num_classes=2)))
    with pytest.raises(InputError) as scaled:
        scale_temperature(Posterior(), 2.0).draw(3, seed=0).predict(torch.zeros(5, 2))
    came = type(predicted).__name__
    for caught in (scanned, scaled):
        assert (caught.value.argument, caught.value.got) == ("the result of draws.predict", came)
