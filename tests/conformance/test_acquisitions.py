"""The promises of every acquisition of the catalogue; a new one is held to them by its entry."""

import math
from dataclasses import fields
from functools import partial

import pytest
import torch

from lindley import select
from lindley.acquisition import ACQUISITIONS, TensorCandidates, acquisition_named
from lindley.contracts import Categorical, Chunk, Classification, Context
from lindley.errors import InputError
from lindley.information import joint_information

NAMES = sorted(ACQUISITIONS)
SAMPLED = {name for name, spec in ACQUISITIONS.items() if not spec.exact}
STOCHASTIC = {name for name, spec in ACQUISITIONS.items() if spec.stochastic}
NO_PREDICTIONS = {name for name, spec in ACQUISITIONS.items() if spec.prediction_free}
REGRET = 2e-3  # nats of joint information, for SAMPLED; exact scores choose the same rows
WRONG_VALUES = {"bool": None, "str": "none of these", "int": -1, "float": -1.0}
"""By the type of an option; either of two booleans is right."""
BATCH = 4
NUM_CLASSES = 4

FEATURES = torch.randn(5010, 6, generator=torch.Generator().manual_seed(9))
LABELLED = torch.arange(5000, 5010)

pytestmark = pytest.mark.parametrize("name", NAMES)


def predictions(dtype=torch.float32, num_rows=120, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, 6, generator=generator, dtype=torch.float64) / 6**0.5
    weights = 3 * torch.randn(6, NUM_CLASSES, generator=generator, dtype=torch.float64)
    weights = weights + 2 * torch.randn(15, 6, NUM_CLASSES, generator=generator, dtype=torch.float64)
    return (features @ weights).permute(1, 0, 2).log_softmax(-1).to(dtype).contiguous()


def choose(
    name,
    log_probs,
    rows=None,
    *,
    batch_size=BATCH,
    seed=0,
    chunk_rows=17,
    targets=None,
    features=FEATURES,
    without=(),
    checked=True,
    **options,
):
    """The method's choice among these candidates, with targets, features and labelled rows (5000 and up) at hand."""
    rows = torch.arange(len(log_probs)) if rows is None else rows
    task = Classification(tuple(f"class {c}" for c in range(log_probs.shape[2])))
    targets = predictions(log_probs.dtype, num_rows=12, seed=4) if targets is None else targets
    optional = {
        "targets": TensorCandidates(targets[:, :, : log_probs.shape[2]].log_softmax(-1)[:, : log_probs.shape[1]]),
        "labelled_features": features[LABELLED],
    }
    known = None if "features" in without else features[rows]
    context = Context(
        TensorCandidates(log_probs, rows, features=known, chunk_rows=chunk_rows),
        LABELLED,
        task,
        **{key: value for key, value in optional.items() if key not in without},
    )
    acquisition = acquisition_named(name, options) if checked else partial(ACQUISITIONS[name].acquisition, **options)
    return acquisition(context, batch_size, seed=seed)


def assert_same_choice(name, log_probs, first, second):
    """The same rows; where configurations are sampled, rows that are worth the same."""
    if name in SAMPLED:
        worth = [joint_information(log_probs[rows].double()) for rows in (first.rows, second.rows)]
        assert abs(worth[0] - worth[1]) <= REGRET
    else:
        assert first.rows.tolist() == second.rows.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scores_lie_within_their_bounds_and_fall(name, dtype):
    low, high = ACQUISITIONS[name].score_bounds(num_rows=120, num_classes=NUM_CLASSES)
    scores = choose(name, predictions(dtype), batch_size=30).scores
    assert scores.min() >= low - 1e-6
    assert scores.max() <= high + 1e-6
    assert not ACQUISITIONS[name].descending or (scores.diff() <= 0).all()


def test_drawn_by_weight_scores_fall_once_beta_is_large(name):
    """What is left of the test above for those whose order is that of the weights and their noise."""
    if name in STOCHASTIC:
        assert (choose(name, predictions(), batch_size=30, beta=1e12).scores.diff() <= 0).all()
        scores = choose(name, predictions(), batch_size=30).scores
        assert (scores.diff() > 0).any()


def test_a_batch_is_of_distinct_rows_of_the_pool(name):
    rows = torch.arange(1000, 1240, 2)
    selection = choose(name, predictions(), rows, batch_size=40)
    assert selection.rows.unique().numel() == len(selection.scores) == 40
    assert set(selection.rows.tolist()) <= set(rows.tolist())


def test_permuted_rows_lead_to_the_same_choice(name):
    log_probs = predictions()
    order = torch.randperm(len(log_probs), generator=torch.Generator().manual_seed(1))
    assert_same_choice(name, log_probs, choose(name, log_probs), choose(name, log_probs[order], order))


@pytest.mark.parametrize("chunk_rows", [1, 50, 10_000])
def test_another_chunk_size_leads_to_the_same_choice(name, chunk_rows):
    log_probs = predictions()
    assert_same_choice(name, log_probs, choose(name, log_probs), choose(name, log_probs, chunk_rows=chunk_rows))


def test_permuted_draws_lead_to_a_choice_worth_the_same(name):
    log_probs = predictions(torch.float64)
    targets = predictions(torch.float64, num_rows=12, seed=4)
    order = torch.randperm(15, generator=torch.Generator().manual_seed(2))
    first = choose(name, log_probs, targets=targets)
    second = choose(name, log_probs[:, order].contiguous(), targets=targets[:, order].contiguous())
    assert_same_choice(name, log_probs, first, second)
    assert torch.allclose(first.scores, second.scores, atol=1e-9)


