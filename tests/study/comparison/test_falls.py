"""Falls of the accuracy: which count, when they are spoken of, and that steady fits are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from panel_fakes import panel_reaching

from lindley.study.comparison.falls import STANDARD_ERRORS, Falls, falls_of, said_of_falls
from lindley.study.comparison.outputs import as_json, compare
from lindley.study.results import PanelResults, StudyResults, TrialResults

_STEADY = [0.90, 0.92, 0.94, 0.95, 0.96]


def _trial(acquisition: str, accuracies: list[float | None], num_test: int | None = 10_000) -> TrialResults:
    made = panel_reaching({acquisition: [50.0]}, grid=[20 + 10 * each for each in range(len(accuracies))]).trials[0]
    rounds = [{**event, "metrics": {"accuracy": value}} for event, value in zip(made.rounds, accuracies, strict=True)]
    manifest = made.manifest if num_test is None else {**made.manifest, "num_test": num_test}
    return replace(made, rounds=rounds, manifest=manifest)


def _panel(*trials: TrialResults) -> PanelResults:
    panel = panel_reaching({trial.acquisition: [50.0] for trial in trials})
    return replace(panel, trials=[replace(trial, seed=seed) for seed, trial in enumerate(trials)])


def test_a_fall_is_counted_with_its_size() -> None:
    (found,) = falls_of(_panel(_trial("bald", [0.90, 0.94, 0.91, 0.95, 0.93])))
    assert (found.acquisition, found.rounds, found.falls, found.num_test) == ("bald", 4, 2, 10_000)
    assert found.largest == pytest.approx(0.03)


def test_the_rounds_of_all_seeds_count() -> None:
    (found,) = falls_of(_panel(_trial("bald", _STEADY), _trial("bald", [0.90, 0.80, 0.85])))
    assert (found.rounds, found.falls) == (6, 1)
    assert found.largest == pytest.approx(0.10)


def test_less_than_a_point_is_no_fall_however_large_the_test_set() -> None:
    (found,) = falls_of(_panel(_trial("bald", [0.95, 0.941], num_test=10_000_000)))
    assert (found.falls, found.largest) == (0, 0.0)


@pytest.mark.parametrize(("num_test", "falls"), [(400, 0), (40_000, 1)])
def test_what_a_small_test_set_explains_is_no_fall(num_test: int, falls: int) -> None:
    (found,) = falls_of(_panel(_trial("bald", [0.90, 0.87], num_test=num_test)))
    assert found.falls == falls


def test_the_choice_of_test_rows_alone_gives_next_to_no_falls() -> None:
    """Two models of equal accuracy whose errors are independent: the worst case of the bound. Expected: 0.13 %."""
    generator = np.random.default_rng(0)
    drawn = generator.binomial(1000, 0.9, size=20_001) / 1000
    (found,) = falls_of(_panel(replace(_trial("bald", drawn.tolist(), num_test=1000))))
    expected = 0.00135 * found.rounds
    assert found.falls <= expected + 3 * expected**0.5
    assert STANDARD_ERRORS * (2 * 0.9 * 0.1 / 1000) ** 0.5 > 0.01  # else the test would be of LEAST_FALL


def test_a_round_that_was_not_measured_is_no_fall() -> None:
    (found,) = falls_of(_panel(_trial("bald", [0.90, None, 0.80])))
    assert found.falls == 0


def test_without_the_size_of_the_test_set_nothing_is_said() -> None:
    assert falls_of(_panel(_trial("bald", [0.90, 0.50], num_test=None))) == []


def test_one_round_has_no_round_before_it() -> None:
    assert falls_of(_panel(_trial("bald", [0.90]))) == []


def _falls(acquisition: str, falls: int, largest: float) -> Falls:
    return Falls("made-up", acquisition, 40, falls, largest, 10_000)


def test_the_sentence_names_all_that_fall_the_most_frequent_first() -> None:
    (said,) = said_of_falls([_falls("random", 0, 0.0), _falls("margin", 1, 0.02), _falls("bald", 7, 0.046)])
    assert "in 7 of 40 rounds of BALD (by up to 4.6 points), 1 of 40 rounds of margin (by up to 2.0 points)" in said
    assert "random" not in said
    assert "10,000 test rows" in said


def test_rare_falls_are_not_spoken_of() -> None:
    assert said_of_falls([_falls("bald", 1, 0.02), _falls("random", 0, 0.0)]) == []
    assert said_of_falls([replace(_falls("bald", 1, 0.02), rounds=4)]) == []
    assert said_of_falls([]) == []


def test_a_comparison_says_it_after_its_verdicts_and_json_has_the_counts() -> None:
    falling, steady = _trial("bald", [0.90, 0.94, 0.91, 0.95, 0.93]), _trial("random", _STEADY)
    panel = panel_reaching({"random": [50.0], "bald": [50.0]})
    (found,) = compare(StudyResults("made-up", "Made up", "", [replace(panel, trials=[steady, falling])]))
    assert found.verdicts[-1].startswith(
        "Fits are not steady: the accuracy falls from one round to the next in 2 of 4 rounds"
    )
    told = {line["acquisition"]: line["falls"] for line in as_json([found])[0]["falls"]}
    assert told == {"random": 0, "bald": 2}
