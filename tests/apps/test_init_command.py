"""`lindley init` and `lindley add`: what they say of a source, and which options they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lindley.apps.cli import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(["text", *texts]) + "\n", encoding="utf-8")
    return path


def init(folder: Path, texts: list[str], *options: object) -> Result:
    source = write(folder / "texts.csv", texts)
    return run("init", source, "--text", "text", "--classes", "cat,dog", "--to", folder / "pets", *options)


def test_copies_are_named_with_what_they_are_copies_of(tmp_path: Path) -> None:
    made = init(tmp_path, ["one two", "three four", "one two", "five six", "three four"])
    assert made.exit_code == 0, made.output
    assert "5 entries: 3 items, 2 copies, 0 unreadable." in made.stdout
    assert "texts.csv, line 4: a copy of texts.csv, line 2\n" in made.stderr
    assert "texts.csv, line 6: a copy of texts.csv, line 3\n" in made.stderr
    more = run("add", tmp_path / "pets", write(tmp_path / "more.csv", ["seven eight", "five six"]))
    assert "more.csv, line 3: a copy of texts.csv, line 5\n" in more.stderr


def test_of_many_copies_the_first_are_named(tmp_path: Path) -> None:
    made = init(tmp_path, ["one two", "three four", *["one two"] * 25])
    assert made.stderr.count("a copy of texts.csv, line 2") == 10
    assert "… and 15 more" in made.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--target", 200), ("--target", 0), ("--acquisition", "margn"), ("--acquisition", "epig")]
)
def test_a_wrong_value_is_refused_by_its_option_and_makes_nothing(tmp_path: Path, option: str, value: object) -> None:
    made = init(tmp_path, ["one two", "three four"], option, value)
    assert (made.exit_code, made.stdout) == (2, "")
    assert made.stderr.startswith(f"lindley: {option} must")
    assert not (tmp_path / "pets").exists()
