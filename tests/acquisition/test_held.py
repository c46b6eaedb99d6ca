import pytest
import torch

from lindley.acquisition import HeldPredictions
from lindley.errors import InputError

LOG_PROBS = torch.randn(11, 3, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)


def test_chunks_and_take_agree():
    predictions = HeldPredictions(LOG_PROBS, chunk_rows=4)
    chunks = list(predictions.chunks())
    assert [len(chunk) for chunk in chunks] == [4, 4, 3]
    assert torch.equal(torch.cat(chunks), predictions.take(torch.arange(11)))
    assert predictions.shape == (11, 3, 4)


def test_take_keeps_the_order_asked():
    positions = torch.tensor([7, 2, 2])
    assert torch.equal(HeldPredictions(LOG_PROBS).take(positions), LOG_PROBS[positions])


def test_rows_are_numbered_from_zero_unless_given():
    assert HeldPredictions(LOG_PROBS).rows.tolist() == list(range(11))
    assert HeldPredictions(LOG_PROBS, torch.arange(50, 61)).rows[0] == 50


@pytest.mark.parametrize(
    ("log_probs", "rows", "words"),
    [(LOG_PROBS[0], None, r"\[N, K, C\]"), (LOG_PROBS, torch.arange(3), "11 for 3 rows")],
)
def test_what_is_not_predictions_is_refused(log_probs, rows, words):
    with pytest.raises(InputError, match=words):
        HeldPredictions(log_probs, rows)
