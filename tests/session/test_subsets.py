"""Initial rows and candidates: the right number, from the right rows, the same for the same seed."""

import pytest
import torch

from lindley.datasets.dataset import NONE_OF_THE_CLASSES
from lindley.errors import InputError
from lindley.session.subsets import candidate_rows, initial_balanced_rows, initial_random_rows


def test_random_rows_are_different_rows_of_the_pool():
    rows = initial_random_rows(50, 20, seed=1)
    assert rows.unique().numel() == 20
    assert 0 <= int(rows.min()) <= int(rows.max()) < 50


def test_another_seed_gives_other_initial_rows():
    assert torch.equal(initial_random_rows(50, 20, seed=1), initial_random_rows(50, 20, seed=1))
    assert not torch.equal(initial_random_rows(50, 20, seed=1), initial_random_rows(50, 20, seed=2))


def test_random_rows_are_uniform_over_the_pool():
    counts = torch.bincount(torch.cat([initial_random_rows(10, 5, seed=seed) for seed in range(2000)]), minlength=10)
    # each row is in half of the sets: 1000 of 2000, standard deviation 22
    assert int((counts - 1000).abs().max()) < 5 * 22


@pytest.mark.parametrize(("count", "expected"), [(20, [5, 5, 5, 5]), (8, [2, 2, 2, 2])])
def test_a_balanced_set_has_the_same_number_of_each_class(count, expected):
    classes = torch.tensor([0] * 70 + [1] * 10 + [2] * 10 + [3] * 10)
    rows = initial_balanced_rows(classes, count, seed=0)
    assert torch.bincount(classes[rows]).tolist() == expected


def test_a_balanced_set_differs_by_at_most_one_where_it_cannot_be_equal():
    classes = torch.arange(100) % 10
    counts = torch.bincount(classes[initial_balanced_rows(classes, 23, seed=0)])
    assert counts.sum() == 23
    assert counts.max() - counts.min() == 1


def test_a_class_with_too_few_rows_leaves_its_place_to_the_others():
    classes = torch.tensor([0] * 20 + [1] * 20 + [2] * 2)
    rows = initial_balanced_rows(classes, 12, seed=0)
    assert torch.bincount(classes[rows]).tolist() == [5, 5, 2]


def test_rows_without_a_class_are_in_a_balanced_set_only_where_no_others_are_left():
    classes = torch.tensor([NONE_OF_THE_CLASSES] * 30 + [0] * 4 + [1] * 4)
    assert torch.bincount(classes[initial_balanced_rows(classes, 6, seed=0)]).tolist() == [3, 3]
    assert (classes[initial_balanced_rows(classes, 10, seed=0)] == NONE_OF_THE_CLASSES).sum() == 2


@pytest.mark.parametrize("count", [0, 51])
def test_an_impossible_initial_set_is_refused(count):
    for wrong in (
        lambda: initial_random_rows(50, count, seed=0),
        lambda: initial_balanced_rows(torch.zeros(50, dtype=torch.int64), count, seed=0),
    ):
        with pytest.raises(InputError) as caught:
            wrong()
        assert (caught.value.argument, caught.value.got) == ("initial_labels", count)


def test_candidates_are_the_unlabelled_rows():
    rows = candidate_rows(6, torch.tensor([4, 0]), count=0, seed=0, sources=None)
    assert rows.tolist() == [1, 2, 3, 5]


def test_a_subset_of_candidates_is_random_ascending_and_unlabelled():
    labelled = torch.tensor([4, 0])
    rows = candidate_rows(100, labelled, count=30, seed=0, sources=None)
    assert rows.numel() == 30
    assert torch.equal(rows, rows.unique())
    assert not torch.isin(rows, labelled).any()
    assert not torch.equal(rows, candidate_rows(100, labelled, count=30, seed=1, sources=None))


def test_a_subset_as_large_as_what_is_left_is_all_of_it():
    rows = candidate_rows(6, torch.tensor([0]), count=5, seed=0, sources=None)
    assert rows.tolist() == [1, 2, 3, 4, 5]


def test_copies_of_an_image_come_together():
    sources = torch.arange(40).repeat(3)  # three copies of forty images
    rows = candidate_rows(120, torch.empty(0, dtype=torch.int64), count=30, seed=0, sources=sources)
    assert rows.numel() == 30
    assert torch.bincount(sources[rows]).unique().tolist() == [0, 3]


def test_a_labelled_copy_is_left_out_and_its_image_still_drawn():
    sources = torch.arange(4).repeat(3)
    labelled = torch.tensor([0, 4, 8, 1])  # all of image 0, one copy of image 1
    rows = candidate_rows(12, labelled, count=6, seed=5, sources=sources)
    assert not torch.isin(rows, labelled).any()
    assert sources[rows].unique().numel() == 2
    assert 0 not in sources[rows]


def test_more_images_are_drawn_where_too_few_of_their_copies_are_left():
    sources = torch.arange(40).repeat(3)
    labelled = torch.arange(79)  # two copies of every image but one
    for seed in range(5):
        plain = candidate_rows(120, labelled, count=12, seed=seed, sources=sources)
        enough = candidate_rows(120, labelled, count=12, seed=seed, sources=sources, min_rows=10)
        assert 10 <= len(enough) <= 11
        assert torch.isin(plain, enough).all()
