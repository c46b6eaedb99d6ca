import math

import pytest
import torch

from lindley.acquisition import TensorCandidates, check_log_probs, check_request, scan_log_probs
from lindley.acquisition.scan import merge_by_row, scan_predictions
from lindley.contracts import Categorical, Chunk, Classification, Context
from lindley.errors import InputError

ROWS = torch.arange(100, 112)


def uniform(num_rows=12, num_classes=4, dtype=torch.float32):
    return torch.full((num_rows, 3, num_classes), 1 / num_classes, dtype=dtype).log()


def test_chunks_come_out_as_they_are():
    predictions = TensorCandidates(uniform(), ROWS, chunk_rows=5)
    assert torch.equal(torch.cat(list(scan_log_probs(predictions, 4))), uniform())


@pytest.mark.parametrize(("value", "fault"), [(math.nan, "NaN"), (math.inf, "+inf"), (0.0, "sum to one")])
def test_bad_values_are_refused_and_their_rows_named(value, fault):
    log_probs = uniform()
    log_probs[[3, 8], 1, 2] = value
    with pytest.raises(InputError) as caught:
        list(scan_log_probs(TensorCandidates(log_probs, ROWS, chunk_rows=5)))
    assert caught.value.rows == (103,)
    with pytest.raises(InputError) as caught:
        check_log_probs(log_probs, ROWS)
    assert (caught.value.argument, caught.value.rows) == ("log_probs", (103, 108))
    assert fault in caught.value.expected


def test_a_nan_in_one_row_is_not_blamed_on_rows_that_only_fail_to_sum_to_one():
    log_probs = uniform()
    log_probs[2, 0, 0], log_probs[5, 0, 0] = 0.0, math.nan
    with pytest.raises(InputError) as caught:
        check_log_probs(log_probs, ROWS)
    assert caught.value.rows == (105,)


def test_many_bad_rows_are_counted_and_not_all_listed():
    with pytest.raises(InputError) as caught:
        check_log_probs(torch.zeros(12, 3, 4), ROWS)
    assert len(caught.value.rows) == 12


@pytest.mark.parametrize(
    "log_probs",
    [
        torch.zeros(12, 3),
        torch.zeros(12, 0, 3),
        torch.zeros(12, 3, 1),
        torch.zeros(11, 3, 4),
        torch.zeros(12, 3, 4, dtype=torch.int64),
        uniform(num_classes=5),
    ],
)
def test_wrong_shapes_are_refused(log_probs):
    with pytest.raises(InputError) as caught:
        check_log_probs(log_probs, ROWS, 4)
    assert caught.value.argument == "log_probs"
    assert caught.value.got in ([*log_probs.shape], log_probs.dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_rounding_of_the_type_is_tolerated(dtype):
    logits = 3 * torch.randn(12, 50, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    check_log_probs(logits.log_softmax(-1).to(dtype), ROWS)


def test_a_class_of_probability_zero_is_fine():
    check_log_probs(torch.tensor([[[1.0, 0.0]]]).log(), ROWS[:1])


def first_numbers(log_probs):
    return log_probs[:, 0, 0]


def test_chunks_that_do_not_cover_the_rows_are_refused():
    class Short:
        rows, draws_id, num_draws = ROWS, "fake", 3

        def scan(self, function):
            yield function(self.take(ROWS[:5]))

        def take(self, rows):
            return Chunk(rows, Categorical(uniform(len(rows))))

    task = Classification(("a", "b", "c", "d"))
    with pytest.raises(InputError) as caught:
        scan_predictions(Context(Short(), ROWS[:0], task), first_numbers)
    assert (caught.value.argument, caught.value.got) == ("scan", 5)


@pytest.mark.parametrize(
    ("rows", "batch_size", "argument"),
    [
        (ROWS, 13, "batch_size"),
        (ROWS, 0, "batch_size"),
        (ROWS, True, "batch_size"),
        (ROWS % 6, 2, "rows"),
    ],
)
def test_requests_that_cannot_be_met_are_refused(rows, batch_size, argument):
    nobody = torch.zeros(0, dtype=torch.int64)
    task = Classification(("a", "b", "c", "d"))
    context = Context(TensorCandidates(uniform(), rows), nobody, task)
    with pytest.raises(InputError) as caught:
        check_request(context, batch_size)
    assert caught.value.argument == argument


def test_a_scan_that_yields_a_row_twice_is_refused():
    parts = iter([(ROWS[:5], torch.zeros(5)), (ROWS[3:], torch.zeros(9))])
    with pytest.raises(InputError) as caught:
        merge_by_row(ROWS, parts)
    assert caught.value.rows == (103, 104)
