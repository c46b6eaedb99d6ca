"""How acquisitions are told apart."""

from __future__ import annotations

from lindley.acquisition.specs import ACQUISITIONS
from lindley.study.plot_style import STYLES, acquisition_title, plot_style


def test_acquisitions_differ_in_colour_and_in_marker() -> None:
    looks = STYLES.values()
    assert len({each.colour for each in looks}) == len({each.marker for each in looks}) == len(looks)


def test_a_users_own_acquisition_has_a_look_of_its_own_that_stays() -> None:
    assert plot_style("my_package:mine") == plot_style("my_package:mine")
    assert acquisition_title("my_package:mine") == "my_package:mine"
    assert plot_style("mean_std") == plot_style("mean-std") == STYLES["mean-std"]


def test_every_method_of_the_catalogue_looks_different_and_has_its_usual_title() -> None:
    looks = [plot_style(name) for name in ACQUISITIONS]
    assert len({(each.colour, each.marker, each.line) for each in looks}) == len(ACQUISITIONS)
    for name, each in zip(ACQUISITIONS, looks, strict=True):
        assert each.title.lower() == ACQUISITIONS[name].title.lower()


def test_the_methods_of_features_differ_in_colour_or_marker_to_the_eye() -> None:
    names = ("epig", "batch-epig", "2-bald", "logdet", "badge", "coreset", "typiclust", "probcover", "bait")
    assert len({plot_style(name).colour for name in names}) == len(names)


def test_own_acquisitions_of_like_names_differ() -> None:
    assert len({(plot_style(f"mine:score{n}").colour, plot_style(f"mine:score{n}").marker) for n in range(6)}) > 3
