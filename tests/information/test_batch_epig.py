import itertools
import math

import pytest
import torch
from label_pairs import certain, random_log_probs

from lindley.errors import InputError
from lindley.information import batch_epig, empty_configurations, epig, estimate_batch_epig, joint_information
from lindley.information.batch_epig import MAX_CONFIGURATIONS, information_on_targets

XOR = certain([[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]])


def batch_epig_by_loops(batch, targets):
    """E over targets of I[y_S; y*], nested lists [B][K][C] and [T][K][C], one configuration and one label at a time."""
    num_draws, num_classes, total = len(targets[0]), len(targets[0][0]), 0.0
    for labels in itertools.product(range(num_classes), repeat=len(batch)):
        under = [math.prod(row[k][y] for row, y in zip(batch, labels, strict=True)) for k in range(num_draws)]
        for target in targets:
            for z in range(num_classes):
                both = sum(u * draw[z] for u, draw in zip(under, target, strict=True)) / num_draws
                apart = sum(under) / num_draws * sum(draw[z] for draw in target) / num_draws
                total += both * math.log(both / apart) if both > 0 else 0.0
    return total / len(targets)


@pytest.mark.parametrize("seed", range(60))
def test_it_equals_plain_loops_zeros_among_them(seed):
    log_probs = random_log_probs(seed, 3 + seed % 4, 1 + seed % 6, 2 + seed % 3)
    batch, targets = log_probs[3:], log_probs[:3]
    assert batch_epig(batch, targets) == pytest.approx(
        batch_epig_by_loops(batch.exp().tolist(), targets.exp().tolist()), abs=1e-9
    )


def test_one_row_has_its_epig_and_no_row_has_none():
    log_probs = random_log_probs(0, 6, 8, 5)
    assert batch_epig(log_probs[:1], log_probs[1:]) == pytest.approx(epig(log_probs[:1], log_probs[1:]).item())
    assert batch_epig(log_probs[:0], log_probs[1:]) == pytest.approx(0, abs=1e-15)


def test_two_labels_tell_their_xor_though_neither_does():
    first, second, target = XOR[:1], XOR[1:2], XOR[2:]
    assert batch_epig(first, target) == pytest.approx(0, abs=1e-12)
    assert batch_epig(second, target) == pytest.approx(0, abs=1e-12)
    assert batch_epig(torch.cat([first, second]), target) == pytest.approx(math.log(2), abs=1e-12)


def test_it_grows_with_the_batch_and_stays_below_the_joint_information():
    log_probs = random_log_probs(1, 8, 10, 3)
    values = [batch_epig(log_probs[:size], log_probs[5:]) for size in range(6)]
    assert values == sorted(values)
    assert values[5] < joint_information(log_probs[:5])


def test_estimates_lie_within_four_standard_errors_of_the_truth():
    inside = 0
    for seed in range(200):
        log_probs = random_log_probs(seed, 4 + seed % 5, 2 + seed % 9, 2 + seed % 3)
        batch, targets = log_probs[3:], log_probs[:3]
        estimate = estimate_batch_epig(batch, targets, num_configurations=300, seed=seed)
        inside += abs(estimate.value - batch_epig(batch, targets)) <= 4 * estimate.standard_error + 1e-9
    assert inside >= 198


def test_too_many_configurations_too_few_and_other_draws_are_refused():
    log_probs = random_log_probs(2, 60, 2, 2)
    assert MAX_CONFIGURATIONS < 2**60
    with pytest.raises(InputError) as caught:
        batch_epig(log_probs, log_probs)
    assert (caught.value.argument, caught.value.got) == ("batch_log_probs", "2**60")
    with pytest.raises(InputError) as caught:
        estimate_batch_epig(log_probs, log_probs, num_configurations=1, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_configurations", 1)
    with pytest.raises(InputError) as caught:
        information_on_targets(empty_configurations(2), random_log_probs(2, 3, 4, 2))
    assert (caught.value.argument, caught.value.got) == ("targets", [3, 4, 2])
