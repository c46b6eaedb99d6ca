"""Argilla 2: the JSON of `dataset.records.to_json`, with the answers to a label question.

{"fields": {"text": "…"}, "responses": {"label": [{"value": "cat", "user_id": "…"}]}, "suggestions": {…}}

Suggestions are what a model said, so they are no labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lindley.labelling.other_tools.tool_records import Event, ToolRecord, one_class

DEFAULT_QUESTION = "class"


def read_argilla(values: Mapping[str, Any], question: str, text_column: str) -> ToolRecord:
    """Return what a record says. Raises ValueError where it is none, or it is not clear what gives the class.

    Args:
        values: The record.
        question: The name of the question that gives the class; "class" is also the only one, whatever its name.
        text_column: The field that holds the text; where there is none of this name, "text" or the only field.
    """
    fields, responses = values.get("fields"), values.get("responses") or {}
    if not isinstance(fields, dict) or not isinstance(responses, dict):
        raise ValueError("it has no 'fields' and 'responses'; is it an export of `dataset.records.to_json`?")
    answers = _answers(responses, question)
    content = next((fields[name] for name in (text_column, "text", "image") if name in fields), None)
    if content is None and len(fields) == 1:
        content = next(iter(fields.values()))
    events = tuple(event for answer in answers if (event := _event(answer)) is not None)
    return ToolRecord({**(values.get("metadata") or {}), **fields}, content, content, events)


def _answers(responses: Mapping[str, Any], question: str) -> list[Any]:
    given = {name: answers for name, answers in responses.items() if answers}
    if question == DEFAULT_QUESTION and question not in given:
        if len(given) > 1:
            raise ValueError(
                f"it answers the questions {', '.join(given)}; name the one that gives the class with --label"
            )
        question = next(iter(given), question)
    answers = given.get(question, [])
    if not isinstance(answers, list):
        raise ValueError("the answers to a question must be a list")
    return answers


def _event(answer: Any) -> Event | None:
    """Return the event of an answer: a label, or a skip where the record was discarded; None for a draft."""
    if not isinstance(answer, dict):
        raise ValueError("an answer must be an object with 'value' and 'user_id'")
    person, status = str(answer.get("user_id") or "argilla"), answer.get("status")
    name = one_class(answer.get("value"))
    if status == "draft":
        return None
    if status == "discarded" or name is None:
        return {"kind": "skip", "person": person}
    return {"kind": "label", "person": person, "class": name}
