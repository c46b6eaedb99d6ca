"""Encoders of images: a tiny random DINOv2, saved and loaded offline by the real code."""

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features import ImageEncoder, compute_features

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("dinov2")
    config = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14, mlp_ratio=1
    )
    transformers.Dinov2Model(config).save_pretrained(path)
    size = {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}
    transformers.BitImageProcessorPil(**size).save_pretrained(path)
    return path


def images(number):
    generator = np.random.default_rng(0)
    return [generator.integers(256, size=(30 + 3 * each, 40, 3), dtype=np.uint8) for each in range(number)]


def test_features_are_the_networks_pooled_output(folder):
    features = compute_features(ImageEncoder(folder, num_components=None), images(3))
    network = transformers.AutoModel.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    for image, feature in zip(images(3), features, strict=True):
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        assert np.allclose(network(pixel_values=pixels).pooler_output[0].detach().numpy(), feature, atol=1e-5)


def test_components_shorten_the_features(folder):
    features = compute_features(ImageEncoder(folder, num_components=5), images(20))
    assert features.shape == (20, 5)
    assert np.allclose(features.mean(0), 0, atol=1e-4)


def test_a_grey_image_is_read(folder):
    assert compute_features(ImageEncoder(folder, num_components=None), [np.zeros((28, 28), np.uint8)]).shape == (1, 16)


def test_versions_follow_options(folder):
    assert ImageEncoder(folder).version != ImageEncoder(folder, num_components=None).version


def test_a_folder_without_a_processor_is_refused(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError) as caught:
        compute_features(ImageEncoder(tmp_path), images(1))
    assert caught.value.argument == "model"


def test_an_encoder_of_images_and_text_gives_its_image_features(tmp_path):
    text = transformers.CLIPTextConfig(
        vocab_size=20, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
    )
    vision = transformers.CLIPVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    config = transformers.CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=6)
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    size = {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}
    transformers.CLIPImageProcessorPil(**size).save_pretrained(tmp_path)
    assert compute_features(ImageEncoder(tmp_path, num_components=None), images(2)).shape == (2, 6)
