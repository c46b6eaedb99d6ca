"""Checks of the results that a user's own learner and acquisition return in a round."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping

import torch
from torch import Tensor

from lindley.contracts import Acquisition, Context, Draws, Posterior, Selection
from lindley.errors import InputError


def draw_and_check(posterior: Posterior, num_draws: int, seed: int) -> Draws:
    """Return draws from the result of a learner. Raises InputError where that is no posterior, or gives no draws.

    Args:
        posterior: The result of a learner.
        num_draws: The number of draws, K.
        seed: Seed of the draws.
    """
    if not callable(getattr(posterior, "draw", None)):
        raise InputError(argument="the result of learner.fit", expected="a Posterior, with draw()", got=posterior)
    draws = posterior.draw(num_draws, seed=seed)
    if not isinstance(draws, Draws):
        raise InputError(
            argument="the result of posterior.draw", expected="Draws, with id, num_draws and predict()", got=draws
        )
    return draws


def check_signature(acquisition: Acquisition, context: Context, batch_size: int, seed: int) -> None:
    """Raise InputError where an acquisition cannot be called as one, before it is called.

    Args:
        acquisition: The acquisition.
        context: Its first argument.
        batch_size: Its second argument.
        seed: Its keyword argument.
    """
    try:
        inspect.signature(acquisition).bind(context, batch_size, seed=seed)
    except TypeError as error:
        raise InputError(
            f"An acquisition is called with (context, batch_size, seed=...): {error}. A score of rows, [n, K, C] -> "
            "[n], becomes an acquisition by lindley.acquisition.top_k.top_k(score).",
            argument="acquisition",
        ) from None


def check_selection(selection: object, context: Context, batch_size: int) -> None:
    """Raise InputError for a selection that is no batch of the candidates, or that no journal could hold.

    Args:
        selection: The result of an acquisition.
        context: The context that it was given.
        batch_size: The number of rows that it had to select.
    """
    if not isinstance(selection, Selection):
        raise InputError(
            argument="an acquisition's result", expected="a lindley.Selection", got=type(selection).__name__
        )
    rows, scores = selection.rows, selection.scores
    if not isinstance(rows, Tensor) or not isinstance(scores, Tensor):
        raise InputError(
            argument="the rows and scores of a Selection",
            expected="two tensors",
            got=f"{type(rows).__name__} and {type(scores).__name__}",
        )
    _check_rows(rows, context, batch_size)
    _check_scores(scores, rows, batch_size)
    _check_diagnostics(selection.diagnostics)


def _check_rows(rows: Tensor, context: Context, batch_size: int) -> None:
    foreign = rows[~torch.isin(rows, context.candidates.rows)]
    if rows.numel() != batch_size or rows.unique().numel() != batch_size or foreign.numel():
        raise InputError(
            f"An acquisition must return {batch_size} different rows of the candidates; got {rows.numel()} rows, "
            f"{rows.unique().numel()} of them different, and {foreign.numel()} that are no candidates: "
            f"{foreign.tolist()[:10]}.",
            argument="rows",
            got=rows.tolist(),
            rows=foreign.tolist(),
        )


def _check_scores(scores: Tensor, rows: Tensor, batch_size: int) -> None:
    shape, finite = [*scores.shape], scores.isfinite().cpu()
    if shape != [batch_size]:
        raise InputError(argument="scores", expected=f"[{batch_size}], one for each row selected", got=shape)
    if not finite.all():
        raise InputError(argument="scores", expected="finite numbers", rows=rows[~finite].tolist())


def _check_diagnostics(diagnostics: object) -> None:
    if not isinstance(diagnostics, Mapping):
        raise InputError(argument="diagnostics", expected="a mapping from names to JSON values", got=diagnostics)
    for name, value in diagnostics.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The diagnostics of a Selection must be JSON values and finite numbers; {name!r} is {value!r} "
                f"({error}).",
                argument=f"diagnostics[{name!r}]",
                got=value,
            ) from None
