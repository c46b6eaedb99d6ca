"""Which rows to label next, in one call, for anyone's predictions."""

from __future__ import annotations

import inspect
import warnings
from difflib import get_close_matches
from functools import partial

import torch

from lindley.acquisition.array_candidates import ArrayCandidates
from lindley.acquisition.axis_order import warn_of_other_order
from lindley.acquisition.catalogue import acquisition_named
from lindley.acquisition.checks import log_probs_of, whole_number
from lindley.acquisition.select import top_k
from lindley.acquisition.specs import METHODS, WITHOUT_PREDICTIONS
from lindley.acquisition.stored import stored
from lindley.acquisition.tensor_candidates import FeaturedCandidates, TensorCandidates
from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.contracts import Acquisition, Candidates, Classification, Context, Score, Selection
from lindley.errors import InputError
from lindley.information.layouts import Layout, swapped_axes
from lindley.names import nearest
from lindley.shapes import Features, LabelledRows, LogProbs, Rows, Scores

_NOTHING = {torch.float64: 1e-9}
_NOTHING_IN_SINGLE = 2e-6
"""Nats, or probabilities: what rounding leaves where all draws are equal."""


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
        acquisition: A name of `lindley.acquisition.METHODS`, or a function of your own, [n, K, C] log-probabilities ->
            [n], larger = asked first.
        batch_size: Number of rows to choose, at most N.
        seed: Seed of ties and samples.
        inputs: What the arrays hold: "log_probs", "probs" or "logits"; never guessed.
        axes: The order of their axes, "NKC" unless it is given. A warning says so where [N, K, C] looks like
            [K, N, C]; axes="NKC" silences it.
        rows: [N] whole numbers by which the candidates are known; 0..N-1 if not given.
        targets: Predictions of other inputs, like those that the model will be used on, under the same draws (draw k
            is the same function for both) and in the same form; for methods that need them, such as "epig".
        features: [N, D] floating point numbers, of the candidates.
        labelled_features: [L, D], of what is labelled already.
        labelled: The rows that are labelled already, in the order of labelled_features. Where the candidates have rows
            of their own, a candidate that is labelled already is an error.
        options: Those of the method, by name, such as num_paths=200.

    Returns:
        The rows with their scores; the diagnostics say what the method has to say of its choice.

    Raises:
        InputError: If something cannot be used: NaN, masked numbers, probabilities that do not sum to one, another
            shape, an unknown name or option. Rows are named by their ids.

    >>> logits = torch.randn(50, 8, 3, generator=torch.Generator().manual_seed(0))  # 50 rows, 8 draws, 3 classes
    >>> selection = select(logits.log_softmax(-1), "batchbald", batch_size=3, num_paths=500)
    >>> selection.rows.shape, selection.diagnostics["exact_picks"]
    (torch.Size([3]), 3)
    >>> select(logits.softmax(-1).numpy(), "bald", 3, inputs="probs").rows.tolist() == select(
    ...     logits.log_softmax(-1), "bald", 3
    ... ).rows.tolist()
    True
    """
    choose = _chosen(acquisition, options)
    batch_size, seed = whole_number("batch_size", batch_size), whole_number("seed", seed)
    if log_probs is None:
        candidates: Candidates = _without_predictions(acquisition, features, rows)
    else:
        lengths_tell = any(each is not None for each in (rows, features))  # that the first axis is that of the rows
        candidates = _candidates(log_probs, inputs, axes, inputs, rows=rows, ask=not lengths_tell)
    num_classes = _num_classes(candidates)
    known = None if labelled_features is None else _features("labelled_features", labelled_features)
    numbered = rows is not None or isinstance(log_probs, Candidates)
    targets = None if targets is None else _targets(targets, inputs, axes, candidates, num_classes)
    if features is not None:
        candidates = FeaturedCandidates(candidates, _features("features", features, candidates))
    context = Context(
        candidates=candidates,
        labelled=_labelled(labelled, known, candidates.rows, numbered=numbered),
        task=Classification(tuple(f"class {index}" for index in range(num_classes))),
        targets=targets,
        labelled_features=known,
    )
    with torch.set_grad_enabled(torch.is_grad_enabled() and not isinstance(acquisition, str)):
        selection = choose(context, batch_size, seed=seed)
    nothing = _NOTHING.get(selection.scores.dtype, _NOTHING_IN_SINGLE)
    compares = isinstance(acquisition, str) and METHODS[acquisition].compares_draws
    if compares and candidates.num_draws > 1 and float(selection.scores.abs().max()) < nothing:
        warnings.warn(
            f"{acquisition} gives 0 to every row that it chose: the draws say the same of them, and the choice is "
            "random. Are the draws different functions?",
            stacklevel=2,
        )
    return selection


def _without_predictions(
    acquisition: str | Score, features: ArrayLike | None, rows: ArrayLike | None
) -> TensorCandidates:
    """Candidates as many as their features, or their numbers, where the acquisition reads no predictions."""
    if acquisition not in WITHOUT_PREDICTIONS:
        raise InputError(
            f"{acquisition if isinstance(acquisition, str) else 'a score'} reads predictions [N, K, C], and log_probs "
            f"is None; without any there are {', '.join(WITHOUT_PREDICTIONS)}"
        )
    numbered = _rows(rows)
    if numbered is not None:
        return TensorCandidates(None, numbered)
    if features is None:
        raise InputError("without predictions, features [N, D] or rows [N] must say what the candidates are")
    return TensorCandidates(None, torch.arange(len(_features("features", features))))


def _num_classes(candidates: Candidates) -> int:
    """C, read off the first row where it is not known; 2 where nothing is predicted."""
    if isinstance(candidates, ArrayCandidates):
        return candidates.shape[2]
    if candidates.num_draws == 0 or not len(candidates.rows):
        return 2
    return log_probs_of(candidates.take(candidates.rows[:1])).shape[-1]


def _chosen(acquisition: str | Score, options: dict[str, object]) -> Acquisition:
    if isinstance(acquisition, str):
        arguments = [*inspect.signature(select).parameters][:-1]  # without **options
        mistyped = [name for name in options if get_close_matches(name, arguments, n=1, cutoff=0.75)]
        if mistyped:
            raise InputError(f"select has no argument {mistyped[0]!r}.{nearest(mistyped[0], arguments)}")
        return acquisition_named(acquisition, options)
    if not callable(acquisition):
        raise InputError(
            f"acquisition must be a name of lindley.acquisition.METHODS, or a function [n, K, C] -> [n]; got "
            f"{acquisition!r}"
        )
    if options:
        raise InputError(f"a function of your own takes no options; got {', '.join(options)}. Bind them beforehand.")
    _refuse_acquisitions(acquisition)
    return top_k(partial(_own_scores, acquisition))


def _refuse_acquisitions(score: Score) -> None:
    """What a loop calls an acquisition is another thing than a score."""
    try:
        inspect.signature(score).bind(None)
    except ValueError:
        return  # a function of C, which does not say
    except TypeError as error:
        raise InputError(
            f"a function of your own is called with [n, K, C] log-probabilities and must return [n] scores: {error}. "
            "What a study or a loop calls an acquisition, (context, batch_size, *, seed) -> Selection, is called there"
        ) from None


def _own_scores(score: Score, log_probs: LogProbs) -> Scores:
    scores = score(log_probs.clone())  # it may write into what it is given
    scores = as_tensor(scores, "what a function of your own returns, [n] scores,")
    if scores.shape != log_probs.shape[:1]:
        raise InputError(
            f"a score must be one number per row: [n, K, C] = {[*log_probs.shape]} -> [n]; got {[*scores.shape]}"
        )
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


def _candidates(
    values: ArrayLike | Candidates,
    inputs: str,
    axes: str | None,
    name: str,
    *,
    rows: ArrayLike | None = None,
    draws_id: str = "given",
    ask: bool = False,
) -> Candidates:
    """Candidates as they are, and arrays checked; ask: whether their axes may be in another order."""
    if isinstance(values, Candidates):
        if inputs != "log_probs" or axes not in ("NKC", None) or rows is not None:
            raise InputError(
                f"{name} are Candidates, [N, K, C] log_probs with rows of their own: leave out inputs, axes and rows"
            )
        return values
    layout = Layout(inputs, axes or "NKC")
    array = stored(values, name, axis=layout.order[0])
    candidates = ArrayCandidates(array, inputs=inputs, axes=layout.axes, rows=_rows(rows), draws_id=draws_id, name=name)
    if ask and axes is None:
        warn_of_other_order(array, inputs, name)
    return candidates


def _targets(
    targets: ArrayLike | Candidates, inputs: str, axes: str | None, candidates: Candidates, num_classes: int
) -> Candidates:
    """The targets; an array is under the candidates' draws, since the caller says so by passing it."""
    converted = _candidates(targets, inputs, axes, "targets", draws_id=candidates.draws_id)
    if isinstance(converted, ArrayCandidates) and converted.shape[1:] != (candidates.num_draws, num_classes):
        raise InputError(
            f"targets must be under the same draws and for the same classes as the candidates, [T, "
            f"{candidates.num_draws}, {num_classes}]; got {[*converted.shape]}.",
            *swapped_axes(len(converted.rows) == len(candidates.rows)),
        )
    return converted


