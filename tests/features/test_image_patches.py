"""Patches: what they tell apart, grey and coloured pools, images of any size, and what is stored."""

import numpy as np
import pytest
from PIL import Image

from lindley.errors import DataError, InputError
from lindley.features import Patches, compute_features
from lindley.features.state import load_state, save_state

SMALL = Patches(size=16, num_centres=8, num_patches=400, num_components=6)


def stripes(number, *, upright, colour=(255, 255, 255)):
    """Images of stripes with some noise."""
    generator = np.random.default_rng(number)
    line = np.where(np.arange(24) // 3 % 2, 200, 20)
    image = np.broadcast_to(line[None, :] if upright else line[:, None], (24, 24))
    noisy = (image + generator.integers(-20, 20, size=(24, 24))).clip(0, 255)
    return (noisy[:, :, None] * np.array(colour) / 255).astype(np.uint8)


POOL = [stripes(number, upright=number % 2 == 0) for number in range(20)]


def test_images_of_one_kind_are_nearer_than_those_of_two():
    features = compute_features(SMALL, POOL)
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    within = max(distances[::2, ::2].max(), distances[1::2, 1::2].max())
    assert features.shape == (20, 6)
    assert within < distances[::2, 1::2].min()


def test_components_keep_what_all_responses_say():
    """As many components as there are images span the pool: its distances are those of the scaled responses."""
    whole = Patches(size=16, num_centres=8, num_patches=400, num_components=None)
    kept = Patches(size=16, num_centres=8, num_patches=400, num_components=32)
    assert compute_features(whole, POOL).shape == (20, 32)
    assert compute_features(kept, POOL).shape == (20, 20)


def test_brightness_and_contrast_of_the_light_do_not_matter_much():
    method = SMALL
    transform = method.restore(method.fit(POOL))
    darker = [(image // 2 + 40).astype(np.uint8) for image in POOL]
    between_kinds = np.linalg.norm(transform(POOL[:1]) - transform(POOL[1:2]))
    assert np.linalg.norm(transform(POOL[:1]) - transform(darker[:1])) < between_kinds / 4


def test_a_grey_pool_has_patches_of_one_channel_and_reads_colours_as_grey():
    state = SMALL.fit(POOL)
    assert state.settings == {"coloured": False}
    assert state.arrays["mean"].shape == (36,)
    assert SMALL.restore(state)([stripes(0, upright=True, colour=(255, 80, 80))]).shape == (1, 6)


def test_a_coloured_pool_has_patches_of_three_channels():
    pool = [stripes(number, upright=True, colour=(255, 80 * (number % 2), 0)) for number in range(8)]
    state = SMALL.fit(pool)
    assert state.settings == {"coloured": True}
    assert state.arrays["mean"].shape == (108,)


def test_files_of_any_size_are_read(tmp_path):
    for number, image in enumerate(POOL):
        Image.fromarray(image).resize((20 + 7 * number, 24)).save(tmp_path / f"{number}.png")
    features = compute_features(SMALL, [tmp_path / f"{number}.png" for number in range(20)])
    assert np.isfinite(features).all()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        compute_features(SMALL, [POOL[0], tmp_path / "bad.jpg"])
    assert caught.value.path == tmp_path / "bad.jpg"


@pytest.mark.parametrize("pool", [[np.zeros((8, 8), np.uint8)] * 3, [POOL[0]]])
def test_plain_images_and_a_single_one_have_features(pool):
    features = compute_features(SMALL, pool)
    assert np.isfinite(features).all()
    assert len(features) == len(pool)


def test_features_do_not_depend_on_the_order_of_the_pool():
    assert np.allclose(compute_features(SMALL, POOL)[::-1], compute_features(SMALL, POOL[::-1]), atol=1e-5)


def test_a_stored_state_gives_the_same_features(tmp_path):
    state = SMALL.fit(POOL)
    save_state(tmp_path, state)
    assert np.array_equal(SMALL.restore(load_state(tmp_path))(POOL), SMALL.restore(state)(POOL))


@pytest.mark.parametrize(
    "options", [{"size": 6}, {"num_centres": 1}, {"num_patches": 10}, {"patch_size": 1}, {"num_components": 0}]
)
def test_wrong_options_are_refused(options):
    with pytest.raises(InputError) as caught:
        Patches(**options)
    assert caught.value.argument in options
