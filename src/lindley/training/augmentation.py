"""Image augmentation for training: what a person would still label the same."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.training.config import TrainingConfig
from lindley.training.network_calls import to_device_async

Images = Float[Tensor, "n channels height width"]


def augment(images: Images, config: TrainingConfig, generator: torch.Generator) -> Images:
    """Return each image flipped, rotated, scaled and shifted at random, as the config says."""
    if config.flip:
        images = flip_images(images, generator)
    if config.rotate or config.scale:
        images = rotate_and_scale(images, config.rotate, config.scale, generator)
    return shift_images(images, config.shift, generator) if config.shift else images


def shift_images(images: Images, max_shift: int, generator: torch.Generator) -> Images:
    """Shift each image by up to max_shift pixels along each axis, independently, and fill with 0."""
    num_images, num_channels, height, width = images.shape
    padded = torch.nn.functional.pad(images, [max_shift] * 4)
    offsets = torch.randint(2 * max_shift + 1, (2, num_images, 1), generator=generator)
    offsets = to_device_async(offsets, images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)  # [n, height]
    columns = offsets[1] + torch.arange(width, device=images.device)  # [n, width]
    image = torch.arange(num_images, device=images.device)[:, None, None, None]
    channel = torch.arange(num_channels, device=images.device)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def rotate_and_scale(images: Images, max_degrees: float, max_scale: float, generator: torch.Generator) -> Images:
    """Rotate each image about its centre by up to max_degrees and scale it by 1 - max_scale to 1 + max_scale.

    Between pixels it interpolates linearly; what comes in from outside is 0.
    """
    num_images, _, height, width = images.shape
    uniform = 2 * torch.rand(2, num_images, generator=generator) - 1  # in (-1, 1)
    angle = torch.deg2rad(max_degrees * uniform[0])
    zoom = 1 / (1 + max_scale * uniform[1])  # output coordinates to input coordinates
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    # Coordinates run from -1 to 1 along both axes: a turn is one of pixels only where they are scaled by the sides.
    place = torch.zeros(num_images, 2, 3)
    place[:, 0, 0], place[:, 0, 1] = cos, -sin * height / width
    place[:, 1, 0], place[:, 1, 1] = sin * width / height, cos
    place = to_device_async(place, images.device).to(images)
    grid = torch.nn.functional.affine_grid(place, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def flip_images(images: Images, generator: torch.Generator) -> Images:
    """Mirror each image left to right with probability a half."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(to_device_async(mirrored, images.device), images.flip(-1), images)
