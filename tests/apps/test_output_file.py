"""Where `--out` writes: through links and into pipes, refused before the work, and nothing half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lindley.apps.output_file import check_out, write_out
from lindley.errors import InputError


def test_a_folder_and_a_file_in_no_folder_are_refused(tmp_path: Path) -> None:
    check_out(None)
    check_out(tmp_path / "new.csv")
    for wrong in (tmp_path, tmp_path / "nowhere" / "new.csv"):
        with pytest.raises(InputError) as caught:
            check_out(wrong)
        assert (caught.value.argument, caught.value.got) == ("out", wrong)


def test_without_a_file_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    write_out(None, "a,b\n")
    assert capsys.readouterr().out == "a,b\n"


def test_a_link_stays_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    for text in ("first\n", "second\n"):
        write_out(tmp_path / "link.csv", text)
        assert (tmp_path / "real.csv").read_text() == text
    assert (tmp_path / "link.csv").is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.csv", "real.csv"]
    assert capsys.readouterr().err.count("Written to") == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_into_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_out(tmp_path / "pipe", "through\n")
    assert os.read(reader, 100) == b"through\n"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()
