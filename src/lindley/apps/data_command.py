"""`lindley data`: the data sets, and where they are stored. No torch here."""

from __future__ import annotations

from pathlib import Path

from lindley.apps.printing import print_result
from lindley.datasets import catalogue


def list_data(data_dir: Path | None) -> None:
    """Print each data set: name, size, title and folder."""
    for entry in catalogue.status(data_dir):
        print_result(f"{entry.name:15} {entry.num_rows:7,} rows, {entry.num_classes:2} classes: {entry.title}")
        print_result(f"{'':15} {entry.where}")


def fetch_data(name: str, data_dir: Path | None) -> None:
    """Fetch the missing files of a data set, verify them and print their folder."""
    entry = catalogue.fetch(name, data_dir)
    print_result(f"{entry.name}: {entry.num_rows:,} rows; {entry.where}")
