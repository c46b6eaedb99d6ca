"""Folders of images: each file is an item or has a named reason, and nothing is fatal."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lindley.errors import InputError
from lindley.labelling.groups import find_links, group_items
from lindley.labelling.records import Found, Unreadable
from lindley.labelling.sources.open_source import Source, open_source

NOBODY = 65534


def picture(seed: int, size: int = 32) -> Image.Image:
    """Return a smooth picture, as photographs are."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)


def save(path: Path, seed: int = 0, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(seed).save(path, **options)  # type: ignore[arg-type]
    return path


def found(source: Source) -> dict[str, Found]:
    return {each.place: each for each in source if isinstance(each, Found)}


def reasons(source: Source) -> dict[str, str]:
    return {each.place: each.reason for each in source if isinstance(each, Unreadable)}


def test_images_of_nested_folders_come_in_order_with_hash_and_size(tmp_path: Path) -> None:
    names = ["b/2.png", "b/10.jpg", "a.bmp", "c/d/e.webp", "c.gif", "d.tiff"]
    for seed, name in enumerate(names):
        save(tmp_path / name, seed)
    source = open_source(tmp_path)
    items = found(source)
    assert source.kind == "images"
    assert list(items) == ["a.bmp", "b/10.jpg", "b/2.png", "c/d/e.webp", "c.gif", "d.tiff"]
    for name, item in items.items():
        assert item.hash == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert (item.content, item.meta["width"], item.meta["height"]) == (name, 32, 32)
    assert reasons(source) == {}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_images_of_every_mode_are_read(tmp_path: Path, mode: str) -> None:
    image = picture(0).convert("L").convert("I").convert("I;16") if mode == "I;16" else picture(0).convert(mode)
    image.save(tmp_path / "a.png")
    assert len(found(open_source(tmp_path))["a.png"].meta["thumbnail"]) == 128


def test_what_is_no_image_has_a_reason_and_the_rest_is_read(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.png").touch()
    (tmp_path / "cut.png").write_bytes(save(tmp_path / "x.png", 1).read_bytes()[:600])
    (tmp_path / "cut.jpg").write_bytes(save(tmp_path / "x.jpg", 1).read_bytes()[:-200])
    save(tmp_path / ".hidden.png")
    save(tmp_path / ".git" / "a.png")
    outside = save(tmp_path.parent / f"{tmp_path.name}-outside" / "a.png")
    (tmp_path / "outside.png").symlink_to(outside)
    (tmp_path / "outside").symlink_to(outside.parent)
    (tmp_path / "within.png").symlink_to(good)
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "none")
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    source = open_source(tmp_path)
    assert list(found(source)) == ["good.png", "within.png", "x.jpg", "x.png"]
    expected = {
        ".git": "hidden folder",
        ".hidden.png": "hidden file",
        "cut.jpg": "damaged",
        "cut.png": "damaged",
        "empty.png": "empty",
        "loop": "own place",
        "notes.txt": "no image",
        "nowhere.png": "nowhere",
        "outside": "outside",
        "outside.png": "outside",
        "pipe.png": "no plain file",
        "self.png": "itself",
    }
    assert list(reasons(source)) == list(expected)
    assert {name: text for name, text in expected.items() if text not in reasons(source)[name]} == {}


def test_the_content_and_not_the_name_says_what_a_file_is(tmp_path: Path) -> None:
    save(tmp_path / "a.png").rename(tmp_path / "a.txt")
    assert list(found(open_source(tmp_path))) == ["a.txt"]


def test_an_image_of_too_many_pixels_is_named_before_it_is_decoded(tmp_path: Path) -> None:
    content = save(tmp_path / "a.png").read_bytes()
    for side in (10_000, 100_000):  # a header that says a size which its pixels do not have
        header = b"IHDR" + struct.pack(">II", side, side) + content[24:29]
        large = content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
        (tmp_path / f"{side}.png").write_bytes(large)
    found_reasons = reasons(open_source(tmp_path))
    assert list(found_reasons) == ["10000.png", "100000.png"]
    assert all("pixels" in each for each in found_reasons.values())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    shutil.copy(save(tmp_path / "a.png"), os.fsencode(tmp_path) + b"/caf\xe9.png")
    assert "UTF-8" in reasons(open_source(tmp_path))["caf\\udce9.png"]


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that everybody can open, and a user who may read only what he is allowed to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    is_root = os.geteuid() == 0
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        for each in folder.rglob("*"):
            each.chmod(0o755)
        shutil.rmtree(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_what_may_not_be_read_is_named(as_nobody: Path) -> None:
    save(as_nobody / "a.png").chmod(0)
    save(as_nobody / "b" / "b.png")
    (as_nobody / "b").chmod(0)
    save(as_nobody / "c.png").chmod(0o644)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    source = open_source(as_nobody)
    assert list(found(source)) == ["c.png"]
    assert list(reasons(source)) == ["a.png", "b"]


def test_an_image_is_described_as_it_is_seen(tmp_path: Path) -> None:
    upright = picture(0).resize((40, 20))
    upright.save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png", exif=exif)
    one, other = found(open_source(tmp_path)).values()
    assert one.hash != other.hash
    assert one.meta == other.meta
    assert (one.meta["width"], one.meta["height"]) == (40, 20)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert found(open_source(tmp_path))["a.png"].meta["thumbnail"] == "ff" * 64


def test_images_of_numbers_without_a_range_are_named(tmp_path: Path) -> None:
    Image.new("F", (16, 16), 0.5).save(tmp_path / "a.tiff")
    assert "mode 'F'" in reasons(open_source(tmp_path))["a.tiff"]


def test_folders_are_labels_where_they_are_classes_and_asked_for(tmp_path: Path) -> None:
    names = ["cat/a.png", "dog/pups/b.png", "cat/dog/c.png", "other/d.png", "e.png"]
    for seed, name in enumerate(names):
        save(tmp_path / name, seed)
    items = found(open_source(tmp_path, label="folder", classes=["cat", "dog"]))
    assert [items[name].label for name in names] == ["cat", "dog", "dog", None, None]
    assert [name for name in names if "label_reason" in items[name].meta] == ["other/d.png", "e.png"]
    assert {each.label for each in found(open_source(tmp_path, classes=["cat", "dog"])).values()} == {None}
    every = found(open_source(tmp_path, label="folder"))
    assert [every[name].label for name in names] == ["cat", "pups", "dog", "other", None]


@pytest.mark.parametrize("option", ["text", "features", "id", "label"])
def test_a_folder_has_no_columns(tmp_path: Path, option: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(tmp_path, **{option: ["a"] if option == "features" else "a"})  # type: ignore[arg-type]
    assert caught.value.argument == option


def test_a_picture_that_was_stored_again_is_a_near_duplicate(tmp_path: Path) -> None:
    for seed in range(12):
        save(tmp_path / f"{seed:02}.png", seed)
    picture(3).save(tmp_path / "again.jpg", quality=75)
    picture(5, 64).save(tmp_path / "larger.png")
    items = list(found(open_source(tmp_path)).values())
    groups = group_items(find_links("images", [each.meta["thumbnail"] for each in items]))
    assert groups == [*range(12), 3, 5]


def test_nothing_in_the_folder_is_changed(tmp_path: Path) -> None:
    save(tmp_path / "a" / "a.png")
    before = sorted((str(each), each.stat().st_mtime_ns) for each in tmp_path.rglob("*"))
    list(open_source(tmp_path))
    assert sorted((str(each), each.stat().st_mtime_ns) for each in tmp_path.rglob("*")) == before
