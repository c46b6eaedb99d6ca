import math

import pytest
import torch
from joint_fakes import context_of, linear_model, random_log_probs

from lindley.acquisition.batchbald.gaussian_objective import calibrate
from lindley.acquisition.logdet import logdet
from lindley.errors import InputError
from lindley.information import bald


def random_features(seed, num_rows, num_features, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(num_rows, num_features, generator=generator, dtype=torch.float64)


def of_features(features, batch_size, labelled=None, seed=0, **options):
    """The choice by features, among rows 50 and up."""
    rows = torch.arange(50, 50 + len(features))
    labelled_rows = torch.arange(0 if labelled is None else len(labelled))
    context = context_of(
        random_log_probs(0, len(features), 2, 2),
        rows=rows,
        labelled=labelled_rows,
        features=features,
        labelled_features=labelled,
    )
    return logdet(context, batch_size, seed=seed, kernel="features", **options)


def half_log_det(stacked):
    """1/2 log det(I + S S^T) of [r, D] functions."""
    return torch.linalg.slogdet(torch.eye(len(stacked), dtype=torch.float64) + stacked @ stacked.T).logabsdet.item() / 2


def assert_greedy(functions, picked, scores, known):
    """Each pick [B] of positions is within 1e-9 of the best of all, by determinants of everything stacked."""
    batch, before = [], half_log_det(known)
    for position, score in zip(picked, scores, strict=True):
        worth = {
            other: half_log_det(torch.cat([known, *(functions[i] for i in [*batch, other])]))
            for other in range(len(functions))
            if other not in batch
        }
        assert worth[position] >= max(worth.values()) - 1e-9
        assert score == pytest.approx(worth[position] - before, abs=1e-9)
        batch, before = [*batch, position], worth[position]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("noise", [0.01, 1.0])
def test_each_pick_by_features_is_the_best_of_all_by_determinants(seed, noise):
    features, labelled = random_features(seed, 10, 2 + seed % 5), random_features(seed + 100, seed % 4, 2 + seed % 5)
    selection = of_features(features, 6, labelled, noise=noise)
    assert_greedy(
        list(features[:, None] / noise**0.5),
        (selection.rows - 50).tolist(),
        selection.scores.tolist(),
        labelled / noise**0.5,
    )


@pytest.mark.parametrize("seed", range(20))
def test_each_pick_by_draws_is_the_best_of_all_by_determinants(seed):
    log_probs, noise = random_log_probs(seed, 10, 2 + seed % 6, 2 + seed % 4), 0.1
    selection = logdet(context_of(log_probs), 6, seed=seed, noise=noise)
    probs = log_probs.exp().mT
    functions = (probs - probs.mean(2, keepdim=True)) / math.sqrt(noise * probs.shape[2])
    assert_greedy(list(functions), selection.rows.tolist(), selection.scores.tolist(), functions[0, :0])


@pytest.mark.parametrize("seed", range(20))
def test_each_calibrated_pick_is_the_best_of_all_and_the_first_is_worth_its_bald_score(seed):
    log_probs = random_log_probs(seed, 10, 2 + seed % 6, 2 + seed % 4)
    selection = logdet(context_of(log_probs), 6, seed=seed)
    functions = calibrate(log_probs, bald(log_probs))
    assert_greedy(list(functions), selection.rows.tolist(), selection.scores.tolist(), functions[0, :0])
    assert selection.scores[0].item() == pytest.approx(bald(log_probs).max().item(), abs=1e-9)


@pytest.mark.parametrize("options", [{}, {"noise": 0.05}])
def test_the_lazy_batch_looks_at_few_and_gains_only_fall(options):
    selection = logdet(context_of(linear_model(0, 1000, 40, 4, torch.float64)), 30, seed=0, **options)
    assert selection.scores.diff().max() <= 1e-9
    assert selection.diagnostics["candidates_evaluated"] < 0.5 * 30 * 1000
    assert selection.diagnostics["gaussian_information"] == pytest.approx(selection.scores.sum().item())


def test_it_goes_on_past_log_k_but_with_k_draws_there_is_ever_less_to_say():
    selection = logdet(context_of(linear_model(1, 400, 10, 4, torch.float64)), 200, seed=0)
    assert selection.rows.unique().numel() == 200
    assert selection.diagnostics["gaussian_information"] > 2 * math.log(10)
    assert selection.scores[199] < 0.1 * selection.scores[0]


def test_copies_of_a_labelled_row_are_asked_for_last():
    features = random_features(2, 6, 8)
    assert of_features(features, 6, features[[2]].repeat(50, 1)).rows[-1] == 52


def test_rotated_features_lead_to_the_same_batch_and_scaled_ones_as_less_noise_does():
    features, turn = random_features(3, 40, 5), torch.linalg.qr(random_features(4, 5, 5)).Q
    rows = of_features(features, 10, noise=0.25).rows.tolist()
    assert of_features(features @ turn, 10, noise=0.25).rows.tolist() == rows
    assert of_features(2 * features, 10, noise=1.0).rows.tolist() == rows


@pytest.mark.parametrize("scale", [1e-8, 1e5])
def test_gains_are_numbers_whatever_the_scale(scale):
    features = random_features(5, 60, 4, scale=scale)
    features[10:20] = features[0]
    features[20:30] = 0
    scores = of_features(features, 60).scores
    assert scores.isfinite().all()
    assert scores.min() >= 0


def test_scales_beyond_what_float64_can_tell_and_too_many_dimensions_are_refused(monkeypatch):
    with pytest.raises(InputError) as caught:
        of_features(random_features(6, 5, 3, scale=1e7), 2)
    assert (caught.value.argument, caught.value.got > 1e12) == ("noise", True)
    with pytest.raises(InputError) as caught:
        logdet(context_of(linear_model(2, 20, 5, 3)), 2, seed=0, noise=1e-15)
    assert (caught.value.argument, caught.value.got > 1e12) == ("noise", True)
    monkeypatch.setattr("lindley.acquisition.logdet.MAX_DIMENSION", 4)
    with pytest.raises(InputError) as caught:
        of_features(random_features(7, 6, 5), 2)
    assert (caught.value.argument, caught.value.got) == ("features", 5)
    with pytest.raises(InputError) as caught:
        logdet(context_of(linear_model(3, 20, 5, 3)), 2, seed=0, noise=0.1)
    assert (caught.value.argument, caught.value.got) == ("log_probs", 5)


def test_the_features_kernel_requires_features():
    with pytest.raises(InputError) as caught:
        logdet(context_of(random_log_probs(0, 5, 2, 2)), 2, seed=0, kernel="features")
    assert caught.value.argument == "features"


@pytest.mark.parametrize(
    ("option", "value"), [("kernel", "labels"), ("noise", 0.0), ("noise", -1.0), ("noise", math.nan)]
)
def test_other_options_are_refused(option, value):
    with pytest.raises(InputError) as caught:
        logdet(context_of(random_log_probs(0, 5, 2, 2)), 2, seed=0, **{option: value})
    assert caught.value.argument == option
