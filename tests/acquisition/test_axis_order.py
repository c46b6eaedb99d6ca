"""Predictions [K, N, C] that are read as [N, K, C] are warned of, and predictions in order are not."""

import warnings

import numpy as np
import pytest
import torch

from lindley import InputError, select
from lindley.errors import Argument


def of_a_model(num_rows, num_draws, num_classes=3, *, seed=0, draw_effect=0.3):
    """Rows that differ, draws that differ less, and both together: [N, K, C]."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, num_classes, generator=generator, dtype=torch.float64)

    logits = 2 * normal(num_rows, 1) + draw_effect * normal(1, num_draws) + normal(num_rows, num_draws)
    return logits.log_softmax(-1)


def unstructured(num_rows, num_draws, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_rows, num_draws, 3, generator=generator, dtype=torch.float64).log_softmax(-1)


def warned(log_probs, **given):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        select(log_probs, "bald", 2, **given)
    return [each.message for each in caught]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("num_draws", "num_rows"), [(20, 500), (5, 30), (100, 1000), (10, 300)])
@pytest.mark.parametrize("of", [torch.Tensor.numpy, torch.Tensor.float])
def test_draws_given_as_rows_are_warned_of(num_draws, num_rows, seed, of):
    (warning,) = warned(of(of_a_model(num_rows, num_draws, seed=seed).transpose(0, 1)))
    assert f"{num_draws} rows under {num_rows} draws" in str(warning)
    assert [str(part) for part in warning.parts if isinstance(part, Argument)] == ['axes="KNC"', 'axes="NKC"']


@pytest.mark.parametrize("inputs", ["probs", "logits"])
def test_whatever_the_numbers_are(inputs):
    swapped = of_a_model(500, 20).transpose(0, 1)
    assert len(warned(swapped.exp() if inputs == "probs" else swapped + 1, inputs=inputs)) == 1


def test_where_the_values_tell_nothing_the_shape_does():
    assert len(warned(unstructured(20, 500))) == 1
    assert warned(unstructured(12, 100)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("num_rows", "num_draws"), [(12, 100), (2, 20), (3, 1000), (50, 200), (100, 4000), (500, 20), (5, 4), (2, 500)]
)
def test_predictions_in_order_are_taken_without_a_word(num_rows, num_draws, seed):
    assert warned(of_a_model(num_rows, num_draws, seed=seed)) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [(12, 100), (40, 60), (3, 5), (2, 15), (30, 30), (10, 99)])
def test_unstructured_predictions_of_ordinary_shapes_are_taken_without_a_word(shape, seed):
    assert warned(unstructured(*shape, seed=seed)) == []


def test_given_axes_are_not_warned_of():
    swapped = of_a_model(500, 20).transpose(0, 1)
    assert warned(swapped, axes="NKC") == []
    assert warned(swapped, axes="KNC") == []


def test_rows_and_features_of_that_length_tell_the_order():
    swapped = of_a_model(500, 20).transpose(0, 1)
    assert warned(swapped, rows=np.arange(20)) == []
    assert warned(swapped, features=np.ones((20, 2))) == []


@pytest.mark.parametrize(
    "given",
    [{"rows": np.arange(500)}, {"features": np.ones((500, 2))}, {"targets": of_a_model(30, 20).transpose(0, 1)}],
)
@pytest.mark.filterwarnings("ignore:.*is read as 20 rows under 500 draws")
def test_what_fits_the_other_order_says_so(given):
    with pytest.raises(InputError) as caught:
        select(of_a_model(500, 20).transpose(0, 1), "epig", 2, **given)
    assert caught.value.arguments == ("axes",)


def test_draws_that_differ_more_than_rows_are_nothing_odd_where_rows_are_more():
    assert warned(of_a_model(500, 20, draw_effect=5)) == []
