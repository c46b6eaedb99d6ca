"""A user's own object: found beside the study file first, then in the environment."""

import sys

import pytest

from lindley.errors import ConfigurationError
from lindley.loop.named import is_named, load_named


@pytest.fixture
def folder(tmp_path):
    """A study's folder with a module and its neighbour; what is imported from it is forgotten afterwards."""
    (tmp_path / "my_networks.py").write_text("from my_neighbour import SIZE\n\ndef small():\n    return SIZE\n")
    (tmp_path / "my_neighbour.py").write_text("SIZE = 7\n")
    (tmp_path / "my_broken.py").write_text("1 / 0\n")
    (tmp_path / "my_needy.py").write_text("import there_is_no_such_package\n")
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("my_")]:
        del sys.modules[name]


def test_a_name_with_a_colon_is_a_users():
    assert is_named("module:name")
    assert not is_named("gal-cnn")


def test_an_object_beside_the_study_is_found_with_its_neighbours(folder):
    assert load_named("my_networks:small", folder=folder)() == 7


def test_the_import_path_is_left_as_it_was(folder):
    before = list(sys.path)
    load_named("my_networks:small", folder=folder)
    with pytest.raises(ConfigurationError):
        load_named("my_broken:small", folder=folder)
    assert sys.path == before


def test_an_installed_object_is_found():
    assert load_named("json.decoder:JSONDecoder", folder=None) is __import__("json").JSONDecoder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:small", "no module 'nowhere' in .* or in the environment"),
        ("my_needy:small", "no module 'there_is_no_such_package'"),
        ("my_broken:small", "importing my_broken failed with ZeroDivisionError"),
        ("my_networks:large", r"has no 'large'; it has \['SIZE', 'small'\]"),
        ("my_networks:", "named 'package.module:name'; got 'my_networks:'"),
        (":small", "named 'package.module:name'; got ':small'"),
        ("my_networks:a b", "named 'package.module:name'"),
    ],
)
def test_what_cannot_be_loaded_is_said(folder, name, message):
    with pytest.raises(ConfigurationError, match=message):
        load_named(name, folder=folder)
