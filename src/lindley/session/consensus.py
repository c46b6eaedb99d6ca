"""One answer from several to the same row: the consensus of the annotators. No torch here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from lindley.errors import InputError
from lindley.session.events import Answer

Consensus = Callable[[Sequence[Answer]], Answer | None]
"""Takes the answers to one row, the last of each annotator; returns what counts, or None to ask for another answer."""


def majority(answers: Sequence[Answer]) -> Answer | None:
    """Return the most frequent answer; None where two are equally frequent.

    >>> answers = [Answer(7, 0, annotator="ann"), Answer(7, 1, annotator="bob")]
    >>> majority(answers) is None
    True
    >>> majority([*answers, Answer(7, 1, annotator="cem")]).value
    1
    """
    counts = Counter((each.outcome, each.value) for each in answers).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return None
    return next(each for each in reversed(answers) if (each.outcome, each.value) == counts[0][0])


def consensus_name(consensus: Consensus) -> str:
    """Return the name by which a journal knows a consensus: "majority", or "package.module:name" of another function.

    >>> consensus_name(majority), consensus_name(max)
    ('majority', 'builtins:max')
    """
    if consensus is majority:
        return "majority"
    function = consensus.func if isinstance(consensus, partial) else consensus
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}:{named.__qualname__}"


def apply_consensus(consensus: Consensus, answers: Sequence[Answer]) -> Answer | None:
    """Return what counts of the answers to one row. Raises InputError for a consensus that returns no answer to it."""
    if not answers:
        return None
    answer = consensus(answers)
    if answer is not None and not (isinstance(answer, Answer) and answer.row == answers[0].row):
        raise InputError(
            argument="the result of consensus",
            expected="one Answer to the row, or None where there is no agreement",
            got=answer,
            rows=[answers[0].row],
        )
    return answer
