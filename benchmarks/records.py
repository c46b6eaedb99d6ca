"""Results as they come: rows appended to CSV files, read back, and shown as Markdown tables."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch

DEFAULT_FOLDER = Path("reports/benchmarks")


def append(path: Path, row: Mapping[str, object]) -> None:
    """One more row of a CSV file, which is made with its header where it is missing; lists are written as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in row.items()}
    is_new = not path.exists()
    if not is_new and (known := path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")) != list(values):
        raise SystemExit(f"{path} has the columns {known}, not {list(values)}: delete it, or begin anew with --redo")
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(values), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(values)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def is_done(rows: Iterable[Mapping[str, str]], **case: object) -> bool:
    """Whether a row of this case is there already."""
    return any(all(row[key] == str(value) for key, value in case.items()) for row in rows)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers are written as they are given."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def machine(threads: int) -> str:
    """What the figures were measured on."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    return f"{processor}, {torch.backends.cpu.get_cpu_capability()}, {threads} threads, torch {torch.__version__}"


def now() -> str:
    """The time, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
