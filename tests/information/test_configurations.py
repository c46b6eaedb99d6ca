import math

import pytest
import torch

from lindley.information import empty_configurations, sample_configurations


def random_rows(seed, num_rows, num_draws, num_classes):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64)
    return logits.log_softmax(-1)


def configurations_of(rows, num_configurations, seed=0):
    configurations = empty_configurations(rows.shape[1])
    for row in rows:
        configurations = configurations.extend(row, num_configurations=num_configurations, seed=seed)
    return configurations


def test_configurations_are_exact_while_their_number_fits_and_sampled_afterwards():
    rows = random_rows(0, 4, 5, 3)
    kinds = [
        (configurations_of(rows[:size], 27).exact, len(configurations_of(rows[:size], 27).log_share))
        for size in range(5)
    ]
    assert kinds == [(True, 1), (True, 3), (True, 9), (True, 27), (False, 27)]


def test_exact_shares_are_probabilities_that_sum_to_one():
    configurations = configurations_of(random_rows(1, 3, 4, 3), 1000)
    assert configurations.log_share.exp().sum().item() == pytest.approx(1, abs=1e-12)


def test_sampled_configurations_extended_one_by_one_equal_those_sampled_at_once():
    rows = random_rows(2, 6, 5, 3)
    at_once = sample_configurations(rows, num_configurations=40, seed=3)
    one_by_one = configurations_of(rows, 40, seed=3)
    assert torch.equal(at_once.log_likelihood, one_by_one.log_likelihood)


def test_impossible_configurations_are_left_out():
    certain = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).log()
    configurations = configurations_of(torch.stack([certain, certain]), 100)
    assert len(configurations.log_share) == 2  # the labels 0, 0 and 1, 1; the other two have no probability
    assert torch.equal(
        configurations.log_posterior().exp().sort(0).values, torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
    )


@pytest.mark.parametrize(("num_configurations", "num_draws"), [(12, 4), (14, 4), (3, 4), (1000, 7)])
def test_draws_are_the_source_of_equally_many_to_within_one(num_configurations, num_draws):
    source_draws = sample_configurations(
        random_rows(3, 2, num_draws, 3), num_configurations=num_configurations, seed=0
    ).source_draws
    counts = source_draws.bincount(minlength=num_draws)
    assert len(source_draws) == num_configurations
    assert counts.max() - counts.min() <= 1


def test_every_draw_is_as_likely_to_be_the_source_of_one_more():
    counts = sum(
        sample_configurations(random_rows(3, 1, 4, 3), num_configurations=6, seed=seed).source_draws.bincount(
            minlength=4
        )
        for seed in range(400)
    )
    assert (counts - 600).abs().max() < 4 * math.sqrt(400 * 0.25)


def test_labels_come_from_the_source_draw():
    rows = random_rows(4, 1, 3, 4)
    configurations = sample_configurations(rows, num_configurations=3000, seed=0)
    for draw in range(3):
        # The label shows in the likelihoods of all draws.
        likelihoods = configurations.log_likelihood[configurations.source_draws == draw]
        for label in range(4):
            share = (likelihoods - rows[0, :, label]).abs().amax(1).lt(1e-12).double().mean().item()
            assert share == pytest.approx(
                rows[0, draw, label].exp().item(), abs=2.01 / 1000
            )  # stratified: ±1 configuration


def test_a_label_of_probability_zero_is_never_sampled():
    rows = torch.tensor([[[0.0, 0.7, 0.3, 0.0], [0.5, 0.0, 0.0, 0.5]]], dtype=torch.float64).log()
    configurations = sample_configurations(rows.repeat(5, 1, 1), num_configurations=2000, seed=0)
    own = configurations.log_likelihood[torch.arange(2000), configurations.source_draws]
    assert own.isfinite().all()


def test_labels_of_different_rows_are_independent_given_the_draw():
    tilted = torch.tensor([[0.6, 0.4], [0.6, 0.4]], dtype=torch.float64).log()
    pairs = (
        sample_configurations(torch.stack([tilted, tilted]), num_configurations=4000, seed=1).log_likelihood[:, 0].exp()
    )
    both = pairs.isclose(torch.tensor(0.36, dtype=torch.float64)).double().mean().item()
    assert both == pytest.approx(0.36, abs=4 * math.sqrt(0.36 * 0.64 / 4000))


def test_two_hundred_labels_neither_underflow_nor_overflow():
    configurations = sample_configurations(random_rows(5, 200, 10, 10), num_configurations=50, seed=0)
    posterior = configurations.log_posterior().exp()
    assert posterior.isfinite().all()
    assert torch.allclose(posterior.sum(1), torch.ones(50, dtype=torch.float64))
