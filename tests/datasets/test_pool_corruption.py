"""Corruptions of a pool: exactly what stays, what is added and what is answered, counted row by row."""

import math
from dataclasses import replace

import pytest
import torch

from lindley.contracts import Classification
from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset
from lindley.datasets.digits import digits
from lindley.datasets.pool_corruption import (
    OutOfDistribution,
    PoolCorruption,
    add_label_noise,
    add_out_of_distribution,
    corrupt_pool,
    duplicate_rows,
    imbalance_classes,
    take_subset,
)
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool

NAMES = ("cat", "dog", "eel", "fox")
NUM_ROWS = 400


def numbered(*, first=0, num_rows=NUM_ROWS, sources=None):
    """Row i reads as the number first + i, twice; its class is i modulo 4."""
    numbers = torch.arange(first, first + num_rows)
    return Dataset(
        name="numbered",
        task=Classification(NAMES),
        pool=MemoryPool(numbers[:, None].repeat(1, 2).float()),
        classes=torch.arange(num_rows) % 4,
        test_inputs=torch.zeros(8, 2),
        test_classes=torch.arange(8) % 4,
        input_shape=(2,),
        sources=sources,
        hashes={"numbers": f"{first}"},
    )


def numbers_of(dataset):
    return dataset.pool.read(torch.arange(len(dataset.pool)))[:, 0].round().long()


def test_a_subset_has_the_rows_asked_for_each_with_its_class():
    part = take_subset(numbered(), 150, seed=1)
    numbers = numbers_of(part)
    assert numbers.unique().numel() == 150
    assert torch.equal(part.classes, numbers % 4)


def test_a_subset_is_uniform_over_the_rows():
    counts = sum(
        torch.bincount(numbers_of(take_subset(numbered(), 200, seed=seed)), minlength=400) for seed in range(400)
    )
    # each row is in half of the subsets: 200 of 400, standard deviation 10
    assert int((counts - 200).abs().max()) < 5 * 10


@pytest.mark.parametrize(("share", "left"), [(0.1, 10), (0.25, 25), (0.014, 1), (0.001, 1), (0.999, 100), (1.0, 100)])
def test_exactly_the_stated_share_of_a_rare_class_stays_and_all_of_the_others(share, left):
    rare = imbalance_classes(numbered(), {"eel": share}, seed=0)
    assert torch.bincount(rare.classes).tolist() == [100, 100, left, 100]
    assert torch.equal(rare.classes, numbers_of(rare) % 4)


def test_several_classes_may_be_rare():
    rare = imbalance_classes(numbered(), {"cat": 0.5, "fox": 0.02}, seed=0)
    assert torch.bincount(rare.classes).tolist() == [50, 100, 100, 2]


def test_rows_from_outside_have_the_stated_share_and_no_class_and_come_once():
    mixed = add_out_of_distribution(numbered(), OutOfDistribution(numbered(first=1000), 0.3), seed=0)
    strange = mixed.classes == NONE_OF_THE_CLASSES
    assert int(strange.sum()) == round(0.3 / 0.7 * 400) == 171
    numbers = numbers_of(mixed)
    assert numbers.unique().numel() == 571
    assert torch.equal(strange, numbers >= 1000)
    assert torch.equal(mixed.classes[~strange], numbers[~strange] % 4)


def test_what_is_from_outside_is_its_own_source_where_rows_have_sources():
    repeated = numbered(sources=torch.arange(NUM_ROWS) % 100)
    mixed = add_out_of_distribution(repeated, OutOfDistribution(numbered(first=1000), 0.2), seed=0)
    assert mixed.sources.unique().numel() == 100 + 100
    assert torch.equal(mixed.sources[:NUM_ROWS], repeated.sources)


def test_copies_share_class_and_source_and_differ_by_noise():
    many = duplicate_rows(numbered(), 3, noise=0.05, seed=0)
    assert many.sources.bincount().tolist() == [3] * NUM_ROWS
    assert torch.equal(many.classes, many.sources % 4)
    inputs = many.pool.read(torch.arange(3 * NUM_ROWS))
    noise = inputs - many.sources[:, None]
    # 2,400 normal numbers: the standard error of their standard deviation is 0.05 / sqrt(4800) = 0.0007
    assert noise.std().item() == pytest.approx(0.05, abs=0.004)


def test_copies_of_copies_keep_their_first_source():
    many = duplicate_rows(numbered(sources=torch.arange(NUM_ROWS) % 100), 2, noise=0.0, seed=0)
    assert many.sources.bincount().tolist() == [8] * 100


def test_a_wrong_label_is_always_another_class_and_each_other_one_is_as_likely():
    data = add_label_noise(numbered(num_rows=20_000), 0.3, seed=0)
    wrong = data.classes != data.truth
    count = int(wrong.sum())
    # binomial: 6,000 of 20,000, standard deviation 65
    assert abs(count - 6000) < 5 * math.sqrt(20_000 * 0.3 * 0.7)
    steps = torch.bincount((data.classes - data.truth)[wrong] % 4, minlength=4)
    assert steps[0] == 0
    assert int((steps[1:] - count / 3).abs().max()) < 5 * math.sqrt(count * 2 / 9)
    assert torch.equal(data.truth, torch.arange(20_000) % 4)


@pytest.mark.parametrize(("rate", "wrong"), [(0.0, 0), (1.0, NUM_ROWS)])
def test_an_oracle_may_err_never_or_always(rate, wrong):
    data = add_label_noise(numbered(), rate, seed=0)
    assert int((data.classes != data.truth).sum()) == wrong
    assert set(data.classes.tolist()) == {0, 1, 2, 3}


