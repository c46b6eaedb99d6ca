"""The settings of a project: what cannot be used is named by its key, with what was needed and what came."""

from __future__ import annotations

from pathlib import Path

import pytest

from lindley.errors import ConfigurationError
from lindley.labelling.settings import FILE_NAME, ProjectSettings, build_settings, read_settings, write_settings


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    settings = ProjectSettings(kind="rows", columns=("a", 'b "c"'), target=0.9, acquisition="margin")
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings


def test_a_key_that_is_not_known_is_named_with_the_nearest_and_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(write(tmp_path, 'kind = "text"\nbatchsize = 5\n'))
    assert (caught.value.argument, caught.value.path) == ("batchsize", tmp_path / FILE_NAME)
    assert str(tmp_path / FILE_NAME) in str(caught.value)
    assert str(caught.value).endswith('Did you mean "batch_size"?')


@pytest.mark.parametrize(
    ("text", "key", "got", "said"),
    [
        ('kind = "txt"', "kind", "txt", 'Did you mean "text"?'),
        ('kind = "text"\nacquisition = "margn"', "acquisition", "margn", 'Did you mean "margin"?'),
        ('kind = "text"\nacquisition = "epig"', "acquisition", "epig", "targets"),
        ('kind = "text"\nbatch_size = 0', "batch_size", 0, "greater than or equal to 1; got 0."),
        ('kind = "text"\nseed = true', "seed", True, "must be a valid integer; got True."),
        ('kind = "text"\nbatch_size = "10"', "batch_size", "10", "must be a valid integer; got '10'."),
        ('kind = "text"\ntarget = 90', "target", 90, "less than 1; got 90."),
        ('kind = "text"\nlease_seconds = inf', "lease_seconds", float("inf"), "finite"),
        ('kind = "rows"\ncolumns = ["a", 3]', "columns[1]", 3, "must be a valid string; got 3."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_needed(
    tmp_path: Path, text: str, key: str, got: object, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(write(tmp_path, text))
    assert (caught.value.argument, caught.value.got) == (key, got)
    assert said in str(caught.value)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build_settings({"sed": 1, "batch_size": 0})
    assert [each.argument for each in caught.value.errors] == ["sed", "kind", "batch_size"]


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(write(tmp_path, "kind = \n"))
    assert caught.value.path == tmp_path / FILE_NAME