def _rows(rows: ArrayLike | None) -> Rows | None:
    if rows is None:
        return None
    advice = "Give whole numbers, and look names up afterwards: [names[row] for row in selection.rows]."
    whole = as_whole_numbers(rows, "rows", advice=advice).cpu()
    if whole.dim() != 1:
        raise InputError(f"rows must be whole numbers [N]; got {[*whole.shape]}")
    return whole


def _features(name: str, values: ArrayLike, candidates: Candidates | None = None) -> Features:
    features = as_tensor(values, name, floats=True)
    shape, count = [*features.shape], None if candidates is None else len(candidates.rows)
    if len(shape) != 2 or shape[0] != (shape[0] if count is None else count) or shape[1] < 1:
        length = count if count is not None else "N" if name == "features" else "L"
        swapped = swapped_axes(candidates is not None and shape[:1] == [candidates.num_draws])
        raise InputError(f"{name} must be [{length}, D]; got {shape}.", *swapped)
    bad = (~features.isfinite().all(1)).nonzero()[:, 0].tolist()
    if bad:
        raise InputError(f"{name} must be finite; they are not at the places {bad[:10]}")
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    far = (~(4 * features.square().sum(1)).isfinite()).nonzero()[:, 0].tolist()
    if far:
        raise InputError(
            f"{name} at the places {far[:10]} are so large that squared distances between them are infinite in "
            f"{str(features.dtype).removeprefix('torch.')}; divide all of them by one number"
        )
    return features


def _labelled(
    labelled: ArrayLike | None, features: Features | None, candidates: Rows, *, numbered: bool
) -> LabelledRows:
    """The rows that are labelled. Where only their features are known they are numbered on from the candidates'."""
    if labelled is None:
        count = 0 if features is None else len(features)
        start = int(candidates.max()) + 1 if len(candidates) else 0
        return torch.arange(start, start + count)
    rows = as_whole_numbers(labelled, "labelled").cpu()
    if rows.dim() != 1 or rows.unique().numel() != rows.numel():
        raise InputError(f"labelled must be rows [L], each once; got {[*rows.shape]}")
    if features is not None and len(features) != len(rows):
        raise InputError(f"labelled_features must be [{len(rows)}, D], one a label; got {[*features.shape]}")
    if numbered and len(again := candidates[torch.isin(candidates, rows)]):
        raise InputError(
            f"these candidates are labelled already: rows {again[:10].tolist()}. Leave them out of the candidates"
        )
    return rows
