"""Answers as people and programs give them: records, or a mapping from rows to classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

from lindley.arrays import ArrayLike, as_whole_numbers
from lindley.errors import InputError, InputWarning
from lindley.names import suggest_name
from lindley.session.events import Answer, Answered, Event
from lindley.value_checks import whole_number


def read_answers(
    answers: Answer | Iterable[Answer] | Mapping[int, int | str],
    annotator: str,
    class_names: Sequence[str],
    num_rows: int,
) -> list[Answer]:
    """Return answers as records, checked.

    Args:
        answers: Records, or by row a class: its name or its index.
        annotator: Who gave them, where they are a mapping.
        class_names: The names of the classes, [C].
        num_rows: The number of rows of the pool, N.

    Raises:
        InputError: If a row is not in the pool, or if there is no such class.
    """
    if not isinstance(annotator, str):
        raise InputError(argument="annotator", expected="text", got=annotator)
    if isinstance(answers, Mapping):
        given = [
            Answer(whole_number("row", row), class_index(row, value, class_names), annotator=annotator)
            for row, value in answers.items()
        ]
    else:
        given = list(answers) if isinstance(answers, Iterable) else [answers]
        if wrong := [each for each in given if not isinstance(each, Answer)]:
            raise InputError(argument="answers", expected="Answers, or a mapping from rows to classes", got=wrong[0])
    check_rows((each.row for each in given), num_rows, "answers")
    for each in given:
        if each.outcome == "label":
            class_index(each.row, each.value, class_names)
    return given


def class_index(row: int, value: object, class_names: Sequence[str]) -> int:
    """Return the index of a class that is given by its name or its index.

    Args:
        row: The row that the answer is for, for messages.
        value: The name or the index.
        class_names: The names of the classes, [C].

    Raises:
        InputError: If there is no such class.
    """
    expected = f"a class: one of the names, or an index from 0 to {len(class_names) - 1}"
    if isinstance(value, str):
        if value not in class_names:
            raise InputError(
                suggest_name(value, class_names).strip(), argument="value", expected=expected, got=value, rows=[row]
            )
        return class_names.index(value)
    try:
        index = whole_number("value", value)
    except InputError:
        raise InputError(argument="value", expected=expected, got=value, rows=[row]) from None
    if not 0 <= index < len(class_names):
        raise InputError(argument="value", expected=expected, got=value, rows=[row])
    return index


def check_rows(rows: Iterable[int], num_rows: int, name: str) -> None:
    """Raise InputError for rows that are not in the pool.

    Args:
        rows: The rows.
        num_rows: The number of rows of the pool, N.
        name: The name of the argument that holds them, for messages.
    """
    if outside := [row for row in rows if not 0 <= row < num_rows]:
        raise InputError(argument=name, expected=f"rows of the pool, 0 to {num_rows - 1}", got=outside, rows=outside)


def read_rows(rows: ArrayLike, name: str, num_rows: int) -> list[int]:
    """Return rows of the pool, given as any array of whole numbers.

    Args:
        rows: The rows, [n].
        name: The name of the argument, for messages.
        num_rows: The number of rows of the pool, N.

    Raises:
        InputError: If they are no such array, or if a row is not in the pool.
    """
    whole = as_whole_numbers(rows, name)
    if whole.dim() != 1:
        raise InputError(argument=name, expected="whole numbers [n]", got=[*whole.shape])
    listed = [int(row) for row in whole.tolist()]
    check_rows(listed, num_rows, name)
    return listed


def warn_of_dropped(
    given: Sequence[Answer], appended: Sequence[Event], latest_answers: Callable[[str], Mapping[int, Answer]]
) -> None:
    """Warn of answers that a store dropped by their uuid although none of their annotator counts any more.

    Args:
        given: The answers that were sent to the store.
        appended: The events that are new in the store since then.
        latest_answers: Returns by row the last answer of an annotator.
    """
    stored = {each.uuid for event in appended if isinstance(event, Answered) for each in event.answers}
    dropped = [each for each in given if each.uuid and each.uuid not in stored]
    if lost := [each.row for each in dropped if each.row not in latest_answers(each.annotator)]:
        text = (
            f"The answers to the rows {lost[:10]} were not taken: they came before under the same uuid, and were "
            "withdrawn. Give a new answer a new uuid."
        )
        warnings.warn(InputWarning(text), stacklevel=3)
