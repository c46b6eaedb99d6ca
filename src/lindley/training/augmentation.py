"""Random changes of training images that leave their class as it is: shifts, rotations, zooms and mirror images."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lindley.training.config import TrainingConfig
from lindley.training.network_calls import to_device_async

Images = Float[Tensor, "n channels height width"]


def augment(images: Images, config: TrainingConfig, generator: torch.Generator) -> Images:
    """Flip, rotate, scale and shift each image at random.

    Args:
        images: [n, channels, height, width].
        config: Says which changes to make, and how large they may be.
        generator: Draws them, on the CPU.

    Returns:
        The changed images; the ones given stay as they are.
    """
    if config.flip:
        images = flip_images(images, generator)
    if config.rotate or config.scale:
        images = rotate_and_scale(images, config.rotate, config.scale, generator)
    return shift_images(images, config.shift, generator) if config.shift else images


def shift_images(images: Images, max_shift: int, generator: torch.Generator) -> Images:
    """Shift each image along each axis, independently, and fill the rest with 0.

    Args:
        images: [n, channels, height, width].
        max_shift: The largest shift, in pixels.
        generator: Draws the shifts, on the CPU.
    """
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
    """Rotate and scale each image about its centre, with linear interpolation; pixels from outside are 0.

    Args:
        images: [n, channels, height, width].
        max_degrees: The largest angle, in degrees, in either direction.
        max_scale: The largest change of size: factors lie between 1 - max_scale and 1 + max_scale.
        generator: Draws the angles and factors, on the CPU.
    """
    num_images, _, height, width = images.shape
    uniform = 2 * torch.rand(2, num_images, generator=generator) - 1  # in (-1, 1)
    angle = torch.deg2rad(max_degrees * uniform[0])
    zoom = 1 / (1 + max_scale * uniform[1])  # output coordinates to input coordinates
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    # Coordinates run from -1 to 1 along both axes, so that a rotation of pixels is scaled by the sides.
    matrices = torch.zeros(num_images, 2, 3)
    matrices[:, 0, 0], matrices[:, 0, 1] = cos, -sin * height / width
    matrices[:, 1, 0], matrices[:, 1, 1] = sin * width / height, cos
    matrices = to_device_async(matrices, images.device).to(images)
    grid = torch.nn.functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def flip_images(images: Images, generator: torch.Generator) -> Images:
    """Mirror each image left to right with probability a half."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
    return torch.where(to_device_async(mirrored, images.device), images.flip(-1), images)
