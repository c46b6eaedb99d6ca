"""How long a round takes, by those that are most like it."""

from lindley.study.running.eta import RoundTimes


def test_a_round_takes_what_those_most_like_it_took() -> None:
    paces = RoundTimes()
    assert paces.seconds_per_round("a", "bald") is None
    paces.record("b", "random", 10.0, rounds=2)
    assert paces.seconds_per_round("a", "bald") == 5.0  # of the study
    paces.record("a", "random", 20.0)
    assert paces.seconds_per_round("a", "bald") == 20.0  # of the experiment
    paces.record("a", "bald", 60.0, rounds=2)
    assert paces.seconds_per_round("a", "bald") == 30.0
    assert paces.seconds_per_round("a", "margin") == 80.0 / 3


def test_trials_without_a_round_say_nothing() -> None:
    paces = RoundTimes()
    paces.record("a", "bald", 0.0, rounds=0)
    assert paces.seconds_per_round("a", "bald") is None
