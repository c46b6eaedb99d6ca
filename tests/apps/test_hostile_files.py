"""Files that lie about themselves, inflate without end, or are no files: refused at once, by name."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from typer.testing import CliRunner, Result

from lindley.apps.array_files import open_array
from lindley.apps.cli import app
from lindley.apps.id_files import read_ids
from lindley.apps.input_files import Location, name_file_in_errors
from lindley.errors import Argument, DataError, InputError

LOGITS = torch.randn(12, 4, 3, generator=torch.Generator().manual_seed(0)).numpy()
NAME = "logits.npy"
GIB = 1 << 30


def select(*arguments: object) -> Result:
    more = ["--acquisition", "bald", "--batch-size", "2"]
    return CliRunner().invoke(app, ["select", *map(str, arguments), *more])


def npy(shape: tuple[int, ...], data: bytes, descr: str = "<f4") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + data


def raw_npy(header: str) -> bytes:
    text = header.encode() + b" " * 10 + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + LOGITS.tobytes()


def zipped(*members: bytes, method: int = zipfile.ZIP_STORED) -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number, member in enumerate(members):
            archive.writestr(NAME if number == 0 else f"z{number}.npy", member)
    return bytearray(buffer.getvalue())


def altered(content: bytearray, offset: int, new: bytes, *, local: bool = False) -> bytes:
    """Alter the entry of the first member in the table of contents, or its header before the data."""
    start = content.index(b"PK\3\4" if local else b"PK\1\2") + offset
    content[start : start + len(new)] = new
    return bytes(content)


WHOLE = npy((12, 4, 3), LOGITS.tobytes())
OTHER = npy((200,), bytes(800))
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


ARCHIVES = {
    "more rows than it has": bytes(zipped(npy((14, 4, 3), LOGITS.tobytes()), OTHER)),
    "fewer rows than it has": bytes(zipped(npy((11, 4, 3), LOGITS.tobytes()), OTHER)),
    "more rows, compressed": bytes(zipped(npy((14, 4, 3), LOGITS.tobytes()), OTHER, method=DEFLATED)),
    "fewer rows, compressed": bytes(zipped(npy((11, 4, 3), LOGITS.tobytes()), OTHER, method=DEFLATED)),
    "an altered value": bytes(zipped(WHOLE)).replace(LOGITS.tobytes()[40:44], b"\0\0\xc8\x42"),
    "another checksum": altered(zipped(WHOLE), 16, b"\1\2\3\4"),
    "an unknown method": altered(zipped(WHOLE, method=DEFLATED), 10, b"\x61\0"),
    "encryption": altered(zipped(WHOLE), 8, b"\1\0"),
    "strong encryption": altered(zipped(WHOLE), 8, b"\x41\0"),
    "patches": altered(zipped(WHOLE), 8, b"\x20\0"),
    "a version that does not exist": altered(zipped(WHOLE), 6, b"\x63\0"),
    "a place beyond the file": altered(zipped(WHOLE), 42, b"\xff\xff\xff\x0f"),
    "another member's place": altered(zipped(WHOLE, OTHER), 42, struct.pack("<I", len(WHOLE))),
    "a length that reaches over the next": altered(
        zipped(npy((12, 4, 4), LOGITS.tobytes()), OTHER), 20, struct.pack("<II", 128 + 768, 128 + 768)
    ),
    "two lengths": altered(zipped(WHOLE), 20, struct.pack("<I", len(WHOLE) - 1)),
    "bzip2": bytes(zipped(WHOLE, method=zipfile.ZIP_BZIP2)),
    "lzma": bytes(zipped(WHOLE, method=zipfile.ZIP_LZMA)),
    "no array": bytes(zipped(b"nothing")),
}
SHAPES = (
    "(-12, 4, 3)",
    "(12, True, 12)",
    "(12, 4, " + "9" * 400 + ")",
    "(12, 4, 3, )" * 50,
    "(12,4,3",
    "-" * 9000 + "1",
)
HEADERS = [
    *(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}" for shape in SHAPES),
    "{'descr': '<U0', 'fortran_order': False, 'shape': (99999999999,), }",
    "{'descr': '" + "(" * 5000 + "', 'fortran_order': False, 'shape': (12, 4, 3), }",
    "[" * 9000,
    "\0" * 300,
]


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_that_lies_is_refused(tmp_path, what):
    path = tmp_path / "a.npz"
    path.write_bytes(ARCHIVES[what])
    with pytest.raises(DataError) as caught:
        open_array(Location(path, "logits"), "logits")
    assert caught.value.path == path


def test_an_archive_that_does_not_lie_is_read(tmp_path):
    for method in (STORED, DEFLATED):
        (tmp_path / "a.npz").write_bytes(zipped(WHOLE, OTHER, method=method))
        stored = open_array(Location(tmp_path / "a.npz", "logits"), "logits")
        assert torch.equal(stored.read(0, slice(0, 12)), torch.from_numpy(LOGITS))


def test_a_member_that_inflates_to_more_than_it_says_is_refused(tmp_path):
    """The length and the checksum are those of the beginning, which alone would pass."""
    content = zipped(WHOLE + bytes(1000), method=DEFLATED)
    lie = struct.pack("<I", zlib.crc32(WHOLE)), struct.pack("<I", len(WHOLE))
    altered(content, 16, lie[0])
    altered(content, 24, lie[1])
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_array(Location(tmp_path / "a.npz"), "logits")
    assert caught.value.path == tmp_path / "a.npz"


def test_a_member_that_lies_over_another_is_refused(tmp_path):
    """Both have the right length and checksum; one is part of the other's data, as in zip bombs."""
    inner = zipped(WHOLE)
    with zipfile.ZipFile(io.BytesIO(inner)) as archive:
        hidden = archive.getinfo(NAME)
    record = bytes(inner[: inner.index(b"PK\1\2")])
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("big.npy", npy((len(record),), record, "|u1"))
        hidden.header_offset = (30 + len("big.npy")) + 128
        archive.filelist.append(hidden)
    with pytest.raises(DataError) as caught:
        read_ids(f"{tmp_path / 'a.npz'}:big", Location(tmp_path / "a.npz"))
    assert caught.value.path == tmp_path / "a.npz"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr(NAME, WHOLE)
        archive.writestr(NAME, WHOLE)
    (tmp_path / "a.csv").write_text("id,label,id\na,b,c\n")
    with pytest.raises(InputError) as array:
        open_array(Location(tmp_path / "a.npz"), "logits")
    with pytest.raises(InputError) as column:
        read_ids(str(tmp_path / "a.csv"), Location(tmp_path / "a.npz"))
    assert (array.value.got, column.value.got) == ("logits", "id")


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_a_header_that_lies_is_damage(tmp_path, header, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(raw_npy(header) if suffix == ".npy" else zipped(raw_npy(header)))
    with pytest.raises(DataError) as array:
        open_array(Location(path), "logits")
    with pytest.raises(DataError) as ids:
        read_ids(str(path), Location(path))
    assert array.value.path == ids.value.path == path


@pytest.mark.parametrize("shape", [(14, 4, 3), (11, 4, 3)])
def test_a_header_with_another_number_of_rows_is_damage(tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(npy(shape, LOGITS.tobytes()))
    with pytest.raises(DataError) as caught:
        open_array(Location(tmp_path / "a.npy"), "logits")
    assert caught.value.path == tmp_path / "a.npy"


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), StopIteration(), zlib.error("x"), struct.error("x"), KeyError("x"),
              UnicodeDecodeError("utf-8", b"", 0, 1, "x"), OverflowError(), SyntaxError(), NotImplementedError(),
              RuntimeError(), OSError("x"), pa.ArrowInvalid("x")], ids=repr)  # fmt: skip
