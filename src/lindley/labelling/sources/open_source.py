"""A source by its path: what it holds is known by its form and by the columns that are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lindley.errors import Argument, InputError
from lindley.labelling.records import Found, Kind, Unreadable
from lindley.labelling.sources.delimited import open_delimited
from lindley.labelling.sources.images import FOLDER_LABEL, read_images
from lindley.labelling.sources.jsonl import open_jsonl
from lindley.labelling.sources.known_labels import KnownColumns
from lindley.labelling.sources.parquet_table import open_parquet_table, vector_columns
from lindley.labelling.sources.rows import read_rows
from lindley.labelling.sources.table import Table
from lindley.labelling.sources.texts import read_texts
from lindley.labelling.sources.vectors import check_npy, read_lists, read_npy

TABLES: dict[str, Callable[[Path], Table]] = {
    ".csv": open_delimited,
    ".tsv": open_delimited,
    ".jsonl": open_jsonl,
    ".ndjson": open_jsonl,
    ".parquet": open_parquet_table,
}
"""The functions that open a table, by the suffix of its file."""


@dataclass(frozen=True)
class Source:
    """A source that can be read again and again: each time all it holds, in the same order.

    Args:
        kind: What it holds.
        path: Its file or folder.
        read: Returns what it holds, one after the other.
    """

    kind: Kind
    path: Path
    read: Callable[[], Iterator[Found | Unreadable]]

    def __iter__(self) -> Iterator[Found | Unreadable]:
        return self.read()


def open_source(
    path: str | os.PathLike[str],
    *,
    text: str | None = None,
    features: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    classes: Sequence[str] = (),
) -> Source:
    """Open a folder of images, a table of texts, rows or vectors, or an array of vectors.

    Args:
        path: A folder, or a file that ends in .csv, .tsv, .jsonl, .ndjson, .parquet or .npy.
        text: The column of the texts.
        features: The columns of the features; of a Parquet file also one column of lists of numbers.
        label: The column of known labels; "folder" for the folders that images lie in.
        id: The column of the items' ids.
        classes: The names of the classes; () where every known label is one. A label that is none is named in the
            item's `meta["label_reason"]`, and the item has no label.

    Raises:
        InputError: If there is no such file, or if it does not have such a column.
        DataError: If the file is damaged.
    """
    place = Path(path)
    known = KnownColumns(label, id, tuple(classes))
    if place.is_dir():
        return _open_images(place, text, features, known)
    if not place.is_file():
        fault = "is no plain file" if place.exists() else "was not found"
        raise InputError(f"{place} {fault}.", argument="path", got=str(place))
    suffix = place.suffix.lower()
    if suffix == ".npy":
        _refuse_columns(place, "An array has no columns.", text=text, features=features, label=label, id=id)
        check_npy(place)
        return Source("vectors", place, lambda: read_npy(place))
    if suffix not in TABLES:
        endings = ", ".join([*TABLES, ".npy"])
        raise InputError(
            f"{place} is neither a folder of images nor a file of a known kind ({endings}).",
            argument="path",
            got=str(place),
        )
    return _open_table(TABLES[suffix](place), text, features, known)


def _open_images(folder: Path, text: str | None, features: Sequence[str] | None, known: KnownColumns) -> Source:
    _refuse_columns(folder, "A folder of images has no columns.", text=text, features=features, id=known.id)
    if known.label not in (None, FOLDER_LABEL):
        raise InputError(argument="label", expected=f"{FOLDER_LABEL!r} or left out", got=known.label)
    use_folders = known.label is not None
    return Source("images", folder, lambda: read_images(folder, use_folders=use_folders, classes=known.classes))


def _open_table(table: Table, text: str | None, features: Sequence[str] | None, known: KnownColumns) -> Source:
    for argument, names in (("label", [known.label]), ("id", [known.id]), ("text", [text]), ("features", features)):
        table.check_columns([each for each in names or () if each is not None], argument)
    if text is not None and features is not None:
        raise InputError(
            f"An item of {table.path} is a text or a row: give ",
            Argument("text", text),
            " or ",
            Argument("features", [*features]),
            ", not both.",
            argument="text",
        )
    if text is not None:
        return Source("text", table.path, lambda: read_texts(table, text, known))
    lists = vector_columns(table.path) if table.path.suffix.lower() == ".parquet" else []
    wanted = lists if features is None else list(features)
    if len(wanted) == 1 and wanted[0] in lists:
        return Source("vectors", table.path, lambda: read_lists(table.path, wanted[0], known))
    if not features:
        raise InputError(
            f"Say what of {table.path} is to be labelled: ",
            Argument("text", "COLUMN"),
            " or ",
            Argument("features", ["A", "B"]),
            f". It has the columns {', '.join(map(repr, table.columns))}.",
            argument="text",
        )
    columns = tuple(dict.fromkeys(features))
    return Source("rows", table.path, lambda: read_rows(table, columns, known))


def _refuse_columns(path: Path, reason: str, **options: object) -> None:
    for argument, value in options.items():
        if value is not None:
            shown = [*value] if isinstance(value, list | tuple) else value
            raise InputError(
                f"{path}: {reason} Leave out ", Argument(argument, shown), ".", argument=argument, got=value
            )
