"""Study files that nobody should write: each is a study or one clear error, at once."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from lindley.errors import ConfigurationError
from lindley.study.config.schema import MAX_COUNT, Study
from lindley.study.config.study_files import load_study

INPUTS = int(os.environ.get("LINDLEY_FUZZ", "60"))
GOOD = """
title = "A study"
description = "Of all tables."
seeds = 3
first_seed = 0
data = { name = "two-moons", options = { num_pool = 60, num_test = 50, noise = 0.1 } }
pool = { subset = 50, duplicates = 2, class_imbalance = { "upper moon" = 0.5 }, label_noise = 0.1 }
model = { network = "moons-mlp", num_draws = 10, posterior = "mc-dropout" }
training = { steps = 30, epochs = 1, batch_size = 8, patience = 2, check_every = 10, class_weights = [1.0, 2.0] }
schedule = { initial_labels = 4, batch_size = 3, max_labels = 16, validation_labels = 3, candidates = 20, targets = 5 }
[acquisitions]
random = {}
bald = {}
batchbald = { num_configurations = 100 }
[observe]
information = { acquisition = "bald", labels = [7], picks = 5 }
transfer = { models = ["forest"], labels = [7], num_draws = 10 }
[[experiments]]
name = "one"
[[experiments]]
name = "two"
schedule = { batch_size = 9, max_labels = 16 }
acquisitions = { margin = {}, bald = {} }
"""
HOSTILE = (
    "0", "1", "-1", "1000000000000", "100000000", "9" * 5000, "1e400", "nan", "inf", "true", '""', '"\\u001b[31m"',
    '"../x"', "[]", "{}", "[[[[[1]]]]]", "[" * 5000, "1979-05-27", "{ a = 1 }", '"' + "x" * 10_000 + '"',
    "0x" + "f" * 5000,
)  # fmt: skip


def _load(path: Path) -> Study | str:
    """The study, or the message of the error, which shows what came and runs nowhere."""
    try:
        return load_study(path)
    except ConfigurationError as error:
        said = str(error)
    assert len(said) < 100_000
    assert "\x1b" not in said
    return said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_the_study_that_is_damaged_here_is_one(path: Path) -> None:
    path.write_text(GOOD)
    assert isinstance(_load(path), Study)


def test_any_damage_gives_a_study_or_one_clear_error(path: Path) -> None:
    values = [match.span(1) for match in re.finditer(r'= (\{[^}]*\}|\[[^\]]*\]|"[^"]*"|[\w.-]+)', GOOD)]
    values += [match.span(1) for match in re.finditer(r"\w = ([\w.-]+)", GOOD)]
    for number in range(INPUTS):
        rng = random.Random(number)
        if rng.random() < 0.6:
            start, end = rng.choice(values)
            content = (GOOD[:start] + rng.choice(HOSTILE) + GOOD[end:]).encode()
        else:
            place, junk = rng.randrange(len(GOOD)), rng.choice([b"\xff", b"\x00", b"[", b'"', b"a.b", b"\n[x]\n", b"="])
            content = GOOD[:place].encode() + junk + GOOD[place + rng.randrange(3) :].encode()
        path.write_bytes(content)
        _load(path)


@pytest.mark.parametrize(
    "text",
    [
        "x=" + "[" * 100_000,
        "x=" + "9" * 5000,
        "a." * 50_000 + "b = 1",
        "title = " + "[" * 100 + "]" * 100,
        "title = " + '"' + "x" * (5 << 20) + '"',
    ],
    ids=["nesting", "digits", "format_key", "lists", "size"],
)
def test_what_no_reader_takes_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    assert isinstance(_load(path), str)


def test_what_a_name_would_do_to_a_terminal_is_shown_in_the_error(path: Path) -> None:
    path.write_text(GOOD.replace('name = "one"', 'name = "\\u001b[31m"'))
    assert "experiments[\\x1b[31m]" in str(_load(path))


def test_what_is_no_file_of_text_is_refused(path: Path) -> None:
    path.write_bytes(b"title = '\xff'")
    assert "it is not UTF-8 text" in str(_load(path))
    path.unlink()
    os.mkfifo(path)
    assert "it is not a plain file" in str(_load(path))
    path.unlink()
    path.mkdir()
    assert "cannot be read" in str(_load(path))


COUNTS = [
    "seeds", "subset", "duplicates", "num_draws", "steps", "epochs", "training.batch_size", "patience", "check_every",
    "initial_labels", "schedule.batch_size", "max_labels", "validation_labels", "candidates", "targets",
    "num_configurations", "picks", "num_pool", "num_test", "first_seed",
]  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_beyond_its_limit_is_refused_at_once(path: Path, name: str) -> None:
    table, _, key = name.rpartition(".")
    where = rf"({table} = .*?\b{key} = )\d+" if table else rf"(\b{key} = )\d+"
    path.write_text(re.sub(where, rf"\g<1>{10**18}", GOOD, count=1))
    said = _load(path)
    assert isinstance(said, str)
    assert key in said


def test_counts_at_the_command_line_have_the_same_limits(path: Path) -> None:
    path.write_text(GOOD)
    for overrides in ({"seeds": 10**8}, {"max_labels": 10**12}, {"max_labels": MAX_COUNT}):
        with pytest.raises(ConfigurationError) as caught:
            load_study(path, **overrides)
        assert any(each.argument.endswith(*overrides) for each in (caught.value, *caught.value.errors))


def test_more_labels_than_rows_are_refused_whatever_the_options_of_the_data(path: Path) -> None:
    plain = re.sub(r"(?m)^pool = .*$", "", GOOD).split("[[experiments]]")[0]
    path.write_text(plain.replace("max_labels = 16", "max_labels = 61"))
    assert "must be at most 60, the rows of two-moons" in str(_load(path))


@pytest.mark.parametrize("name", ["bald", "batchbald", "epig", "mean-std", "power-bald", "2-bald", "logdet"])
def test_one_draw_is_refused_where_draws_are_compared(path: Path, name: str) -> None:
    plain = GOOD.split("[observe]")[0].replace("num_draws = 10", "num_draws = 1")
    path.write_text(
        plain.replace("bald = {}\n", "", 1).replace("batchbald = { num_configurations = 100 }", f'"{name}" = {{}}')
    )
    assert f"model.num_draws must be at least 2, since {name} compares draws" in str(_load(path))
    path.write_text(path.read_text().replace(f'"{name}" = {{}}', "margin = {}"))
    assert isinstance(_load(path), Study)
