"""Whatever happens to a study's files, a reader raises only errors of its own, and nothing damaged counts.

As many damages as LINDLEY_FUZZ says, where it is set.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import journal_fakes as fakes
import pytest

from lindley.errors import LindleyError
from lindley.session.failures import record_failure
from lindley.session.journal_file import chain_hash
from lindley.session.locks import find_holder
from lindley.session.manifest import _digest
from lindley.study import Study, study_status, write_report
from lindley.study.comparison.outputs import as_json, compare, csv_rows, tables
from lindley.study.read_results import load_results
from lindley.study.report.claims import judge_claims
from lindley.study.report.run_details import (
    describe_continuations,
    describe_excluded,
    describe_label_counting,
    describe_unfinished,
    environments_table,
    settings_table,
)
from lindley.study.report.tables import EXPERIMENT_TABLES
from lindley.study.report.tables_queried import minority_recall_table, query_kinds_table
from lindley.study.results import TrialResults

INPUTS = int(os.environ.get("LINDLEY_FUZZ", "140"))
NAMES = ("journal.jsonl", "manifest.json", "failed.json", "study.json")
HOSTILE: list[Any] = [
    None, True, -1, 0, 7, 10**30, 1e308, "", "x", "\ud800", "\x1b[31m", "../../x", [], [[]], {}, {"a": {}}, [None],
]  # fmt: skip


@pytest.fixture(scope="module")
def study() -> Study:
    table = fakes.experiment_table("digits", ["random", "margin", "bald"], seeds=2, max_labels=100, pool=fakes.RARE)
    return fakes.make_study(table)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, study: Study) -> Path:
    """Six finished trials, one of which has failed once."""
    out = tmp_path_factory.mktemp("whole")
    fakes.write_study(out, study, accuracy=fakes.rising, more=fakes.fake_asked)
    record_failure(next(out.glob("trials/*/bald/seed-1-*")), "diverged")
    return out


def _show_everything(out: Path) -> tuple[list[TrialResults], str]:
    """All that status, compare and report say of a folder, but for the figures: the trials that count, and what is said
    of the others."""
    status = study_status(out)
    assert all(trial.error is None or isinstance(trial.error, str) for trial in status.trials)
    results = load_results(out, check_arrays=True)
    found = compare(results)
    json.dumps(as_json(found), allow_nan=False)
    csv_rows(found)
    for each in found:
        tables(each)
    judge_claims(results)
    for experiment in (experiment for experiment in results.experiments if experiment.trials):
        for make in (*EXPERIMENT_TABLES.values(), query_kinds_table, minority_recall_table):
            make(experiment)
    for say in (
        settings_table,
        environments_table,
        describe_continuations,
        describe_label_counting,
        describe_excluded,
        describe_unfinished,
    ):
        say(results)
    return [trial for experiment in results.experiments for trial in experiment.trials], " ".join(
        describe_excluded(results) + describe_unfinished(results)
    )


def _flip(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([rng.randrange(256)]) + content[place + 1 :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def _insert(content: bytes, rng: random.Random) -> bytes:
    junk = [
        b"[" * 5000,
        b"9" * 5000,
        b"\xff\xfe",
        b"\x00" * 40,
        b'{"a":' * 3000,
        b"\n",
        b"NaN",
        b"-1e999",
        b"\\ud800",
        b"{}\n",
    ]
    place = rng.randrange(len(content) + 1)
    return content[:place] + rng.choice(junk) + content[place:]


def _swap_lines(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


RAW = (_flip, _flip, _cut, _insert, _insert, _swap_lines)


def _raw_damage(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.choice(RAW)(path.read_bytes(), rng))


def _of_another_kind(path: Path, rng: random.Random) -> None:
    path.unlink()
    rng.choice(
        [
            path.mkdir,
            lambda: os.mkfifo(path),
            lambda: path.write_bytes(b""),
            lambda: os.truncate(_made(path), 2 << 30),
        ]
    )()


def _made(path: Path) -> Path:
    path.touch()
    return path


def _wrong_type(value: Any, rng: random.Random) -> Any:
    """The JSON value with one part of it, at any depth, replaced or missing."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or rng.random() < 0.2:
        return rng.choice(HOSTILE)
    key, copy = rng.choice(keys), value.copy()
    if rng.random() < 0.15:
        del copy[key]
    else:
        copy[key] = _wrong_type(value[key], rng)
    return copy


