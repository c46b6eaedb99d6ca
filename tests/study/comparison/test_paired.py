"""How the parts of a claim make a verdict."""

from __future__ import annotations

from lindley.study.comparison.paired import Comparison, combine_verdicts, judge, paired_comparison


def _comparison(*signs: int) -> Comparison:
    return paired_comparison("experiment", "part", "what", "brief", "effect", [float(sign) for sign in signs])


FOR, AGAINST, OPEN = _comparison(1, 1, 1, 1, 1), _comparison(-1, -1, -1, -1, -1), _comparison(1, -1, 1, -1, 1)


def test_a_claim_is_supported_when_every_part_is() -> None:
    assert judge([FOR, FOR]) == "supported here"
    assert judge([FOR, OPEN]) == "not decided here"


def test_a_claim_is_contradicted_when_a_part_is_reversed_beyond_what_many_parts_explain() -> None:
    assert judge([AGAINST]) == judge([AGAINST, AGAINST, AGAINST]) == "contradicted here"
    # p = 1/32 in one of four parts is to be expected by chance too often
    assert judge([AGAINST, OPEN, OPEN, OPEN]) == "not decided here"
    assert judge([_comparison(*[-1] * 8), OPEN, OPEN, OPEN]) == "contradicted here"


def test_four_seeds_decide_nothing() -> None:
    assert judge([_comparison(1, 1, 1, 1)]) == judge([_comparison(-1, -1, -1, -1)]) == "not decided here"


def test_nothing_to_compare_is_not_measured() -> None:
    assert judge([]) == combine_verdicts([]) == combine_verdicts(["not measured here"]) == "not measured here"


def test_experiments_that_disagree_leave_a_claim_undecided() -> None:
    assert combine_verdicts(["supported here", "not decided here"]) == "supported here"
    assert combine_verdicts(["contradicted here", "not decided here"]) == "contradicted here"
    assert combine_verdicts(["supported here", "contradicted here"]) == "not decided here"