def test_whatever_a_reader_raises_names_the_file(error):
    with pytest.raises(DataError) as caught, name_file_in_errors(Path("a.npy")):
        raise error
    assert caught.value.path == Path("a.npy")


def test_an_input_error_keeps_its_fields_and_its_arguments_as_parts():
    error = InputError("say ", Argument("axes", "KNC"), argument="axes", got="NKC", rows=[3])
    with pytest.raises(InputError) as caught, name_file_in_errors(Path("a.npy")):
        raise error
    assert "a.npy" in caught.value.parts[0]
    assert (caught.value.argument, caught.value.got, caught.value.rows) == ("axes", "NKC", (3,))
    assert caught.value.arguments == ("axes",)


def test_errors_of_the_system_pass():
    with pytest.raises(PermissionError), name_file_in_errors(Path("a.npy")):
        raise PermissionError(13, "Permission denied")


def in_place_of(path: Path, what: str) -> socket.socket | None:
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(path.name)
        return server
    return None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("what", ["folder", "pipe", "device", "socket"])
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    np.save("p.npy", LOGITS)
    for suffix in (".npy", ".npz", ".safetensors", ".parquet", ".txt", ".csv", ".tsv"):
        name = f"x{suffix}"
        server = in_place_of(Path(name), what)
        for arguments in (
            [name], ["p.npy", "--ids", name], ["p.npy", "--exclude", name], ["p.npy", "--targets", name],
            ["p.npy", "--features", name], ["p.npy", "--labelled-features", name],
        ):  # fmt: skip
            ran = select(*arguments, "--inputs", "logits")
            assert (ran.exit_code, f"{name} is not a file" in ran.stderr) == (2, True), (arguments, ran.stderr)
        if server is not None:
            server.close()


