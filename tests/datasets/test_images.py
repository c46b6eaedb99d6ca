import numpy as np
import pytest
import torch

from lindley.contracts import Classification
from lindley.datasets.data_file import DataFile
from lindley.datasets.image_files import ImageFiles
from lindley.datasets.images import load_images
from lindley.errors import DataError

FILES = ImageFiles(*(DataFile(f"made-up/{part}", sha256=part * 2, num_bytes=0, mirrors=()) for part in "abcd"))
TASK = Classification(("x", "y"))


@pytest.fixture
def reader(as_idx):
    """Reads the arrays given for the four files, by their paths."""

    def build(**arrays):
        return lambda file: as_idx(arrays[file.name])

    return build


def images(count):
    return np.arange(count * 784, dtype=np.uint64).reshape(count, 28, 28).astype(np.uint8)


def labels(*classes):
    return np.array(classes, dtype=np.uint8)


def test_training_images_are_the_pool_and_test_images_the_test_set_in_zero_to_one(reader):
    read = reader(a=images(3), b=labels(1, 0, 1), c=images(2), d=labels(0, 0))
    data = load_images("made-up", TASK, FILES, read)
    pool = data.pool.read(torch.tensor([2, 0, 1]))
    assert pool.shape == (3, 1, 28, 28)
    assert np.allclose(pool[:, 0], images(3)[[2, 0, 1]] / 255)
    assert np.allclose(data.test_inputs[:, 0], images(2) / 255)
    assert data.test_inputs.dtype == pool.dtype == torch.float32
    assert (data.classes.tolist(), data.test_classes.tolist()) == ([1, 0, 1], [0, 0])
    assert data.input_shape == (1, 28, 28)


def test_a_manifest_gets_the_hash_of_each_file(reader):
    read = reader(a=images(1), b=labels(1), c=images(1), d=labels(0))
    hashes = load_images("made-up", TASK, FILES, read).hashes
    assert hashes == {f"made-up/{part}": part * 2 for part in "abcd"}


@pytest.mark.parametrize(
    "wrong", [{"b": labels(0, 1)}, {"a": labels(0, 1, 0)}, {"d": images(2)}], ids=["short", "no images", "no labels"]
)
def test_images_and_labels_that_do_not_belong_together_are_refused_by_name(reader, wrong):
    arrays = {"a": images(3), "b": labels(0, 1, 0), "c": images(2), "d": labels(1, 1), **wrong}
    with pytest.raises(DataError) as caught:
        load_images("made-up", TASK, FILES, reader(**arrays))
    assert caught.value.path == ("made-up/c" if "d" in wrong else "made-up/a")
