"""A user's own object: found beside the study file first, then in the environment."""

import hashlib
import sys

import pytest

from lindley.errors import ConfigurationError
from lindley.session.import_paths import import_object, is_import_path, source_sha256


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


def test_a_module_and_a_name_in_it_are_a_users():
    assert is_import_path("package.module:name")
    assert not any(
        map(is_import_path, ["gal-cnn", ":name", "module:", "my module:name", "module:two words", "a..b:name"])
    )


def test_an_object_beside_the_study_is_found_with_its_neighbours(folder):
    assert import_object("my_networks:small", folder=folder)() == 7


def test_the_import_path_is_left_as_it_was(folder):
    before = list(sys.path)
    import_object("my_networks:small", folder=folder)
    with pytest.raises(ConfigurationError):
        import_object("my_broken:small", folder=folder)
    assert sys.path == before


def test_an_installed_object_is_found():
    assert import_object("json.decoder:JSONDecoder", folder=None) is __import__("json").JSONDecoder


def test_the_source_of_an_object_is_known_by_its_hash_as_it_was_imported(folder):
    import_object("my_networks:small", folder=folder)
    before = source_sha256("my_networks:small")
    assert before == hashlib.sha256((folder / "my_networks.py").read_bytes()).hexdigest()
    (folder / "my_networks.py").write_text("def small():\n    return 8\n")
    assert source_sha256("my_networks:small") == before  # what runs is what was imported
    del sys.modules["my_networks"]
    import_object("my_networks:small", folder=folder)
    assert source_sha256("my_networks:small") != before


def test_a_module_without_a_file_has_no_hash():
    assert source_sha256("sys:path") is None


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("nowhere:small", "'nowhere'"),
        ("my_needy:small", "'there_is_no_such_package'"),
        ("my_broken:small", "ZeroDivisionError"),
        ("my_networks:large", "'small'"),
        ("my_networks:", None),
        (":small", None),
        ("my_networks:a b", None),
    ],
)
def test_an_object_that_cannot_be_loaded_is_named(folder, name, word):
    with pytest.raises(ConfigurationError, match=word) as caught:  # golden message: the cause
        import_object(name, folder=folder)
    assert caught.value.got == name


@pytest.mark.parametrize(("name", "by"), [("hashlib", r"hashlib\.py"), ("time", "the module time")])
def test_a_file_that_a_loaded_module_hides_is_refused_and_both_are_named(folder, name, by):
    (folder / f"{name}.py").write_text("mine = 1\n")
    with pytest.raises(ConfigurationError, match=rf"{name}\.py .*{by}"):  # golden message: both
        import_object(f"{name}:mine", folder=folder)


def test_a_package_of_another_folder_is_not_taken_for_this_ones(folder):
    for place, names in (("one", "ab"), ("two", "bc")):
        (folder / place / "my_models").mkdir(parents=True)
        (folder / place / "my_models/__init__.py").touch()
        for name in names:
            (folder / place / f"my_models/{name}.py").write_text(f"def made(): return {place!r}\n")
    assert import_object("my_models.a:made", folder=folder / "one")() == "one"
    for name in "bc":
        with pytest.raises(ConfigurationError) as caught:
            import_object(f"my_models.{name}:made", folder=folder / "two")
        assert caught.value.got == f"my_models.{name}:made"


def test_a_loaded_module_whose_file_is_gone_hides_one_of_its_name(folder):
    (folder / "two").mkdir()
    (folder / "two/my_broken.py").write_text("fine = 2\n")
    (folder / "my_broken.py").write_text("fine = 1\n")
    assert import_object("my_broken:fine", folder=folder) == 1
    (folder / "my_broken.py").unlink()
    with pytest.raises(ConfigurationError) as caught:
        import_object("my_broken:fine", folder=folder / "two")
    assert caught.value.got == "my_broken:fine"
