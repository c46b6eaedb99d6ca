import numpy as np
import torch
from sklearn.datasets import load_digits

from lindley.datasets.digits import digits


def test_pool_and_test_set_are_scikit_learns_digits_each_row_once():
    data = digits()
    together = torch.cat([data.pool.read(torch.arange(len(data.pool))), data.test_inputs])
    classes = torch.cat([data.classes, data.test_classes])
    found = sorted(
        (tuple(pixels), kind) for pixels, kind in zip((together * 16).tolist(), classes.tolist(), strict=True)
    )
    bunch = load_digits()
    assert found == sorted(
        (tuple(pixels), kind) for pixels, kind in zip(bunch.data.tolist(), bunch.target, strict=True)
    )


def test_a_third_is_for_the_test_of_every_class():
    data = digits()
    assert (len(data.pool), len(data.test_inputs)) == (1198, 599)
    thirds = np.bincount(load_digits().target) / 3
    assert np.abs(data.test_classes.bincount().numpy() - thirds).max() < 1


def test_pixels_lie_in_zero_to_one():
    data = digits()
    assert data.test_inputs.dtype == torch.float32
    assert (data.test_inputs.min(), data.test_inputs.max()) == (0, 1)
    assert data.input_shape == (64,)


def test_the_split_is_the_same_each_time():
    first, second = digits(), digits()
    assert torch.equal(first.test_inputs, second.test_inputs)
    assert first.hashes == second.hashes


def test_the_test_rows_are_drawn_from_all_writers():
    """The file goes writer by writer: a third of its tail alone would be other people's digits."""
    rows = {tuple(pixels): row for row, pixels in enumerate((load_digits().data / 16).astype(np.float32).tolist())}
    test_rows = np.array([rows[tuple(pixels)] for pixels in digits().test_inputs.tolist()])
    per_quarter = np.bincount(test_rows * 4 // 1797, minlength=4)
    assert per_quarter.min() > 100
    # and drawn, not counted off: of a class's rows, those of the test are not every third
    places = np.flatnonzero(load_digits().target == 0)
    gaps = np.diff(np.flatnonzero(np.isin(places, test_rows)))
    assert {1, 2, 3, 4} <= set(gaps.tolist())
