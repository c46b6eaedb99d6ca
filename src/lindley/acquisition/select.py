"""Which rows to label next, in one call, for anyone's predictions."""

from __future__ import annotations

import inspect
import warnings
from difflib import get_close_matches
from functools import partial

import torch

from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.select_arguments import (
    count_classes,
    prediction_free_candidates,
    to_candidates,
    to_features,
    to_labelled_rows,
    to_targets,
)
from lindley.acquisition.specs import ACQUISITIONS
from lindley.acquisition.tensor_candidates import CandidatesWithFeatures
from lindley.acquisition.top_k import top_k
from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.contracts import Acquisition, Candidates, Classification, Context, Score, Selection
from lindley.errors import InputError, InputWarning
from lindley.names import suggest_name
from lindley.shapes import LogProbs, Scores
from lindley.value_checks import whole_number

_ROUNDING = {torch.float64: 1e-9}
_SINGLE_ROUNDING = 2e-6
"""Nats, or probabilities, that rounding leaves where all draws are equal."""
_OWN_SCORES = "the scores that a function of your own returns"


def select(
    log_probs: ArrayLike | Candidates | None,
    acquisition: str | Score = "batchbald",
    batch_size: int = 10,
    seed: int = 0,
    *,
    inputs: str = "log_probs",
    axes: str | None = None,
    rows: ArrayLike | None = None,
    targets: ArrayLike | Candidates | None = None,
    features: ArrayLike | None = None,
    labelled_features: ArrayLike | None = None,
    labelled: ArrayLike | None = None,
    **options: object,
) -> Selection:
    """Return the rows to label next, best first.  [N, K, C] -> [batch_size] rows and scores

    Every array may be a tensor on any device, a NumPy array (mapped from a file, too), nested lists, a table or column
    of pandas, polars or Arrow, or anything with `__array__` or `__dlpack__`. None is changed.

    Args:
        log_probs: Predictions of N candidates under K draws for C classes, in nats; an array or lazy Candidates. None
            where there is no model yet, for methods that look at features alone: "typiclust", "probcover", "coreset";
            "random" needs rows alone.
        acquisition: A name of `lindley.acquisition.ACQUISITIONS`, or a function of your own that scores rows, [n, K, C]
            log-probabilities -> [n]; rows with larger scores are queried first.
        batch_size: Number of rows to choose, at most N.
        seed: Seed of ties and samples.
        inputs: The kind of numbers in the arrays: "log_probs", "probs" or "logits"; never guessed.
        axes: The order of their axes, "NKC" unless it is given. It warns where [N, K, C] looks like [K, N, C];
            axes="NKC" silences that.
        rows: [N] whole numbers by which the candidates are known; 0..N-1 if not given.
        targets: Predictions of other inputs, like those that the model will be used on, under the same draws (draw k
            is the same function for both) and in the same form; for methods that need them, such as "epig".
        features: [N, D] floating point numbers, of the candidates.
        labelled_features: [L, D], of the rows that are labelled already.
        labelled: The rows that are labelled already, in the order of labelled_features. Where the candidates have rows
            of their own, a candidate that is labelled already is an error.
        options: The acquisition's options by name, such as num_configurations=200.

    Returns:
        The rows with their scores, and the diagnostics of the acquisition.

    Raises:
        InputError: For NaN, masked numbers, probabilities that do not sum to one, another shape, an unknown name or
            option. `argument` names what cannot be used, `rows` the rows at fault.

    >>> logits = torch.randn(50, 8, 3, generator=torch.Generator().manual_seed(0))  # 50 rows, 8 draws, 3 classes
    >>> selection = select(logits.log_softmax(-1), "batchbald", batch_size=3, num_configurations=500)
    >>> selection.rows.shape, selection.diagnostics["exact_picks"]
    (torch.Size([3]), 3)
    >>> select(logits.softmax(-1).numpy(), "bald", 3, inputs="probs").rows.tolist() == select(
    ...     logits.log_softmax(-1), "bald", 3
    ... ).rows.tolist()
    True
    """
    choose = _resolve_acquisition(acquisition, options)
    batch_size, seed = whole_number("batch_size", batch_size), whole_number("seed", seed)
    if log_probs is None:
        candidates: Candidates = prediction_free_candidates(acquisition, features, rows)
    else:
        has_lengths = rows is not None or features is not None  # so that a wrong order of axes is an error
        candidates = to_candidates(log_probs, inputs, inputs, axes, rows=rows, warn=not has_lengths)
    num_classes = count_classes(candidates)
    labelled_rows = None if labelled is None else as_whole_numbers(labelled, "labelled").cpu()
    known = None
    if labelled_features is not None:
        known = to_features("labelled_features", labelled_features, rows=labelled_rows)
    has_rows = rows is not None or isinstance(log_probs, Candidates)
    targets = None if targets is None else to_targets(targets, inputs, axes, candidates, num_classes)
    if features is not None:
        candidates = CandidatesWithFeatures(candidates, to_features("features", features, candidates))
    context = Context(
        candidates=candidates,
        labelled=to_labelled_rows(labelled_rows, known, candidates.rows, has_rows=has_rows),
        task=Classification(tuple(f"class {index}" for index in range(num_classes))),
        targets=targets,
        labelled_features=known,
    )
    with torch.set_grad_enabled(torch.is_grad_enabled() and not isinstance(acquisition, str)):
        selection = choose(context, batch_size, seed=seed)
    if isinstance(acquisition, str) and _is_random_choice(acquisition, candidates, selection):
        text = f"{acquisition} gives 0 to every row that it selected: the draws agree, and the choice is random. "
        warnings.warn(InputWarning(text, "Are the draws different functions?"), stacklevel=2)
    return selection


