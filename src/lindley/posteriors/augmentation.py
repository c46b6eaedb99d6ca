"""Image augmentation for training: what a person would still label the same."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Images = Float[Tensor, "n channels height width"]


def shifted(images: Images, max_shift: int, generator: torch.Generator) -> Images:
    """Each image moved by up to max_shift pixels along each axis, independently; what comes in from outside is 0."""
    num_images, num_channels, height, width = images.shape
    padded = torch.nn.functional.pad(images, [max_shift] * 4)
    offsets = torch.randint(2 * max_shift + 1, (2, num_images, 1), generator=generator).to(images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)  # [n, height]
    columns = offsets[1] + torch.arange(width, device=images.device)  # [n, width]
    image = torch.arange(num_images, device=images.device)[:, None, None, None]
    channel = torch.arange(num_channels, device=images.device)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]
