"""Features of images by a pretrained network of transformers, such as DINOv2, and their principal components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.components import principal_components, restore_components
from lindley.features.image_files import read_image
from lindley.features.method import (
    Contents,
    Kind,
    LearntState,
    Transform,
    block_bounds,
    method_version,
)
from lindley.features.pretrained import load_network, load_part, model_folder, model_sha256
from lindley.value_checks import check_whole_number

DEFAULT_IMAGE_ENCODER = "facebook/dinov2-small"
_TOGETHER = 16
"""Images that the network reads at once."""


@dataclass(frozen=True)
class ImageEncoder:
    """Reads images by a network of transformers, on the CPU: its pooled output, or the mean of its tokens."""

    model: str | Path = DEFAULT_IMAGE_ENCODER
    """A folder, or the name of a model of the hub."""
    num_components: int | None = 128
    """The largest number of principal components, D; None keeps the network's own features."""
    fit_rows: int = 2_000
    """The largest number of images from which the components are learnt."""

    kind: ClassVar[Kind] = "images"
    block_rows: ClassVar[int] = 64

    def __post_init__(self) -> None:
        check_whole_number("fit_rows", self.fit_rows, least=1)
        if self.num_components is not None:
            check_whole_number("num_components", self.num_components, least=1)

    @cached_property
    def folder(self) -> Path:
        """The folder of the network, downloaded if it is missing. Raises InputError."""
        return model_folder(self.model, "vision")

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        options = {
            "num_components": self.num_components,
            "fit_rows": self.fit_rows,
            "weights": model_sha256(self.folder),
        }
        return method_version("image-encoder", options, revision=1, packages=("pillow", "torch", "transformers"))

    def fit(self, contents: Contents) -> LearntState:
        """Learn the principal components."""
        if self.num_components is None:
            return LearntState()
        return LearntState(principal_components(self._encode(contents), self.num_components))

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        return self._encode if self.num_components is None else restore_components(state, self._encode)

    @cached_property
    def _encode(self) -> Transform:
        processor = load_part("AutoImageProcessor", self.folder, backend="pil")
        network = load_network(self.folder)

        def encode(contents: Contents) -> np.ndarray:
            bounds = block_bounds(0, len(contents), _TOGETHER)
            parts = ([read_image(each) for each in contents[start:stop]] for start, stop in bounds)
            return np.concatenate([_read(processor, network, part) for part in parts])

        return encode


def _read(processor: Any, network: Any, images: list[np.ndarray]) -> np.ndarray:
    """Return the features of n images.  -> [n, D]"""
    import torch

    pixels = processor(images=images, return_tensors="pt", input_data_format="channels_last")["pixel_values"]
    with torch.inference_mode():
        if hasattr(network, "get_image_features"):  # CLIP and its kin, whose forward wants text too
            output = network.get_image_features(pixel_values=pixels)
        else:
            output = network(pixel_values=pixels)
    features: np.ndarray = _pool_output(output).flatten(1).numpy()
    return features


def _pool_output(output: Any) -> Any:
    """Return one vector for each image, of whatever a network returns."""
    import torch

    if isinstance(output, torch.Tensor):
        return output
    if getattr(output, "pooler_output", None) is not None:
        return output.pooler_output
    if getattr(output, "last_hidden_state", None) is not None and output.last_hidden_state.dim() == 3:
        return output.last_hidden_state.mean(1)
    raise InputError(argument="model", expected="a network with a pooled output or tokens", got=type(output).__name__)
