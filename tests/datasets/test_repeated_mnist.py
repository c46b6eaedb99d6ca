import numpy as np
import pytest
import torch

from lindley.datasets.image_files import MNIST
from lindley.datasets.repeated_mnist import repeated_mnist


@pytest.fixture
def read(as_idx):
    """Twelve made-up training images and five test images in the place of MNIST's."""
    rng = np.random.default_rng(0)
    arrays = {
        MNIST.train_images: rng.integers(0, 256, (12, 28, 28)),
        MNIST.train_labels: np.arange(12) % 10,
        MNIST.test_images: rng.integers(0, 256, (5, 28, 28)),
        MNIST.test_labels: np.arange(5),
    }
    return lambda file: as_idx(arrays[file].astype(np.uint8))


def test_each_image_comes_several_times_with_its_class_and_its_source(read):
    data = repeated_mnist(read=read, seed=0, repeats=4)
    assert len(data.pool) == 48
    assert data.sources.bincount().tolist() == [4] * 12
    assert torch.equal(data.classes, torch.arange(12)[data.sources] % 10)


def test_copies_differ_from_their_image_by_noise_of_the_stated_size(read):
    noisy = repeated_mnist(read=read, seed=0, noise=0.1)
    plain = repeated_mnist(read=read, seed=0, noise=0.0)
    rows = torch.arange(36)
    difference = noisy.pool.read(rows) - plain.pool.read(rows)
    assert torch.equal(plain.pool.read(rows[:12]), plain.pool.read(rows[24:]))
    assert difference.std().item() == pytest.approx(0.1, abs=0.002)
    assert difference.flatten(1).std(1).min().item() > 0.08  # the first copies too


def test_the_test_images_come_once_and_without_noise(read):
    data = repeated_mnist(read=read, seed=0)
    assert data.test_inputs.shape == (5, 1, 28, 28)
    assert torch.equal((data.test_inputs * 255).round() / 255, data.test_inputs)


def test_a_manifest_tells_other_noise_from_the_same(read):
    hashes = [
        repeated_mnist(read=read, seed=seed, noise=noise).hashes for seed, noise in [(0, 0.1), (1, 0.1), (0, 0.2)]
    ]
    assert hashes[0] == repeated_mnist(read=read, seed=0).hashes
    assert len({each["first_rows"] for each in hashes}) == 3
    assert hashes[0].items() > MNIST.hashes.items()


def test_real_mnist_is_repeated_three_times(load_real):
    data = load_real("repeated-mnist")
    assert len(data.pool) == len(data.sources) == 180_000
    rows = torch.tensor([7, 60_007, 120_007])
    assert data.classes[rows].unique().tolist() == [3]
    assert data.sources[rows].tolist() == [7, 7, 7]
    copies = data.pool.read(rows).flatten(1)
    assert (copies[0] - copies[1]).std().item() == pytest.approx(0.1 * 2**0.5, rel=0.15)
