import math

import pytest
import torch
from scipy import stats

from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.pools.repeated import RepeatedPool, row_normals

IMAGES = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def repeated(*, repeats=3, noise=0.1, seed=0):
    return RepeatedPool(MemoryPool(IMAGES), repeats=repeats, noise=noise, seed=seed)


def test_row_i_repeats_source_i_modulo_the_number_of_sources():
    pool = repeated(noise=0.0)
    assert len(pool) == 150
    assert pool.sources.tolist() == [*range(50)] * 3
    assert torch.equal(pool.read(torch.tensor([107, 57, 7])), IMAGES[[7, 7, 7]])


def test_every_copy_differs_from_its_source_by_noise_of_the_stated_size():
    pool = repeated()
    noise = pool.read(torch.arange(150)) - IMAGES[pool.sources]
    for copy in noise.split(50):
        # 39,200 normal numbers: the standard error of the standard deviation is 0.1 / sqrt(2 * 39200) = 0.00036
        assert copy.std().item() == pytest.approx(0.1, abs=0.0015)
        assert copy.mean().item() == pytest.approx(0.0, abs=0.002)


def test_copies_of_an_image_have_independent_noise():
    pool = repeated()
    noise = (pool.read(torch.arange(150)) - IMAGES[pool.sources]).reshape(3, -1)
    correlations = torch.corrcoef(noise)[torch.triu_indices(3, 3, 1).unbind()]
    assert correlations.abs().max().item() < 5 / math.sqrt(noise.shape[1])


def test_pixels_are_not_clipped():
    read = RepeatedPool(MemoryPool(torch.zeros(4, 100)), repeats=1, noise=0.1, seed=0).read(torch.arange(4))
    assert 0.4 < (read < 0).double().mean().item() < 0.6


def test_a_row_is_the_same_in_whatever_order_and_chunk_it_is_read():
    pool = repeated()
    whole = pool.read(torch.arange(150))
    order = torch.randperm(150, generator=torch.Generator().manual_seed(1))
    in_chunks = torch.cat([pool.read(rows) for rows in order.split(7)])
    assert torch.equal(in_chunks, whole[order])
    assert torch.equal(pool.read(torch.tensor([4, 4])), whole[[4, 4]])


def test_another_seed_gives_other_noise_and_the_same_seed_the_same():
    rows = torch.arange(10)
    assert torch.equal(repeated(seed=1).read(rows), repeated(seed=1).read(rows))
    assert not torch.isclose(repeated(seed=1).read(rows), repeated(seed=2).read(rows)).all(dim=-1).any()


def test_no_rows_read_as_no_inputs():
    assert repeated().read(torch.empty(0, dtype=torch.int64)).shape == (0, 1, 28, 28)


def test_a_source_without_tensors_is_refused():
    with pytest.raises(InputError) as caught:
        RepeatedPool(Words(), repeats=2, noise=0.1, seed=0).read(torch.arange(3))
    assert (caught.value.argument, caught.value.got) == ("source", "list")


class Words:
    """A pool of texts."""

    def __len__(self):
        return 3

    def read(self, rows):
        return ["word"] * len(rows)


def test_rows_out_of_range_are_named():
    with pytest.raises(InputError) as caught:
        repeated().read(torch.tensor([149, 150]))
    assert (caught.value.argument, caught.value.rows) == ("rows", (150,))


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [({"repeats": 0}, "repeats"), ({"noise": -0.1}, "noise"), ({"noise": float("nan")}, "noise")],
)
def test_impossible_options_are_refused_by_name(wrong, argument):
    with pytest.raises(InputError) as caught:
        repeated(**wrong)
    assert caught.value.argument == argument


def test_row_normals_are_normal():
    numbers = row_normals(torch.arange(300), 784, 5, "test").double().flatten()
    assert stats.kstest(numbers.numpy(), "norm").pvalue > 0.001
    # the fourth moment of N(0, 1) is 3, with variance 96 over the count: tails and not only the middle
    assert (numbers**4).mean().item() == pytest.approx(3.0, abs=5 * math.sqrt(96 / numbers.numel()))


@pytest.mark.parametrize("lag", [1, 2, 3, 28, 784])
def test_row_normals_of_neighbours_are_uncorrelated(lag):
    numbers = row_normals(torch.arange(300), 784, 5, "test").double().flatten()
    product = (numbers[:-lag] * numbers[lag:]).mean().item()
    assert abs(product) < 4 / math.sqrt(numbers.numel())


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_row_normals_have_the_requested_width_and_never_repeat_a_column(width):
    numbers = row_normals(torch.arange(1000), width, 0, "test")
    assert numbers.shape == (1000, width)
    columns = numbers.T
    for first in range(width):
        for second in range(first):
            assert not torch.equal(columns[first], columns[second])