def _is_random_choice(acquisition: str, candidates: Candidates, selection: Selection) -> bool:
    """Whether an acquisition that compares draws found no difference between them."""
    if not ACQUISITIONS[acquisition].disagreement_based or candidates.num_draws <= 1:
        return False
    return float(selection.scores.abs().max()) < _ROUNDING.get(selection.scores.dtype, _SINGLE_ROUNDING)


def _resolve_acquisition(acquisition: str | Score, options: dict[str, object]) -> Acquisition:
    if isinstance(acquisition, str):
        arguments = [*inspect.signature(select).parameters][:-1]  # without **options
        mistyped = [name for name in options if get_close_matches(name, arguments, n=1, cutoff=0.75)]
        if mistyped:
            text = f"select has no argument {mistyped[0]!r}.{suggest_name(mistyped[0], arguments)}"
            raise InputError(text, argument=mistyped[0])
        return acquisition_named(acquisition, options)
    if not callable(acquisition):
        expected = "a name of lindley.acquisition.ACQUISITIONS, or a function [n, K, C] -> [n]"
        raise InputError(argument="acquisition", expected=expected, got=acquisition)
    if options:
        text = f"a function of your own takes no options; got {', '.join(options)}. Bind them beforehand."
        raise InputError(text, argument=next(iter(options)))
    _refuse_acquisition(acquisition)
    return top_k(partial(_score_chunk, acquisition))


def _refuse_acquisition(score: Score) -> None:
    """Raise InputError for an acquisition, (context, batch_size, *, seed) -> Selection, in place of a score."""
    try:
        inspect.signature(score).bind(None)
    except ValueError:
        return  # a function of C, which does not say
    except TypeError as error:
        raise InputError(
            f"a function of your own is called with [n, K, C] log-probabilities and must return [n] scores: {error}. "
            "Call an acquisition, (context, batch_size, *, seed) -> Selection, yourself.",
            argument="acquisition",
        ) from None


def _score_chunk(score: Score, log_probs: LogProbs) -> Scores:
    scores = score(log_probs.clone())  # it may write into its argument
    scores = as_tensor(scores, _OWN_SCORES)
    if scores.shape != log_probs.shape[:1]:
        expected = f"one number per row: [n, K, C] = {[*log_probs.shape]} -> [n]"
        raise InputError(
            argument="the scores that a function of your own returns", expected=expected, got=[*scores.shape]
        )
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
