"""What `lindley.posteriors` gives, and what it does not cost."""

import subprocess
import sys

import pytest

from lindley import posteriors


def test_the_names_are_those_of_all_sorted():
    assert posteriors.__all__ == sorted(posteriors._MODULES) == dir(posteriors)


@pytest.mark.parametrize("name", posteriors.__all__)
def test_each_is_what_its_home_has(name):
    assert getattr(posteriors, name).__name__ == name


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        posteriors.nothing  # noqa: B018


def test_a_network_costs_no_forest():
    check = "import sys; from lindley.posteriors import MCDropout; print('sklearn' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
