import math

import pytest
import torch

from lindley.training.augmentation import augment, flip_images, rotate_and_scale, shift_images
from lindley.training.config import TrainingConfig


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_image_is_one_of_the_whole_shifts_of_itself():
    images = torch.rand(50, 2, 5, 6, generator=generator())
    padded = torch.nn.functional.pad(images, [1] * 4)
    for moved, source in zip(shift_images(images, 1, generator(1)), padded, strict=True):
        places = [source[:, top : top + 5, left : left + 6] for top in range(3) for left in range(3)]
        assert sum(torch.equal(moved, place) for place in places) == 1


def test_all_shifts_come_up_and_none_far_more_often():
    dot = torch.zeros(2000, 1, 7, 7)
    dot[:, :, 3, 3] = 1.0
    landed = shift_images(dot, 1, generator()).sum(0)[0]
    assert (landed[2:5, 2:5] > 150).all()
    assert landed[2:5, 2:5].sum() == 2000


def test_the_same_generator_moves_alike_and_inputs_are_left():
    images = torch.rand(8, 1, 4, 4, generator=generator())
    before = images.clone()
    assert torch.equal(shift_images(images, 2, generator(3)), shift_images(images, 2, generator(3)))
    assert torch.equal(images, before)


def blob(height, width, row, column, radius=1.5):
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * radius**2))


def centre_of_mass(image):
    rows, columns = torch.arange(image.shape[0])[:, None], torch.arange(image.shape[1])[None]
    return torch.stack([(image * rows).sum(), (image * columns).sum()]) / image.sum()


@pytest.mark.parametrize("size", [(41, 41), (41, 61)])
def test_turning_keeps_the_distance_from_the_centre_in_pixels_and_stays_within_the_angle(size):
    height, width = size
    middle = torch.tensor([(height - 1) / 2, (width - 1) / 2])
    image = blob(height, width, middle[0].item(), middle[1].item() + 12)
    moved = rotate_and_scale(image.expand(200, 1, height, width), 30.0, 0.0, generator())
    offsets = torch.stack([centre_of_mass(each[0]) for each in moved]) - middle  # [200, 2]
    angles = torch.atan2(offsets[:, 0], offsets[:, 1]).rad2deg()
    torch.testing.assert_close(offsets.norm(dim=1), torch.full((200,), 12.0), atol=0.1, rtol=0)
    assert angles.abs().max() <= 30.5
    assert angles.min() < -25
    assert angles.max() > 25


def test_scaling_moves_along_the_ray_within_its_bounds():
    image = blob(41, 41, 20, 30)
    moved = rotate_and_scale(image.expand(200, 1, 41, 41), 0.0, 0.2, generator())
    offsets = torch.stack([centre_of_mass(each[0]) for each in moved]) - 20
    assert offsets[:, 0].abs().max() < 0.05
    assert offsets[:, 1].min() >= 7.9
    assert offsets[:, 1].max() <= 12.1
    assert offsets[:, 1].min() < 8.5
    assert offsets[:, 1].max() > 11.5


def test_flipping_mirrors_about_half_of_the_images():
    images = torch.rand(400, 1, 3, 4, generator=generator())
    mirrored = (flip_images(images, generator(1)) == images.flip(-1)).flatten(1).all(1)
    assert ((flip_images(images, generator(1)) == images).flatten(1).all(1) ^ mirrored).all()
    assert 0.4 < mirrored.double().mean() < 0.6


def test_a_recipe_without_augmentation_leaves_images_and_generator():
    images, numbers = torch.rand(8, 1, 4, 4, generator=generator()), generator(3)
    assert augment(images, TrainingConfig(), numbers) is images
    assert math.isclose(torch.rand(1, generator=numbers).item(), torch.rand(1, generator=generator(3)).item())


@pytest.mark.parametrize("key", [{"shift": 1}, {"rotate": 10.0}, {"scale": 0.1}, {"flip": True}])
def test_every_key_changes_images(key):
    images = torch.rand(8, 1, 6, 6, generator=generator())
    assert TrainingConfig(**key).augmentations == tuple(key)
    assert not torch.equal(augment(images, TrainingConfig(**key), generator(1)), images)
