import pickle
from functools import partial

import pytest
import torch
from diverse_fakes import context_of, random_log_probs, random_points

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.diverse.distances import distances
from lindley.acquisition.diverse.prepared_rows import CompensatedSum, PreparedRows
from lindley.acquisition.tensor_candidates import TensorCandidates
from lindley.contracts import Context
from lindley.errors import InputError


class Elsewhere:
    """Candidates whose scans run on copies of the function, as in other processes, last chunk first."""

    def __init__(self, candidates):
        self.rows, self.draws_id, self.num_draws = candidates.rows, candidates.draws_id, candidates.num_draws
        self._candidates = candidates
        self.passes = 0

    def scan(self, function):
        self.passes += 1
        return reversed(list(self._candidates.scan(pickle.loads(pickle.dumps(function)))))

    def take(self, rows):
        return self._candidates.take(rows)


class Reversed(Elsewhere):
    """The same in this process."""

    def scan(self, function):
        self.passes += 1
        return reversed(list(self._candidates.scan(function)))


def prepare(chunk):
    return (chunk.features, chunk.features.square().sum(1))


def length(features, squared):
    return squared.sqrt()


def moments(features, squared):
    return features.T @ features, squared.sum()


def candidates(num_rows=50):
    return TensorCandidates(None, torch.arange(num_rows).flip(0), features=random_points(num_rows, 3), chunk_rows=7)


@pytest.mark.parametrize("kind", [Elsewhere, Reversed])
@pytest.mark.parametrize("hold_bytes", [0, 1000, 1 << 20])
def test_passes_give_the_same_numbers_and_sums_wherever_they_run(kind, hold_bytes):
    whole, scanned = candidates(), kind(candidates())
    prepared = PreparedRows(scanned, prepare, hold_bytes=hold_bytes)
    features = whole.take(whole.rows).features
    for _ in range(2):
        assert torch.allclose(prepared.scan(length), features.norm(dim=1), atol=1e-12)
        products, squares = prepared.sum(moments)
        assert torch.allclose(products, features.T @ features, atol=1e-12)
        assert float(squares) == pytest.approx(float(features.square().sum()))
        assert torch.equal(prepared.take(torch.tensor([9, 2]))[0], features[[9, 2]])
    is_cached = kind is Reversed and hold_bytes == 1 << 20
    assert scanned.passes == (1 if is_cached else 4)
    assert (prepared.cache is not None) == is_cached
    if is_cached:
        assert torch.equal(prepared.cache[0], features)


def test_the_order_of_a_compensated_sum_does_not_matter():
    values = [10.0 ** (k % 17) * part for k, part in enumerate(random_points(400, 5))]
    sums = []
    for order in (range(400), reversed(range(400))):
        total = CompensatedSum()
        for place in order:
            total.add(values[place])
        sums.append(total.value)
    assert torch.equal(*sums)
    assert not torch.equal(sum(values), sum(reversed(values)))  # which plain addition does not give


def test_a_pass_that_leaves_out_rows_is_refused():
    class Short(Elsewhere):
        def scan(self, function):
            return list(self._candidates.scan(function))[1:]

    for compute in (lambda each: each.scan(length), lambda each: each.sum(moments)):
        with pytest.raises(InputError) as caught:
            compute(PreparedRows(Short(candidates()), prepare))
        assert (caught.value.argument, caught.value.got) == ("scan", 43)


@pytest.mark.parametrize("name", ["coreset", "badge", "bait"])
@pytest.mark.parametrize("seed", range(3))
def test_passes_elsewhere_choose_what_is_chosen_among_rows_in_memory(name, seed):
    features = random_points(60, 4, seed).repeat(2, 1)  # each row twice: ties
    context = context_of(features, random_points(5, 4, seed + 9), random_log_probs(60, seed=seed).repeat(2, 1, 1))
    scanned = Elsewhere(context.candidates)
    passes = Context(scanned, context.labelled, context.task, labelled_features=context.labelled_features)
    here = acquisition_named(name)(context, 7, seed=seed)
    there = acquisition_named(name)(passes, 7, seed=seed)
    assert there.rows.tolist() == here.rows.tolist()
    assert torch.equal(there.scores, here.scores)
    assert there.diagnostics == here.diagnostics
    assert scanned.passes == {"coreset": 8, "badge": 7, "bait": 16}[name]


def test_distances_are_the_same_in_any_chunk():
    points = random_points(40, 5, dtype=torch.float32)
    away = partial(distances, centres=points[3:4])
    assert torch.equal(away(points), torch.cat([away(part) for part in points.split(3)]))