def test_two_classes_can_only_be_exchanged():
    two = {"classes": torch.arange(NUM_ROWS) % 2, "test_classes": torch.zeros(8, dtype=torch.int64)}
    data = replace(numbered(), task=Classification(("a", "b")), **two)
    assert torch.equal(add_label_noise(data, 1.0, seed=0).classes, 1 - torch.arange(NUM_ROWS) % 2)


def test_an_error_belongs_to_its_row_whatever_rows_follow():
    few, many = (add_label_noise(numbered(num_rows=count), 0.3, seed=0) for count in (100, 400))
    assert torch.equal(many.classes[:100], few.classes)


def test_rows_without_a_class_keep_none_whatever_the_noise():
    mixed = add_out_of_distribution(numbered(), OutOfDistribution(numbered(first=1000), 0.3), seed=0)
    data = add_label_noise(mixed, 1.0, seed=0)
    assert torch.equal(data.classes == NONE_OF_THE_CLASSES, mixed.classes == NONE_OF_THE_CLASSES)


EVERYTHING = PoolCorruption(
    subset=300,
    class_imbalance={"dog": 0.1},
    out_of_distribution=OutOfDistribution(numbered(first=1000), 0.25),
    duplicates=2,
    duplicate_noise=0.01,
    label_noise=0.2,
)


def test_everything_together_keeps_each_rows_identity():
    data = corrupt_pool(numbered(), EVERYTHING, seed=3)
    numbers = numbers_of(data)
    assert torch.equal(data.truth, torch.where(numbers >= 1000, NONE_OF_THE_CLASSES, numbers % 4))
    assert torch.equal(numbers[data.sources], numbers)  # the first copy of each is the row of its source's number
    own = int((data.truth != NONE_OF_THE_CLASSES).sum())
    assert len(data.pool) - own == 2 * round(own / 2 / 3)
    subset = torch.bincount(subset_of(EVERYTHING, seed=3))
    assert int((data.truth == 1).sum()) == 2 * round(0.1 * int(subset[1]))


def subset_of(corruption, *, seed):
    """The classes of the subset alone."""
    return corrupt_pool(numbered(), PoolCorruption(subset=corruption.subset), seed=seed).classes


def test_the_test_set_stays_as_it_is():
    plain, hard = numbered(), corrupt_pool(numbered(), EVERYTHING, seed=3)
    assert torch.equal(hard.test_inputs, plain.test_inputs)
    assert torch.equal(hard.test_classes, plain.test_classes)


def test_the_same_seed_gives_the_same_pool_and_another_seed_another():
    same = [corrupt_pool(numbered(), EVERYTHING, seed=seed) for seed in (3, 3, 4)]
    assert same[0].hashes == same[1].hashes
    assert torch.equal(same[0].classes, same[1].classes)
    assert not torch.equal(numbers_of(same[0])[:200], numbers_of(same[2])[:200])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"label_noise": 0.3}, {"pool_answers"}),
        ({"duplicate_noise": 0.02}, {"pool_inputs"}),
        ({"class_imbalance": {"dog": 0.2}}, {"pool_answers", "pool_truth", "pool_inputs"}),
        (
            {"out_of_distribution": OutOfDistribution(numbered(first=2000), 0.25)},
            {"out_of_distribution: numbers", "pool_inputs"},
        ),
    ],
)
def test_the_hashes_tell_another_pool(change, told):
    before, after = (
        corrupt_pool(numbered(), each, seed=3).hashes for each in (EVERYTHING, replace(EVERYTHING, **change))
    )
    assert {name for name in before if before[name] != after[name]} == told
    assert before.items() > numbered().hashes.items()


def test_hashes_read_every_row_of_a_large_pool():
    data = numbered(num_rows=2500)
    inputs = data.pool.read(torch.arange(2500))
    inputs[2400] += 1
    altered = replace(data, pool=MemoryPool(inputs))
    hashes = [
        corrupt_pool(each, PoolCorruption(label_noise=0.1), seed=0).hashes["pool_inputs"] for each in (data, altered)
    ]
    assert hashes[0] != hashes[1]


def test_digits_with_rare_classes_hold_the_stated_numbers():
    data = digits()
    before = torch.bincount(data.classes)
    after = torch.bincount(corrupt_pool(data, PoolCorruption(class_imbalance={"8": 0.1, "9": 0.1}), seed=0).classes)
    assert after.tolist() == [*before[:8].tolist(), round(0.1 * int(before[8])), round(0.1 * int(before[9]))]


@pytest.mark.parametrize(
    ("corruption", "argument"),
    [
        (PoolCorruption(subset=401), "subset"),
        (PoolCorruption(class_imbalance={"foks": 0.1}), "class_imbalance.foks"),
        (PoolCorruption(class_imbalance={"fox": 0.0}), "class_imbalance.fox"),
        (PoolCorruption(out_of_distribution=OutOfDistribution(numbered(), 1.0)), "out_of_distribution.share"),
        (PoolCorruption(out_of_distribution=OutOfDistribution(numbered(), 0.9)), "out_of_distribution.share"),
        (PoolCorruption(out_of_distribution=OutOfDistribution(digits(), 0.1)), "out_of_distribution.data"),
        (PoolCorruption(label_noise=1.5), "label_noise"),
    ],
)
def test_what_cannot_be_is_refused_by_name(corruption, argument):
    with pytest.raises(InputError) as caught:
        corrupt_pool(numbered(), corruption, seed=0)
    assert caught.value.argument == argument


def test_no_duplicate_at_all_is_refused():
    with pytest.raises(InputError) as caught:  # by the pool, which may carry other fields
        corrupt_pool(numbered(), PoolCorruption(duplicates=0), seed=0)
    assert caught.value.got == 0