def _wrong_types(path: Path, rng: random.Random) -> None:
    """One part of a line of a journal, or of another file, with checks that fit."""
    lines = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
    place = rng.randrange(len(lines))
    values = [json.loads(line) for line in lines]
    values[place] = _wrong_type(values[place], rng)
    if path.suffix == ".jsonl":
        _check_again(values)
    elif path.name == "manifest.json" and isinstance(values[0], dict) and rng.random() < 0.5:
        values[0].pop("check", None)
        values[0] = {**values[0], "check": _digest(values[0])}
    path.write_text("\n".join(json.dumps(each) for each in values) + "\n")


def _check_again(values: list[Any]) -> None:
    """Give each event the check that fits to it and to those before it."""
    before = ""
    for each in values:
        if isinstance(each, dict):
            each.pop("check", None)
            try:
                before = each["check"] = chain_hash(each, before)
            except (UnicodeError, ValueError, TypeError):
                each["check"] = ""


DAMAGES: tuple[Callable[[Path, random.Random], None], ...] = (
    _raw_damage,
    _raw_damage,
    _wrong_types,
    _wrong_types,
    _of_another_kind,
)


def _damaged(whole: Path, folder: Path, number: int) -> tuple[Path, Path, Callable[..., None]]:
    """A copy of the study with one file damaged: the copy, the file, and how."""
    rng = random.Random(number)
    out = folder / f"study-{number}"
    shutil.copytree(whole, out)
    name = rng.choice((NAMES[0],) * 5 + (NAMES[1],) * 3 + NAMES[2:])
    path = out / name if name == "study.json" else rng.choice(sorted(out.glob(f"trials/*/*/*/{name}")))
    damage = rng.choice(DAMAGES)
    damage(path, rng)
    return out, path, damage


@pytest.mark.parametrize("part", range(4))
def test_no_damage_is_met_with_anything_but_an_error_of_ours_and_none_counts(
    tmp_path: Path, whole: Path, part: int
) -> None:
    """A journal whose bytes were changed counts at most as far as it is what was written."""
    written = {trial.folder.name: [each.fit for each in trial.rounds] for trial in _show_everything(whole)[0]}
    for number in range(part, INPUTS, 4):
        out, path, damage = _damaged(whole, tmp_path, number)
        try:
            trials, said = _show_everything(out)
        except LindleyError:
            assert path.name == "study.json", f"damage {number} of {path.name} stopped everything"
            continue
        finally:
            find_holder(path)
            shutil.rmtree(out)
        for trial in trials:
            if path.name != "study.json" and not (damage is _wrong_types and path.is_relative_to(trial.folder)):
                rounds = [each.fit for each in trial.rounds]
                assert rounds == written[trial.folder.name][: len(rounds)], f"damage {number} of {path.name} counts"
        if path.name != "study.json":
            lost = written.keys() - {trial.folder.name for trial in trials}
            assert lost <= {path.parent.name}, f"damage {number} of {path.name} took other trials with it"
            assert not lost or path.parent.name in said or "no round yet" in said, f"damage {number} is not told"


@pytest.mark.parametrize("name", ["journal.jsonl", "manifest.json"])
def test_a_report_is_written_without_a_trial_that_is_damaged_and_names_it(
    tmp_path: Path, whole: Path, name: str
) -> None:
    shutil.copytree(whole, tmp_path / "out")
    damaged = next((tmp_path / "out").glob(f"trials/*/bald/seed-1-*/{name}"))
    damaged.write_text("[" * 5000 + "\n")
    assert f"bald/{damaged.parent.name}: excluded" in write_report(tmp_path / "out").read_text()
