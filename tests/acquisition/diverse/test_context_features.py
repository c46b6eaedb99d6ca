from dataclasses import replace

import pytest
import torch
from diverse_fakes import context_of, random_log_probs, random_points

from lindley import select
from lindley.acquisition import acquisition_named
from lindley.acquisition.diverse.context_features import (
    best_position,
    read_labelled_features,
    read_subset,
    subset_mean_probs,
)
from lindley.errors import InputError


def read(context, **options):
    return read_subset(context, 1, seed=0, **{"normalise": False, **options})


def test_rows_are_read_in_ascending_order():
    features, log_probs = random_points(4, 2), random_log_probs(4)
    context = context_of(features, log_probs=log_probs, rows=torch.tensor([7, 3, 9, 1]))
    subset = read(context)
    assert subset.rows.tolist() == [1, 3, 7, 9]
    assert torch.equal(subset.features, features[[3, 1, 0, 2]])
    average = subset_mean_probs(context, subset.rows)
    assert torch.allclose(average, log_probs.exp().mean(1)[[3, 1, 0, 2]], atol=1e-12)


def test_a_large_pool_is_read_on_a_subset_that_depends_on_seed_and_rows_alone():
    features, rows = random_points(2000, 2), 5000 + torch.randperm(2000, generator=torch.Generator().manual_seed(3))
    subset = read(context_of(features, rows=rows), most=900)
    assert len(subset.rows.unique()) == 900
    assert torch.equal(subset.features, torch.stack([features[rows == row][0] for row in subset.rows]))
    order = torch.randperm(2000, generator=torch.Generator().manual_seed(4))
    again = read(context_of(features[order], rows=rows[order]), most=900)
    assert torch.equal(subset.rows, again.rows)
    assert torch.equal(subset.features, again.features)
    other = read_subset(context_of(features, rows=rows), 1, seed=1, normalise=False, most=900)
    assert 0.35 < torch.isin(other.rows, subset.rows).double().mean() < 0.55  # 0.45 by chance
    with pytest.raises(InputError) as caught:
        read_subset(context_of(features), 901, seed=0, normalise=False, most=900)
    assert (caught.value.argument, caught.value.got) == ("batch_size", 901)


def test_half_precision_is_widened_and_the_others_are_kept():
    for given, widened in [(torch.float16, torch.float32), (torch.float64, torch.float64)]:
        assert read(context_of(random_points(3, 2, dtype=given))).features.dtype == widened


def test_features_have_length_one_where_they_are_normalised():
    features, labelled = random_points(5, 3), random_points(2, 3, seed=1)
    subset = read(context_of(features, labelled), normalise=True)
    assert torch.allclose(subset.features.square().sum(1), torch.ones(5).double())
    assert torch.allclose(subset.labelled * labelled.norm(dim=1, keepdim=True), labelled)
    assert torch.equal(read(context_of(features, labelled)).features, features)


def test_a_vector_of_zeros_has_no_direction_and_is_refused_by_row():
    features = random_points(4, 2)
    features[2] = 0
    with pytest.raises(InputError) as caught:
        read(context_of(features, rows=torch.arange(11, 15)), normalise=True)
    assert (caught.value.argument, caught.value.rows) == ("features", (13,))
    with pytest.raises(InputError) as caught:
        read(context_of(random_points(3, 2), torch.tensor([[1.0, 0], [0, 0]]).double()), normalise=True)
    assert (caught.value.argument, caught.value.rows) == ("labelled_features", (10_001,))


@pytest.mark.parametrize("labelled_features", [None, random_points(3, 4)])
def test_labelled_features_that_are_missing_or_of_another_width_are_refused(labelled_features):
    context = replace(context_of(random_points(5, 2), random_points(3, 2)), labelled_features=labelled_features)
    with pytest.raises(InputError) as caught:
        read(context)
    expected = ("labelled_features", None if labelled_features is None else [3, 4])
    assert (caught.value.argument, caught.value.got) == expected


def test_nothing_labelled_is_an_empty_matrix():
    assert read_labelled_features(context_of(random_points(4, 2)), random_points(4, 2)).shape == (0, 2)


def test_labelled_features_are_read_in_the_precision_of_the_candidates():
    context = context_of(random_points(4, 2, dtype=torch.float32), random_points(3, 2))
    assert read(context).labelled.dtype == torch.float32


@pytest.mark.parametrize("name", ["badge", "coreset", "typiclust", "probcover", "bait"])
def test_one_call_chooses_what_the_method_chooses(name):
    features, labelled, log_probs = random_points(40, 3), random_points(4, 3, seed=1), random_log_probs(40)
    called = select(log_probs, name, 5, seed=2, features=features.numpy(), labelled_features=labelled.numpy())
    chosen = acquisition_named(name)(context_of(features, labelled, log_probs), 5, seed=2)
    assert called.scores.tolist() == pytest.approx(chosen.scores.tolist())
    assert called.rows.tolist() == chosen.rows.tolist()


def test_the_first_is_the_largest_and_of_equals_the_one_with_the_largest_tie():
    ties = torch.tensor([0.9, 0.1, 0.5, 0.3])
    assert best_position(torch.tensor([1.0, 2.0, 3.0, 0.0]), ties) == 2
    assert best_position(torch.tensor([0.0, 3.0, 3.0, 3.0]), ties) == 2
    assert best_position(torch.tensor([2.9, 3.0, 0.0, 0.0]), ties, tied=0.2) == 0
