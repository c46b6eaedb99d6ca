"""The context of a round: targets under the same draws, features of the right rows, nothing else."""

from __future__ import annotations

import pytest
import torch

from lindley.acquisition.checks import scan_log_probs
from lindley.contracts import Classification, FeatureExtractor, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.session.pool_predictions import CHUNK_ROWS, PoolPredictions
from lindley.session.round_context import build_context

TASK = Classification(("a", "b", "c"))


class Doubling:
    """A posterior whose features are twice the inputs."""

    def __init__(self):
        self.batch_sizes = []

    def draw(self, num_draws, *, seed):
        raise AssertionError("not called")

    def point(self):
        return None

    def features(self, inputs):
        self.batch_sizes.append(len(inputs))
        return 2 * inputs


@pytest.fixture
def labels(classes):
    rows = torch.tensor([5, 0, 7])
    return Labels(rows, classes[rows])


def build(pool, labels, draws, requires=(), *, rows=None, num_targets=8, seed=0, posterior=None):
    free = torch.tensor([row for row in range(len(pool)) if row not in labels.rows]) if rows is None else rows
    candidates = PoolPredictions(pool, free, draws, num_classes=3)
    return build_context(
        candidates,
        labels,
        labels.rows,
        task=TASK,
        index=2,
        requires=frozenset(requires),
        num_targets=num_targets,
        targets_seed=seed,
        pool=pool,
        features=posterior or Doubling(),
        draws=draws,
    )


def features(context):
    return context.candidates.take(context.candidates.rows).features


def test_nothing_is_computed_that_is_not_required(pool, labels, draws):
    posterior = Doubling()
    context = build(pool, labels, draws, posterior=posterior).context
    assert (context.targets, features(context), context.labelled_features) == (None, None, None)
    assert (context.round, context.task, context.labelled.tolist()) == (2, TASK, labels.rows.tolist())
    assert (posterior.batch_sizes, draws.batch_sizes) == ([], [])


def test_targets_are_unlabelled_rows_under_the_same_draws(pool, labels, draws, inputs):
    targets = build(pool, labels, draws, {"targets"}).context.targets
    assert (len(targets.rows), targets.num_draws) == (8, 5)
    assert targets.draws_id == draws.id
    assert not torch.isin(targets.rows, labels.rows).any()
    assert torch.equal(torch.cat(list(scan_log_probs(targets))), draws.predict(inputs[targets.rows]).log_probs)


def test_targets_are_of_the_whole_pool_where_candidates_are_few(pool, labels, draws):
    context = build(pool, labels, draws, {"targets"}, rows=torch.arange(10, 14), num_targets=30).context
    assert context.targets.rows.unique().numel() == 30


def test_targets_are_all_unlabelled_rows_where_these_are_fewer(pool, labels, draws):
    assert build(pool, labels, draws, {"targets"}, num_targets=1000).context.targets.rows.numel() == 57


def test_targets_are_those_of_their_seed(pool, labels, draws):
    first, again, other = (
        build(pool, labels, draws, {"targets"}, seed=seed).context.targets.rows for seed in (1, 1, 2)
    )
    assert first.tolist() == again.tolist() != other.tolist()


def test_seconds_of_targets_count_when_they_are_read(pool, labels, draws):
    seen = build(pool, labels, draws, {"targets"})
    before = seen.seconds
    list(scan_log_probs(seen.context.targets))
    assert seen.seconds > before


@pytest.mark.parametrize("requires", [{"features"}, {"labelled_features"}, {"features", "labelled_features"}])
def test_features_are_those_of_candidates_and_labelled_rows_in_order(pool, labels, draws, inputs, requires):
    context = build(pool, labels, draws, requires).context
    assert torch.equal(features(context), 2 * inputs[context.candidates.rows])
    assert torch.equal(context.labelled_features, 2 * inputs[labels.rows])
    assert context.targets is None


def test_features_go_through_the_model_in_chunks(draws):
    pool, posterior = MemoryPool(torch.randn(CHUNK_ROWS + 20, 4)), Doubling()
    labels = Labels(torch.arange(3), torch.arange(3))
    context = build(pool, labels, draws, {"features"}, posterior=posterior).context
    assert len(features(context)) == CHUNK_ROWS + 17
    assert posterior.batch_sizes == [3, CHUNK_ROWS, 17]


def test_a_posterior_without_features_is_refused_by_name(pool, labels, draws, learner, classes):
    posterior = learner.fit(TrainingData(pool, labels, TASK), seed=0)
    assert not isinstance(posterior, FeatureExtractor)
    with pytest.raises(InputError) as caught:
        build(pool, labels, draws, {"features"}, posterior=posterior)
    assert (caught.value.argument, caught.value.got) == ("features", "NoisyMeansPosterior")
