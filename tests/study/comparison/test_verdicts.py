"""Every sentence that a comparison can become."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lindley.study.comparison.contrasts import Contrast
from lindley.study.comparison.verdicts import summarise_detected, verdict, verdicts

LABELS = Contrast(
    experiment="Made up",
    measure="labels",
    acquisition="bald",
    against="random",
    accuracy=0.95,
    pairs=10,
    median="120",
    median_against="200",
    estimate=0.38,
    interval=(0.29, 0.46),
    ahead=10,
    behind=0,
    p=0.002,
    favours_first=True,
    decided=10,
    reached=10,
    adjusted_p=0.002,
)
AREA = replace(
    LABELS,
    measure="mean_accuracy",
    accuracy=None,
    median="93.10",
    median_against="91.00",
    estimate=0.021,
    interval=(0.01, 0.032),
)


def test_a_saving_is_said_with_its_interval() -> None:
    assert verdict(LABELS) == "BALD needs 38 % fewer labels than random to 95 % (95 % interval 29–46 %, 10 seeds)"


def test_a_loss_is_said_as_more_labels() -> None:
    worse = replace(LABELS, estimate=-0.5, interval=(-0.8, -0.2), ahead=0, behind=10, favours_first=False)
    assert verdict(worse) == "BALD needs 50 % more labels than random to 95 % (95 % interval 20–80 %, 10 seeds)"


def test_an_accuracy_is_said_with_the_digits_that_it_has() -> None:
    assert "than random to 97.5 % (" in verdict(replace(LABELS, accuracy=97.5 / 100))
    assert "than random to 29 % (" in verdict(replace(LABELS, accuracy=29 / 100))


def test_a_saving_of_unknown_size_gives_the_medians() -> None:
    unseen = replace(LABELS, estimate=None, interval=None, median="120", median_against="> 220")
    assert verdict(unseen) == (
        "BALD needs fewer labels than random to 95 % in 10 of 10 seeds (measured 120 and > 220 labels in median)"
    )


def test_no_difference_says_what_could_have_been_seen() -> None:
    none = replace(LABELS, estimate=0.03, interval=(-0.05, 0.1), p=0.4, adjusted_p=0.4)
    assert none.detectable_gain > 0
    assert (1 - none.detectable_gain) * (1 + none.detectable_loss) == pytest.approx(
        1
    )  # the same ratio, the other way round
    assert verdict(none) == (
        "BALD and random: no difference in labels to 95 % detected (10 seeds; minimum detectable difference: "
        f"{100 * none.detectable_gain:.0f} % fewer or {100 * none.detectable_loss:.0f} % more; "
        "measured 3 % fewer, 95 % interval 5 % more to 10 % fewer)"
    )


def test_too_few_seeds_are_said_to_be_too_few() -> None:
    few = replace(
        LABELS,
        pairs=5,
        decided=5,
        reached=5,
        p=0.0625,
        adjusted_p=0.1875,
        family=3,
        family_pairs=3,
        min_attainable_p=0.1875,
    )
    assert verdict(few) == (
        "BALD and random, labels to 95 %: 5 seeds cannot show a difference (the smallest possible p is 0.062; 3 "
        "comparisons at 5 % need 7 seeds or more); measured 38 % fewer, 95 % interval 29–46 %"
    )


def test_what_too_few_seeds_cannot_show_is_said_once() -> None:
    few = replace(LABELS, pairs=5, decided=5, reached=5, p=0.0625, adjusted_p=0.0625, min_attainable_p=0.0625)
    said = verdicts([few, replace(few, acquisition="margin"), LABELS])
    assert said == [
        "BALD needs 38 % fewer labels than random to 95 % (95 % interval 29–46 %, 10 seeds).",
        "5 seeds cannot show a difference (the smallest possible p is 0.062; 1 comparison at 5 % needs 6 seeds). "
        "Measured:",
        "BALD and random, labels to 95 %: 38 % fewer, 95 % interval 29–46 %.",
        "margin and random, labels to 95 %: 38 % fewer, 95 % interval 29–46 %.",
    ]


def test_what_is_detected_after_others_is_not_called_invisible() -> None:
    """Of two comparisons the second step of Holm has 5 % for itself, which 6 seeds can reach."""
    last = replace(
        LABELS, acquisition="margin", pairs=6, decided=6, reached=6, ahead=6, p=0.03125, adjusted_p=0.03125, family=2
    )
    assert verdicts([last]) == [f"{verdict(last)}."]
    assert verdict(last).startswith("margin needs 38 % fewer labels")


def test_where_no_level_could_be_chosen_it_is_said_and_what_to_do() -> None:
    said = verdicts([AREA])
    assert len(said) == 2
    assert said[1].startswith("Labels are not compared: there is no whole percent")
    assert "--accuracy" in said[1]
    assert len(verdicts([AREA, LABELS])) == 2
    assert verdicts([]) == []


def test_an_area_that_ends_before_the_study_says_where() -> None:
    short = replace(AREA, up_to=40)
    assert verdict(short).startswith("The mean accuracy of BALD up to 40 labels is 2.10 points higher than that of")
    assert "no difference in mean accuracy up to 40 labels detected" in verdict(replace(short, p=0.4, adjusted_p=0.4))


def test_areas_are_said_in_points() -> None:
    assert verdict(AREA) == (
        "The mean accuracy of BALD is 2.10 points higher than that of random "
        "(95 % interval +1.00 to +3.20 points, 10 seeds)"
    )
    none = replace(AREA, p=0.4, adjusted_p=0.4)
    assert "no difference in mean accuracy detected (10 seeds; minimum detectable difference: " in verdict(none)


NLL = replace(
    LABELS,
    measure="mean_nll",
    accuracy=None,
    median="0.30",
    median_against="0.40",
    estimate=-0.05,
    interval=(-0.08, -0.02),
)
NLL = replace(NLL, ahead=0, behind=10, favours_first=False)


def test_nll_is_said_in_bits_and_lower_is_better() -> None:
    """0.05 nats are 0.072 bits."""
    assert verdict(NLL) == (
        "The mean NLL of BALD is 0.072 bits higher than that of random (95 % interval 0.029–0.115 bits, 10 seeds)"
    )
    better = replace(NLL, estimate=0.05, interval=(0.02, 0.08), favours_first=True)
    assert verdict(better).startswith("The mean NLL of BALD is 0.072 bits lower than that of random")
    none = replace(NLL, interval=(-0.08, 0.02), p=0.4, adjusted_p=0.4)
    assert verdict(none).startswith(
        "BALD and random: no difference in mean NLL detected (10 seeds; minimum detectable difference: "
    )
    assert verdict(none).endswith("measured 0.072 bits higher, 95 % interval 0.115 bits higher to 0.029 lower)")


def test_an_infinite_nll_is_said_with_the_medians() -> None:
    infinite = replace(NLL, estimate=None, interval=None, median="∞", median_against="0.400")
    assert verdict(infinite) == (
        "The mean NLL of BALD is higher than that of random in 10 of 10 seeds (measured ∞ and 0.400 bits in median)"
    )


def test_what_is_detected_has_a_sentence_for_each_measure_and_direction() -> None:
    lost = replace(AREA, p=0.4, adjusted_p=0.4)
    also = replace(LABELS, acquisition="margin", estimate=None, interval=None)
    assert summarise_detected([LABELS, also, lost, NLL]) == [
        "Detected against random: fewer labels to 95 %: BALD (38 % fewer), margin.",
        "Detected against random: higher mean NLL: BALD (0.072 bits higher).",
    ]
    assert summarise_detected([lost]) == summarise_detected([]) == []


def test_a_mean_that_one_seed_has_turned_is_not_what_was_detected() -> None:
    turned = replace(AREA, pairs=12, decided=12, reached=12, ahead=11, behind=1, estimate=-0.02, interval=(-0.08, 0.04))
    assert verdict(turned) == (
        "The mean accuracy of BALD is higher than that of random in 11 of 12 seeds "
        "(measured −2.00 points, 95 % interval −8.00 to +4.00 points)"
    )


def test_an_unseen_interval_claims_nothing_of_what_could_be_seen() -> None:
    unknown = replace(LABELS, estimate=None, interval=None, p=0.4, adjusted_p=0.4)
    assert verdict(unknown) == (
        "BALD and random: no difference in labels to 95 % detected (10 seeds; measured 120 and 200 labels in median)"
    )


def test_seeds_that_tell_nothing_are_not_counted_as_if_they_did() -> None:
    few = replace(
        LABELS,
        pairs=8,
        decided=7,
        reached=7,
        ahead=7,
        p=0.0156,
        adjusted_p=0.094,
        family=6,
        family_pairs=6,
        min_attainable_p=0.094,
    )
    assert verdict(few).startswith(
        "BALD and random, labels to 95 %: 8 seeds (1 undecided) cannot show a difference "
        "(the smallest possible p is 0.016; 6 comparisons at 5 % need 8 seeds or more)"
    )


def test_the_direction_is_that_of_the_test_and_not_of_more_seeds() -> None:
    """A few large differences outweigh as many small ones."""
    even = replace(LABELS, pairs=24, decided=24, reached=24, ahead=12, behind=12)
    assert verdict(even).startswith("BALD needs 38 % fewer labels")
    assert verdict(replace(even, estimate=-0.1, interval=(-0.2, 0.1))).startswith(
        "BALD needs fewer labels than random to 95 % in 12 of 24 seeds (measured 10 % more"
    )


def test_what_is_detected_is_never_said_to_be_nothing() -> None:
    little = replace(LABELS, estimate=0.0012, interval=(0.0008, 0.0021))
    assert "needs 0.1 % fewer labels" in verdict(little)
    assert "(95 % interval 0.08–0.2 %, 10 seeds)" in verdict(little)
    assert "is 0.004 points higher" in verdict(replace(AREA, estimate=4e-5, interval=(1e-5, 6e-5)))


def test_seeds_that_are_all_alike_do_not_say_what_they_could_have_seen() -> None:
    alike = replace(AREA, estimate=0.001, interval=(0.001, 0.001), p=0.1, adjusted_p=0.1)
    assert "detected (10 seeds; measured +0.10 points" in verdict(alike)
