import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from sklearn.datasets import make_moons

from lindley.datasets.moons import moons_class_probability, two_moons
from lindley.errors import InputError

POINTS = torch.tensor([[0.0, 0.0], [0.5, 0.9], [1.0, 0.5], [0.9, -0.3], [1.8, 0.4], [-0.7, -0.2], [0.3, 0.1]])


def pool_inputs(data):
    return data.pool.read(torch.arange(len(data.pool)))


def by_quad(point, noise):
    """The same posterior by scipy's adaptive quadrature, in plain probabilities."""

    def density(arc):
        def at(t):
            x, y = arc(t)
            return math.exp(-((point[0] - x) ** 2 + (point[1] - y) ** 2) / (2 * noise**2))

        return quad(at, 0, math.pi, epsabs=0, epsrel=1e-10, limit=500)[0]

    upper = density(lambda t: (math.cos(t), math.sin(t)))
    lower = density(lambda t: (1 - math.cos(t), 0.5 - math.sin(t)))
    return lower / (lower + upper)


def test_the_sizes_are_those_asked_for_and_the_classes_balanced():
    data = two_moons(seed=0, num_pool=60, num_test=40)
    assert (len(data.pool), len(data.test_inputs)) == (60, 40)
    assert data.classes.bincount().tolist() == [30, 30]
    assert data.input_shape == (2,)
    assert data.test_inputs.dtype == torch.float32


def test_the_same_seed_gives_the_same_moons_and_another_seed_others():
    first, same, other = (two_moons(seed=seed) for seed in (3, 3, 4))
    assert first.hashes == same.hashes
    assert torch.equal(pool_inputs(first), pool_inputs(same))
    assert all(first.hashes[name] != other.hashes[name] for name in ("pool_inputs", "test_inputs"))


def test_pool_and_test_set_share_no_point():
    data = two_moons(seed=0, num_pool=200, num_test=200)
    assert torch.cdist(pool_inputs(data), data.test_inputs, compute_mode="donot_use_mm_for_euclid_dist").min() > 0


def test_without_noise_class_0_lies_on_the_unit_circle_and_class_1_half_a_turn_from_it():
    data = two_moons(seed=0, noise=0.0)
    points = pool_inputs(data)
    turned = torch.tensor([1.0, 0.5]) - points
    radius = torch.where(data.classes[:, None] == 0, points, turned).norm(dim=1)
    assert torch.allclose(radius, torch.ones(len(points)))


def test_noise_is_the_standard_deviation_about_the_moons():
    data = two_moons(seed=0, num_pool=4000, noise=0.01)
    points = pool_inputs(data)
    radius = torch.where(data.classes[:, None] == 0, points, torch.tensor([1.0, 0.5]) - points).norm(dim=1)
    assert radius.std().item() == pytest.approx(0.01, rel=5 / math.sqrt(2 * 4000))


@pytest.mark.parametrize("noise", [0.1, 0.2, 0.5])
def test_class_probability_equals_adaptive_quadrature(noise):
    found = moons_class_probability(POINTS, noise)
    expected = [by_quad(point, noise) for point in POINTS.tolist()]
    assert found.tolist() == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("noise", [0.02, 0.2, 2.0])
def test_class_probability_is_one_half_where_the_moons_mirror_each_other(noise):
    assert moons_class_probability(torch.tensor([[0.5, 0.25]]), noise).item() == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_turning_the_plane_by_half_a_turn_swaps_the_classes(noise):
    turned = torch.tensor([1.0, 0.5]) - POINTS.double()
    total = moons_class_probability(POINTS.double(), noise) + moons_class_probability(turned, noise)
    assert torch.allclose(total, torch.ones(len(POINTS), dtype=torch.float64), rtol=0, atol=1e-12)


def test_at_the_centre_of_the_upper_moon_the_odds_have_a_closed_form():
    """At (0, 0) the upper moon is one unit away all along, so that its density is exp(-1 / 2 noise²)."""
    noise = 0.3
    lower = quad(
        lambda t: math.exp(-((1 - math.cos(t)) ** 2 + (0.5 - math.sin(t)) ** 2) / (2 * noise**2)) / math.pi, 0, math.pi
    )[0]
    expected = lower / (lower + math.exp(-1 / (2 * noise**2)))
    assert moons_class_probability(torch.zeros(1, 2), noise).item() == pytest.approx(expected, rel=1e-9)


def test_of_the_points_given_probability_p_a_share_p_is_of_class_1():
    inputs, classes = make_moons(40_000, noise=0.3, random_state=0)
    probability = moons_class_probability(torch.from_numpy(inputs), 0.3).numpy()
    for low in np.arange(0, 1, 0.1):
        inside = (probability >= low) & (probability < low + 0.1)
        spread = math.sqrt(0.25 / inside.sum())
        assert classes[inside].mean() == pytest.approx(probability[inside].mean(), abs=4 * spread)


def test_guessing_by_the_class_probability_errs_less_than_by_the_nearer_centre():
    """No rule errs less often than this one."""
    inputs, classes = make_moons(5_000, noise=0.3, random_state=1)
    bayes = moons_class_probability(torch.from_numpy(inputs), 0.3).numpy() > 0.5
    centres = np.linalg.norm(inputs - [1, 0.5], axis=1) < np.linalg.norm(inputs, axis=1)
    assert (bayes != classes).mean() < (centres != classes).mean()


def test_far_from_both_moons_the_nearer_one_has_the_whole_probability():
    # seen from the upper right the tip (2, 1/2) of the lower moon is nearest, from the lower left (-1, 0) of the upper
    far = torch.tensor([[100.0, 100.0], [-100.0, -100.0], [1e4, 0.0], [-1e4, 0.5]])
    assert moons_class_probability(far, 0.05).tolist() == pytest.approx([1.0, 0.0, 1.0, 0.0])


def test_many_points_are_the_same_as_few():
    points = torch.rand(9000, 2, generator=torch.Generator().manual_seed(0)) * 3 - 1
    whole = moons_class_probability(points, 0.2)
    assert torch.allclose(whole[8000:], moons_class_probability(points[8000:], 0.2), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("points", "noise", "argument"),
    [(torch.zeros(3), 0.1, "points"), (torch.zeros(3, 3), 0.1, "points"), (POINTS, 0.0, "noise")],
)
def test_points_of_another_shape_and_noise_of_zero_are_refused(points, noise, argument):
    with pytest.raises(InputError) as caught:
        moons_class_probability(points, noise)
    assert caught.value.argument == argument
