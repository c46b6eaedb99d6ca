import itertools
import math

import pytest
import torch

from lindley.errors import InputError
from lindley.information import bald, estimate_joint_information, joint_entropy, joint_information
from lindley.information.joint import MAX_ENUMERATED


def joint_by_loops(probs):
    """(H[y_1..B], I[y_1..B; θ]) of nested lists [B][K][C], one configuration at a time."""
    num_draws, num_classes = len(probs[0]), len(probs[0][0])
    entropy, conditional = 0.0, 0.0
    for labels in itertools.product(range(num_classes), repeat=len(probs)):
        under = [math.prod(row[k][y] for row, y in zip(probs, labels, strict=True)) for k in range(num_draws)]
        marginal = sum(under) / num_draws
        entropy -= marginal * math.log(marginal) if marginal > 0 else 0.0
        conditional -= sum(p * math.log(p) for p in under if p > 0) / num_draws
    return entropy, entropy - conditional


def random_batch(seed, num_rows, num_draws, num_classes, zeros=0.2):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(num_rows, num_draws, num_classes, generator=generator, dtype=torch.float64) ** 3 + 1e-3
    gone = torch.rand(weights.shape, generator=generator) < zeros
    gone[:, :, 0] = False
    weights = weights.masked_fill(gone, 0.0)
    return (weights / weights.sum(-1, keepdim=True)).log()


def tiny_batch(seed):
    return random_batch(seed, 1 + seed % 4, 1 + seed % 6, 2 + seed % 3)


@pytest.mark.parametrize("seed", range(240))
def test_joint_entropy_and_information_equal_plain_loops(seed):
    batch = tiny_batch(seed)
    entropy, information = joint_by_loops(batch.exp().tolist())
    assert joint_entropy(batch) == pytest.approx(entropy, abs=1e-9)
    assert joint_information(batch) == pytest.approx(information, abs=1e-9)


def test_one_row_carries_its_bald_score():
    batch = random_batch(0, 1, 7, 5)
    assert joint_information(batch) == pytest.approx(bald(batch).item(), abs=1e-12)


def test_an_empty_batch_carries_nothing():
    assert joint_information(random_batch(0, 1, 3, 2)[:0]) == 0


def test_a_row_twice_carries_less_than_twice_and_more_than_once():
    row = random_batch(3, 1, 5, 3)
    assert bald(row).item() < joint_information(row.repeat(2, 1, 1)) < 2 * bald(row).item()


def test_disagreeing_certain_draws_carry_log_k_and_identical_draws_nothing():
    certain = torch.eye(4, dtype=torch.float64).log()[None]
    assert joint_information(certain) == pytest.approx(math.log(4), abs=1e-12)
    assert joint_information(certain.repeat(3, 1, 1)) == pytest.approx(math.log(4), abs=1e-12)
    assert joint_information(random_batch(1, 3, 1, 4).repeat(1, 6, 1)) == pytest.approx(0, abs=1e-12)


def test_two_yes_no_questions_tell_four_draws_apart():
    answers = torch.tensor([[[1.0, 0], [1, 0], [0, 1], [0, 1]], [[1, 0], [0, 1], [1, 0], [0, 1]]]).log()
    assert joint_information(answers[:1]) == pytest.approx(math.log(2), abs=1e-12)
    assert joint_information(answers) == pytest.approx(math.log(4), abs=1e-12)


def test_too_many_configurations_to_enumerate_are_refused():
    with pytest.raises(InputError) as caught:
        joint_entropy(random_batch(0, 60, 2, 2))
    assert (caught.value.argument, caught.value.got) == ("batch_log_probs", "2**60")
    assert MAX_ENUMERATED < 2**60


def test_estimates_lie_within_four_standard_errors_of_the_truth():
    inside = 0
    for seed in range(300):
        batch = random_batch(seed, 1 + seed % 5, 2 + seed % 9, 2 + seed % 4)
        estimate = estimate_joint_information(batch, num_configurations=400, seed=seed)
        inside += abs(estimate.value - joint_information(batch)) <= 4 * estimate.standard_error + 1e-9
    assert inside >= 297


def test_the_estimate_is_unbiased():
    batch = random_batch(7, 4, 6, 3)
    estimates = [estimate_joint_information(batch, num_configurations=25, seed=seed).value for seed in range(800)]
    mean, error = torch.tensor(estimates).mean().item(), torch.tensor(estimates).std().item() / math.sqrt(800)
    assert error < 0.01
    assert abs(mean - joint_information(batch)) < 4 * error


def test_the_standard_error_is_not_too_small():
    batch = random_batch(8, 5, 10, 4)
    estimates = [estimate_joint_information(batch, num_configurations=50, seed=seed) for seed in range(400)]
    scatter = torch.tensor([e.value for e in estimates]).std().item()
    assert scatter <= 1.1 * sum(e.standard_error for e in estimates) / 400


@pytest.mark.parametrize("num_rows", [1, 40, 200])
def test_the_estimate_is_between_zero_and_log_k_for_any_batch_size(num_rows):
    generator = torch.Generator().manual_seed(0)
    batch = (3 * torch.randn(num_rows, 30, 10, generator=generator)).log_softmax(-1)
    estimate = estimate_joint_information(batch, num_configurations=300, seed=0)
    assert 0 < estimate.value <= math.log(30)
    assert num_rows < 40 or estimate.value == pytest.approx(math.log(30), abs=1e-6)


def test_many_configurations_are_taken_in_parts_that_fit(monkeypatch):
    monkeypatch.setattr("lindley.information.joint._BLOCK_ELEMENTS", 512)
    batch = random_batch(9, 3, 8, 3)
    estimate = estimate_joint_information(batch, num_configurations=1003, seed=0)
    assert abs(estimate.value - joint_information(batch)) < 4 * estimate.standard_error
    assert joint_information(batch) == pytest.approx(joint_by_loops(batch.exp().tolist())[1], abs=1e-12)


def test_the_seed_decides_the_estimate():
    batch = random_batch(10, 6, 8, 3)
    values = [estimate_joint_information(batch, num_configurations=100, seed=seed).value for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_one_configuration_has_no_standard_error_and_is_refused():
    with pytest.raises(InputError) as caught:
        estimate_joint_information(random_batch(0, 2, 2, 2), num_configurations=1, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_configurations", 1)
