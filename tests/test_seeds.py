"""Named seeds: which values they have for ever, and what may name a purpose."""

import numpy as np
import pytest
import torch

from lindley.errors import InputError
from lindley.seeds import _plain, derive_seed


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ((0,), 2631537505891389924),
        ((0, "fit", 1), 5005925288214368634),
        ((3, "mask", "layer", 7), 4222235872993187151),
        ((7, 2, "draw"), 5246396891953075112),
        ((3122306864379792082, "Ünï'x", -1), 8273414462595882522),
    ],
)
def test_seeds_are_what_journals_were_written_with(arguments, value):
    """Recorded from version 0.1.0: another value would change every study that is continued."""
    assert derive_seed(*arguments) == value


@pytest.mark.parametrize("whole", [np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_of_any_kind_name_the_same_purpose(whole):
    assert derive_seed(0, "fit", whole) == derive_seed(0, "fit", 3)


def test_strings_of_numpy_name_the_same_purpose():
    assert derive_seed(0, np.str_("fit")) == derive_seed(0, "fit")


@pytest.mark.parametrize("purpose", [1.0, None, ("fit",), np.float64(1.0)])
def test_what_is_neither_a_string_nor_a_whole_number_names_no_purpose(purpose):
    with pytest.raises(InputError) as caught:
        _plain(purpose)  # derive_seed itself is guarded by the tests' type checks
    assert (caught.value.argument, caught.value.got) == ("purpose", purpose)
