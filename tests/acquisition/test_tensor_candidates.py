import pytest
import torch

from lindley.acquisition import TensorCandidates
from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.array_sources import TensorSource
from lindley.acquisition.diverse.badge import badge
from lindley.acquisition.diverse.coreset import coreset
from lindley.acquisition.tensor_candidates import CandidatesWithFeatures
from lindley.contracts import Chunk, Classification, Context
from lindley.errors import InputError

LOG_PROBS = torch.randn(11, 3, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)


def test_chunks_and_take_agree():
    predictions = TensorCandidates(LOG_PROBS, chunk_rows=4)
    chunks = list(predictions.scan(lambda chunk: chunk))
    assert [chunk.rows.tolist() for chunk in chunks] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    whole = torch.cat([chunk.predictive.log_probs for chunk in chunks])
    assert torch.equal(whole, predictions.take(torch.arange(11)).predictive.log_probs)
    assert (predictions.num_draws, chunks[0].features) == (3, None)


def test_take_keeps_the_order_of_its_rows():
    positions = torch.tensor([7, 2, 2])
    assert torch.equal(TensorCandidates(LOG_PROBS).take(positions).predictive.log_probs, LOG_PROBS[positions])
    of_rows = TensorCandidates(LOG_PROBS, torch.arange(30, 19, -1), features=LOG_PROBS[:, 0]).take(
        torch.tensor([29, 21])
    )
    assert torch.equal(of_rows.predictive.log_probs, LOG_PROBS[[1, 9]])
    assert torch.equal(of_rows.features, LOG_PROBS[[1, 9], 0])


def test_a_row_that_is_no_candidate_is_refused():
    with pytest.raises(InputError) as caught:
        TensorCandidates(LOG_PROBS).take(torch.tensor([3, 11]))
    assert (caught.value.argument, caught.value.rows) == ("rows", (11,))


def test_features_beside_candidates_are_those_of_their_rows():
    rows, features = torch.tensor([4, 9, 1]), torch.tensor([[4.0], [9.0], [1.0]])
    beside = CandidatesWithFeatures(TensorCandidates(LOG_PROBS[:3], rows, chunk_rows=2), features)
    assert [chunk.features[:, 0].tolist() for chunk in beside.scan(lambda chunk: chunk)] == [[4, 9], [1]]
    assert beside.take(torch.tensor([1, 4])).features[:, 0].tolist() == [1, 4]


class CountingSource:
    """A tensor that counts how often it is read."""

    shape = tuple(LOG_PROBS.shape)

    def __init__(self):
        self.reads = 0

    def read(self, axis, positions):
        self.reads += 1
        return TensorSource(LOG_PROBS).read(axis, positions)


@pytest.mark.parametrize(("method", "reads"), [(coreset, False), (badge, True)])
def test_a_method_that_reads_features_alone_reads_no_prediction(method, reads):
    source = CountingSource()
    candidates = CandidatesWithFeatures(ArrayCandidates(source), LOG_PROBS[:, 0])
    context = Context(candidates, torch.zeros(0, dtype=torch.int64), Classification(("a", "b", "c", "d")))
    method(context, 3, seed=0)
    assert (source.reads > 0) == reads


def test_rows_are_numbered_from_zero_unless_given():
    assert TensorCandidates(LOG_PROBS).rows.tolist() == list(range(11))
    assert TensorCandidates(LOG_PROBS, torch.arange(50, 61)).rows[0] == 50


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"log_probs": None}, "rows"),
        ({"log_probs": LOG_PROBS[0]}, "log_probs"),
        ({"log_probs": LOG_PROBS, "rows": torch.arange(3)}, "log_probs"),
        ({"log_probs": LOG_PROBS, "features": LOG_PROBS[:3, 0]}, "features"),
        ({"log_probs": LOG_PROBS, "chunk_rows": 0}, "chunk_rows"),
    ],
)
def test_what_is_not_predictions_is_refused(given, argument):
    with pytest.raises(InputError) as caught:
        TensorCandidates(**given)
    assert caught.value.argument == argument


def test_features_are_added_without_reading_the_predictions():
    def read():
        raise AssertionError("the predictions were read")

    chunk = Chunk(torch.arange(2), read).with_features(torch.ones(2, 3))
    assert chunk.features.shape == (2, 3)
    with pytest.raises(AssertionError, match="were read"):
        _ = chunk.predictive


def test_features_are_right_in_every_scan_after_one_that_was_left_halfway():
    features = torch.arange(11.0)[:, None]
    candidates = CandidatesWithFeatures(TensorCandidates(LOG_PROBS, chunk_rows=4), features)
    next(candidates.scan(lambda chunk: chunk))
    for _ in range(2):
        assert torch.equal(torch.cat(list(candidates.scan(lambda chunk: chunk.features))), features)
