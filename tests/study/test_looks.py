"""How acquisitions are told apart."""

from __future__ import annotations

from lindley.study.looks import LOOKS, look


def test_acquisitions_differ_in_colour_and_in_marker() -> None:
    looks = LOOKS.values()
    assert len({each.colour for each in looks}) == len({each.marker for each in looks}) == len(looks)


def test_a_users_own_acquisition_has_a_look_of_its_own_that_stays() -> None:
    assert look("my_package:mine") == look("my_package:mine")
    assert look("my_package:mine").title == "my_package:mine"
    assert look("mean_std") == look("mean-std") == LOOKS["mean-std"]