def test_inputs_are_left_unchanged(name):
    log_probs = predictions()
    before = log_probs.clone()
    choose(name, log_probs)
    assert torch.equal(log_probs, before)


def test_both_precisions_lead_to_the_same_choice_in_their_own_precision(name):
    single, double = predictions(torch.float32), predictions(torch.float32).double()
    first, second = choose(name, single), choose(name, double)
    assert_same_choice(name, double, first, second)
    assert name in NO_PREDICTIONS or (first.scores.dtype, second.scores.dtype) == (torch.float32, torch.float64)


def test_classes_of_probability_zero_are_safe(name):
    log_probs = predictions()
    log_probs[:60, :, 1] = -math.inf
    log_probs[30:, :8, 2] = -math.inf
    log_probs[5] = torch.tensor([0.0, *[-math.inf] * (NUM_CLASSES - 1)])
    selection = choose(name, log_probs.log_softmax(-1), batch_size=len(log_probs))
    assert selection.scores.isfinite().all()


def test_the_same_seed_gives_the_same_answer(name):
    first, second = choose(name, predictions(), seed=3), choose(name, predictions(), seed=3)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.scores.tolist() == second.scores.tolist()
    assert first.diagnostics == second.diagnostics


def test_no_global_generator_is_read_or_moved(name):
    torch.manual_seed(5)
    first, state = choose(name, predictions()), torch.get_rng_state()
    torch.manual_seed(6)
    assert choose(name, predictions()).rows.tolist() == first.rows.tolist()
    torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), state)


def test_ties_are_not_broken_by_the_lowest_row(name):
    same = torch.full((600, 5, NUM_CLASSES), 1 / NUM_CLASSES).log()
    alike = torch.ones_like(FEATURES)
    chosen = [choose(name, same, batch_size=60, seed=seed, features=alike).rows for seed in (0, 1)]
    assert 220 < chosen[0].double().mean() < 380
    assert set(chosen[0].tolist()) != set(chosen[1].tolist())


def test_what_it_requires_is_named(name):
    for need in ACQUISITIONS[name].requires:
        with pytest.raises(InputError) as caught:
            choose(name, predictions(), without={need})
        assert caught.value.argument == need


def test_the_function_itself_refuses_a_wrong_option(name):
    for option in fields(ACQUISITIONS[name].options):
        wrong = next(value for kind, value in WRONG_VALUES.items() if kind in option.type)
        if wrong is not None:
            with pytest.raises(InputError) as caught:
                choose(name, predictions(), checked=False, **{option.name: wrong})
            assert caught.value.argument == option.name


def test_a_batch_larger_than_the_pool_is_refused(name):
    with pytest.raises(InputError) as caught:
        choose(name, predictions(), batch_size=121)
    assert (caught.value.argument, caught.value.got) == ("batch_size", 121)


def test_diagnostics_are_json(name):
    assert all(
        type(value) in (int, float, str, bool, list) for value in choose(name, predictions()).diagnostics.values()
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_bad_predictions_are_refused_by_row(name, value):
    log_probs = predictions()
    log_probs[33, 2, 1] = value
    if name in NO_PREDICTIONS:
        assert choose(name, log_probs).rows.tolist() == choose(name, predictions()).rows.tolist()
        return
    with pytest.raises(InputError) as caught:
        choose(name, log_probs, torch.arange(1000, 1120))
    assert caught.value.rows == (1033,)


def test_the_modes_of_the_caller_change_no_choice(name):
    def chosen():
        given = {"labelled": LABELLED, "labelled_features": FEATURES[LABELLED], "features": FEATURES[:120]}
        return select(predictions(), name, BATCH, targets=predictions(num_rows=12, seed=4), **given)

    plain = chosen()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = chosen()
    with torch.inference_mode():
        under_inference = chosen()
    for selection in (under_autocast, under_inference):
        assert torch.equal(selection.rows, plain.rows)
        assert torch.equal(selection.scores, plain.scores)


class OfABFloat16Network:
    """Lazy predictions of a program that computes them under an autocast of its own."""

    rows, num_draws, draws_id = torch.arange(120), 15, "mine"

    def scan(self, function):
        return (function(self.take(rows)) for rows in reversed(self.rows.split(40)))

    def take(self, rows):
        assert torch.is_autocast_enabled("cpu")
        return Chunk(rows, Categorical(predictions()[rows]))


def test_what_the_caller_computes_keeps_the_callers_autocast(name):
    given = {"labelled": LABELLED, "labelled_features": FEATURES[LABELLED], "features": FEATURES[:120]}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lazy = select(OfABFloat16Network(), name, BATCH, targets=predictions(num_rows=12, seed=4), **given)
    assert_same_choice(
        name,
        predictions(),
        select(predictions(), name, BATCH, targets=predictions(num_rows=12, seed=4), **given),
        lazy,
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that CUDA can use")
def test_predictions_on_a_gpu_lead_to_the_same_choice(name):
    log_probs = predictions()
    on_gpu = choose(name, log_probs.cuda(), targets=predictions(num_rows=12, seed=4).cuda())
    assert_same_choice(name, log_probs, choose(name, log_probs), on_gpu)
    assert on_gpu.rows.device.type == on_gpu.scores.device.type == "cpu"
