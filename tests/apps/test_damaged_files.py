"""Files with random damage: an error that names the file, or the choice of the undamaged one, never a traceback.

`LINDLEY_FUZZ=N` tries N of them instead of 200.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file
from typer.testing import CliRunner, Result

from lindley.apps.cli import app

NUM_FILES = int(os.environ.get("LINDLEY_FUZZ", "200"))
LOGITS = torch.randn(12, 4, 3, generator=torch.Generator().manual_seed(0))
IDS = [f"image {row}, ä.png" for row in range(12)]
NESTED = pa.list_(pa.list_(pa.float32()))
_TOKENS = (
    b"\0",
    b"\xff",
    b"-1",
    b"9" * 30,
    b"(" * 400,
    b"[" * 400,
    b"'",
    b'"',
    b"\n",
    b"PK\x01\x02",
    b"\x7f\xff\xff\xff",
)


@dataclass(frozen=True)
class Kind:
    """A kind of file, how it is written, what reads it, and whether damage lies in values that nothing protects.

    Of such values any choice is right.
    """

    name: str
    write: Callable[[Path], object]
    arguments: tuple[str, ...]
    values_differ: Callable[[bytes, bytes], bool]


def protected(whole: bytes, content: bytes) -> bool:
    return False


def text(whole: bytes, content: bytes) -> bool:
    return whole != content


def after_npy_header(whole: bytes, content: bytes) -> bool:
    return not content.endswith(whole[whole.index(b"\n") + 1 :])


def after_safetensors_header(whole: bytes, content: bytes) -> bool:
    return not content.endswith(whole[8 + int.from_bytes(whole[:8], "little") :])


def write_parquet(path: Path) -> None:
    table = pa.table({"id": IDS, "log_probs": pa.array(LOGITS.tolist(), NESTED)})
    parquet.write_table(table, path, row_group_size=5, write_page_checksum=True)


def write_table(path: Path, count: int = 12) -> None:
    path.write_text(
        "name,id\n" + "".join(f'{row},"{each}"\n' for row, each in enumerate(IDS[:count])), encoding="utf-8"
    )


PREDICTIONS = ("FILE", "--inputs", "logits")
NAMED = ("p.npy", "--inputs", "logits", "--ids", "FILE")
LABELLED = ("p.npy", "--inputs", "logits", "--ids", "ids.txt", "--exclude", "FILE")
KINDS = (
    Kind("a.npy", lambda path: np.save(path, LOGITS.numpy()), PREDICTIONS, after_npy_header),
    Kind("a.npz", lambda path: np.savez(path, logits=LOGITS, z=LOGITS), PREDICTIONS, protected),
    Kind("c.npz", lambda path: np.savez_compressed(path, logits=LOGITS, z=LOGITS), PREDICTIONS, protected),
    Kind("a.safetensors", lambda path: save_file({"logits": LOGITS}, path), PREDICTIONS, after_safetensors_header),
    Kind("a.parquet", write_parquet, PREDICTIONS, protected),
    Kind("i.txt", lambda path: path.write_text("\n".join(IDS), encoding="utf-8"), NAMED, text),
    Kind("i.csv", write_table, NAMED, text),
    Kind("x.csv", lambda path: write_table(path, 6), LABELLED, text),
    Kind("i.npy", lambda path: np.save(path, np.array(IDS)), NAMED, after_npy_header),
    Kind("i.npz", lambda path: np.savez_compressed(path, ids=np.array(IDS)), NAMED, protected),
    Kind("i.parquet", write_parquet, NAMED, protected),
)


def selected(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["select", *map(str, arguments), "--acquisition", "bald", "--batch-size", "3"])


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_a_damaged_file_is_named_or_read_as_if_it_were_whole(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("p.npy", LOGITS.numpy())
    Path("ids.txt").write_text("\n".join(IDS), encoding="utf-8")
    path = Path(kind.name)
    kind.write(path)
    whole = path.read_bytes()
    arguments = [str(path) if each == "FILE" else each for each in kind.arguments]
    right = selected(*arguments)
    assert right.exit_code == 0, right.stderr
    wrong = []
    for number in range(-(-NUM_FILES // len(KINDS))):
        content = damaged(whole, f"{kind.name} {number}")
        path.write_bytes(content)
        ran = selected(*arguments)
        if isinstance(ran.exception, SystemExit | None) and ran.exit_code in (1, 2) and kind.name in ran.stderr:
            continue
        if ran.exit_code == 0 and (ran.stdout == right.stdout or kind.values_differ(whole, content)):
            continue
        wrong.append(f"{number}: exit code {ran.exit_code}, {ran.exception!r}, {ran.stderr[-300:]}{ran.stdout}")
    assert not wrong, "\n".join(wrong)


def damaged(content: bytes, seed: str) -> bytes:
    """Return the content with one to three damages."""
    source = random.Random(seed)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        start = _place(source, len(content))
        content = _damages[source.randrange(len(_damages))](source, content, start)
    return content


def _place(source: random.Random, length: int) -> int:
    """Anywhere, but twice as often near the ends, where headers and tables of contents are."""
    near = min(length, 400)
    return source.choice(
        (source.randrange(length + 1), source.randrange(near + 1), length - source.randrange(near + 1))
    )


def _flip(source: random.Random, content: bytes, start: int) -> bytes:
    part = bytearray(content)
    if start < len(part):
        part[start] ^= 1 << source.randrange(8)
    return bytes(part)


def _overwrite(source: random.Random, content: bytes, start: int) -> bytes:
    new = source.choice((source.randbytes(source.randrange(1, 9)), source.choice(_TOKENS)))
    return content[:start] + new + content[start + len(new) :]


def _insert(source: random.Random, content: bytes, start: int) -> bytes:
    return (
        content[:start]
        + source.choice((source.randbytes(source.randrange(1, 9)), source.choice(_TOKENS)))
        + content[start:]
    )


def _remove(source: random.Random, content: bytes, start: int) -> bytes:
    return content[:start] + content[start + source.randrange(1, 65) :]


def _repeat(source: random.Random, content: bytes, start: int) -> bytes:
    part = content[start : start + source.randrange(1, 65)]
    return content[:start] + part * source.randrange(2, 5) + content[start + len(part) :]


def _move(source: random.Random, content: bytes, start: int) -> bytes:
    length, other = source.randrange(1, 65), source.randrange(len(content) + 1)
    return content[:other] + content[start : start + length] + content[other + length :]


def _truncate(source: random.Random, content: bytes, start: int) -> bytes:
    return content[:start]


_damages = (_flip, _flip, _overwrite, _overwrite, _insert, _remove, _repeat, _move, _truncate)