def zeros_npz(path: Path, size: int) -> None:
    """An honest header before `size` zeros: blocks of deflate that follow each other."""
    head = npy((size // 48, 4, 3), b"")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = start + block * (size >> 24) + packer.flush()
    content = zipped(b"", method=STORED)
    entry = struct.pack("<HHHIII", DEFLATED, 0, 0, 0, len(data), len(head) + size)
    altered(content, 8, entry, local=True)
    altered(content, 10, entry)
    local = 30 + len(NAME)
    end = content.index(b"PK\5\6")
    content[end + 16 : end + 20] = struct.pack("<I", local + len(data))
    path.write_bytes(content[:local] + data + content[local:])


def repeated_parquet(path: Path, groups: int) -> None:
    """Groups of 20 rows, each of 2 x 250,000 equal numbers: 40 MB a group in memory, a few bytes in the file."""
    row = pa.array(np.full(500_000, np.log(1 / 2), "f4"))
    lists = pa.FixedSizeListArray.from_arrays(
        pa.FixedSizeListArray.from_arrays(pa.concat_arrays([row] * 20), 2), 250_000
    )
    table = pa.table({"log_probs": lists, "id": ["same"] * 20})
    with parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(groups):
            writer.write_table(table)


MEASURED = """
import resource, sys
from typer.testing import CliRunner
from lindley.apps.cli import app
ran = CliRunner().invoke(app, ["select", *sys.argv[1:], "--acquisition", "bald", "--batch-size", "2"])
assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
if sys.platform == "darwin":
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
else:  # Linux counts the parent's memory into ru_maxrss
    lines = open("/proc/self/status").read().splitlines()
    peak = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
print(ran.exit_code, peak, ran.stderr)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module here")
@pytest.mark.parametrize("kind", ["npz", "parquet", "ids"])
def test_a_small_file_takes_less_than_a_gibibyte_of_memory(tmp_path, kind):
    if kind == "npz":
        zeros_npz(tmp_path / "a.npz", 3 * GIB)
        arguments = ["a.npz", "--inputs", "logits"]
    elif kind == "parquet":
        repeated_parquet(tmp_path / "a.parquet", 20)
        arguments = ["a.parquet"]
    else:
        np.save(tmp_path / "p.npy", LOGITS)
        ids = pa.table({"id": pa.DictionaryArray.from_arrays(pa.array(np.zeros(30_000_000, "i4")), ["a"])})
        parquet.write_table(ids, tmp_path / "a.parquet")
        arguments = ["p.npy", "--inputs", "logits", "--ids", "a.parquet"]
    assert max(path.stat().st_size for path in tmp_path.glob("a.*")) < 10_000_000
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    code, peak, said = done.stdout.split(maxsplit=2)
    assert int(peak) < GIB, done.stdout
    assert code == "0" or "a." in said, done.stdout
