import logging

import pytest

from lindley.datasets.data_folders import find_file, read_or_fetch
from lindley.errors import DataError


@pytest.fixture
def put(tmp_path):
    """Puts bytes at small/images-idx3-ubyte.gz of a folder, and gives the folder."""

    def write(folder, data):
        path = tmp_path / folder / "small" / "images-idx3-ubyte.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        return tmp_path / folder

    return write


def test_data_dir_comes_before_the_variable_and_the_cache(cache, put, good, content, altered, small_file, monkeypatch):
    monkeypatch.setenv("LINDLEY_DATA", str(put("variable", altered)))
    put("cache", altered)
    own = put("own", good)
    assert read_or_fetch(small_file(), data_dir=own, download=False) == content
    assert find_file(small_file(), own) == own / "small" / "images-idx3-ubyte.gz"


def test_the_variable_comes_before_the_cache(cache, put, good, content, altered, small_file, monkeypatch, tmp_path):
    monkeypatch.setenv("LINDLEY_DATA", str(put("variable", good)))
    put("cache", altered)
    (tmp_path / "without").mkdir()
    assert read_or_fetch(small_file(), data_dir=tmp_path / "without", download=False) == content


def test_the_cache_is_used_without_a_network(cache, put, good, content, small_file):
    put("cache", good)
    assert read_or_fetch(small_file(), data_dir=None, download=False) == content


def test_a_missing_file_is_fetched_into_the_cache_once(cache, mirrors, content, small_file):
    file = small_file(mirrors.folder("good"))
    assert find_file(file, None) is None
    assert [read_or_fetch(file, data_dir=None, download=True) for _ in range(2)] == [content] * 2
    assert mirrors.asked == ["good"]
    assert find_file(file, None) == cache / file.path


@pytest.mark.parametrize("place", ["data_dir", "variable"])
def test_a_damaged_file_of_the_users_own_is_refused_and_left_alone(
    cache, put, mirrors, good, small_file, monkeypatch, place
):
    own = put("own", good[:-1])
    if place == "variable":
        monkeypatch.setenv("LINDLEY_DATA", str(own))
    with pytest.raises(DataError) as caught:
        read_or_fetch(small_file(mirrors.folder("good")), data_dir=own if place == "data_dir" else None, download=True)
    assert caught.value.path == own / "small" / "images-idx3-ubyte.gz"
    assert (own / "small" / "images-idx3-ubyte.gz").read_bytes() == good[:-1]
    assert mirrors.asked == []


def test_a_damaged_file_in_the_cache_is_set_aside_said_and_fetched_anew(
    cache, put, mirrors, altered, content, good, small_file, caplog
):
    put("cache", altered)
    file = small_file(mirrors.folder("good"))
    with caplog.at_level(logging.WARNING, "lindley"):
        assert read_or_fetch(file, data_dir=None, download=True) == content
    assert f"{cache / file.path} is altered" in caplog.text
    assert (cache / file.path).read_bytes() == good
    assert (cache / f"{file.path}.damaged").read_bytes() == altered


def test_a_damaged_file_in_the_cache_is_refused_where_nothing_may_be_fetched(cache, put, altered, small_file):
    put("cache", altered)
    with pytest.raises(DataError) as caught:
        read_or_fetch(small_file(), data_dir=None, download=False)
    assert caught.value.path == cache / small_file().path
    assert (cache / small_file().path).read_bytes() == altered


def test_without_file_and_network_one_error_names_places_mirrors_and_what_to_do(
    cache, small_file, tmp_path, monkeypatch, mirrors, no_server
):
    for name in ("own", "variable"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("LINDLEY_DATA", str(tmp_path / "variable"))
    file = small_file(no_server, mirrors.folder("missing"))
    with pytest.raises(DataError) as caught:
        read_or_fetch(file, data_dir=tmp_path / "own", download=True)
    message = str(caught.value)
    for place in ("own", "variable", "cache"):
        assert str(tmp_path / place / file.path) in message
    for address in file.addresses:
        assert address in message
    assert "--data-dir" in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_where_nothing_may_be_fetched_no_mirror_is_asked(cache, mirrors, small_file):
    with pytest.raises(DataError) as caught:
        read_or_fetch(small_file(mirrors.folder("good")), data_dir=None, download=False)
    assert caught.value.path == small_file().path
    assert mirrors.asked == []


@pytest.mark.parametrize("place", ["data_dir", "variable"])
def test_a_data_folder_that_is_not_there_is_refused_before_fetching(
    cache, mirrors, small_file, tmp_path, monkeypatch, place
):
    missing = tmp_path / "misspelt"
    if place == "variable":
        monkeypatch.setenv("LINDLEY_DATA", str(missing))
    with pytest.raises(DataError) as caught:
        read_or_fetch(
            small_file(mirrors.folder("good")), data_dir=missing if place == "data_dir" else None, download=True
        )
    assert caught.value.path == missing
    assert mirrors.asked == []
