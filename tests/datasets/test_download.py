import errno
import os

import pytest

from lindley.datasets.download import fetch_file
from lindley.errors import DataError

FAULTS = {
    "truncated": "is truncated",
    "broken-off": "broke off",
    "altered": "is altered: the sha256",
    "page": "no gzip file",
    "empty": "is altered: it unpacks to 0 bytes",
    "missing": "answered HTTP 404",
    "large": "sends more than",
    "bomb": "unpacks to more than",
}


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("good_mirror", ["good", "recompressed", "chunked"])
def test_mirrors_are_tried_in_turn_until_a_good_copy_comes(mirrors, small_file, content, tmp_path, good_mirror):
    order = [*FAULTS, good_mirror, "good"]
    target = tmp_path / "small" / "images-idx3-ubyte.gz"
    assert fetch_file(small_file(*map(mirrors.folder, order)), target) == content
    assert mirrors.asked == order[:-1]
    assert left_in(tmp_path) == [target.name]


@pytest.mark.parametrize(("behaviour", "fault"), FAULTS.items())
def test_a_bad_mirror_is_named_with_its_fault_and_leaves_nothing(mirrors, small_file, tmp_path, behaviour, fault):
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(mirrors.folder(behaviour)), tmp_path / "images.gz")
    assert mirrors.folder(behaviour) + "images-idx3-ubyte.gz" in str(caught.value)
    assert fault in str(caught.value)
    assert left_in(tmp_path) == []


def test_when_all_mirrors_are_bad_each_has_its_line(mirrors, small_file, tmp_path):
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(*map(mirrors.folder, FAULTS)), tmp_path / "images.gz")
    lines = str(caught.value).splitlines()
    assert len(lines) == len(FAULTS)
    for line, (behaviour, fault) in zip(lines, FAULTS.items(), strict=True):
        assert f"/{behaviour}/" in line
        assert fault in line


def test_a_mirror_that_falls_silent_is_given_up(mirrors, small_file, content, tmp_path):
    file = small_file(mirrors.folder("silent"), mirrors.folder("good"))
    assert fetch_file(file, tmp_path / "images.gz", timeouts=(2.0, 0.2)) == content
    assert mirrors.asked == ["silent", "good"]
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(mirrors.folder("silent")), tmp_path / "images.gz", timeouts=(2.0, 0.2))
    assert caught.value.path == tmp_path / "images.gz"
    assert mirrors.asked == ["silent", "good", "silent"]


@pytest.mark.parametrize("behaviour", ["dripping", "dripping-headers"])
def test_a_mirror_that_drips_is_given_up_after_the_stated_time(mirrors, small_file, content, tmp_path, behaviour):
    file = small_file(mirrors.folder(behaviour), mirrors.folder("good"))
    assert fetch_file(file, tmp_path / "images.gz", max_seconds=0.5) == content
    assert mirrors.asked == [behaviour, "good"]
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(mirrors.folder(behaviour)), tmp_path / "other.gz", max_seconds=0.5)
    assert caught.value.path == tmp_path / "other.gz"
    assert mirrors.asked == [behaviour, "good", behaviour]
    assert left_in(tmp_path) == ["images.gz"]


@pytest.mark.parametrize("behaviour", ["loop", "long", "short", "no-number", "page"])
def test_after_a_bad_header_the_next_mirror_is_tried(mirrors, small_file, content, tmp_path, behaviour):
    file = small_file(mirrors.folder(behaviour), mirrors.folder("good"))
    assert fetch_file(file, tmp_path / "images.gz") == content
    assert left_in(tmp_path) == ["images.gz"]


def test_a_mirror_that_is_not_there_is_named(no_server, small_file, tmp_path):
    with pytest.raises(DataError, match=f"{no_server}images-idx3-ubyte.gz"):  # golden message: the address
        fetch_file(small_file(no_server), tmp_path / "images.gz")


def test_an_older_file_stays_whole_while_fetching_fails(mirrors, small_file, tmp_path):
    target = tmp_path / "images.gz"
    target.write_bytes(b"older")
    with pytest.raises(DataError):
        fetch_file(small_file(mirrors.folder("truncated")), target)
    assert target.read_bytes() == b"older"


def test_a_folder_that_cannot_be_made_is_named_and_no_mirror_asked(mirrors, small_file, tmp_path):
    (tmp_path / "occupied").write_text("a file")
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(mirrors.folder("good")), tmp_path / "occupied" / "images.gz")
    assert caught.value.path == tmp_path / "occupied" / "images.gz"
    assert mirrors.asked == []


def test_a_full_disk_is_said_and_leaves_nothing(mirrors, small_file, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as caught:
        fetch_file(small_file(mirrors.folder("good"), mirrors.folder("good")), tmp_path / "images.gz")
    assert caught.value.path == tmp_path / "images.gz"
    assert mirrors.asked == ["good"]
    assert left_in(tmp_path) == []


def test_progress_is_shown_on_standard_error(mirrors, small_file, tmp_path, capsys):
    fetch_file(small_file(mirrors.folder("good")), tmp_path / "images.gz")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"fetching {mirrors.folder('good')}images-idx3-ubyte.gz" in shown.err
