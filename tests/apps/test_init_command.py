"""`lindley init` with options that cannot be: one line each, and no project."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lindley.apps.cli import app


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--acquisition", "nosuch", "nosuch"),
        ("--acquisition", "epig", "targets"),
        ("--target", "0", "target"),
        ("--target", "100", "target"),
        ("--target", "nan", "target"),
    ],
)
def test_a_setting_that_cannot_be_ends_with_one_line_and_makes_no_project(
    tmp_path: Path, option: str, value: str, named: str
) -> None:
    (tmp_path / "texts.csv").write_text("text\none text\nanother text\n", encoding="utf-8")
    arguments = ["init", str(tmp_path / "texts.csv"), "--text", "text", "--classes", "a,b", "--to", str(tmp_path / "P")]
    result = CliRunner().invoke(app, [*arguments, option, value])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert named in result.stderr
    assert not (tmp_path / "P").exists()
