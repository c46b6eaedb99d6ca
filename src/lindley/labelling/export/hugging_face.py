"""A folder that `datasets.load_dataset` of Hugging Face reads: Parquet files and a README that names the classes.

A split for each stream of labels, "train", "test" ..., and "unlabelled" for the rest. The package itself is not needed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lindley.errors import DataError, InputError
from lindley.files import open_atomically, sync_folder, write_atomically
from lindley.labelling.export.columns import LABEL, cell_text, source_columns
from lindley.labelling.export.lines import ExportLine, LineReader
from lindley.labelling.export.parquet_file import common_type, read_parquet
from lindley.labelling.item_features import VECTORS
from lindley.labelling.item_images import read_item_image
from lindley.labelling.project import Project
from lindley.labelling.records import Unreadable
from lindley.labelling.sources.table import Line
from lindley.parquet import ColumnType, parquet_file, write_parquet_file

if TYPE_CHECKING:
    from lindley.labelling.predict import Predictor

UNLABELLED = "unlabelled"
_METADATA = "huggingface"
_ROWS = {"image": 50}
"""The number of rows that are in memory at once, by the type of a column; else a thousand."""
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")


@dataclass(frozen=True)
class _Layout:
    """The columns of the files."""

    columns: Mapping[str, ColumnType]
    label: str
    """The name of the column of classes, as places in `class_names`."""
    content: str
    """The name of the column of images or vectors; "" for others."""
    class_names: Sequence[str]


def export_hugging_face(
    project: Project, folder: Path, *, labelled: bool = False, predictor: Predictor | None = None
) -> int:
    """Write the labels of a project as a data set of Hugging Face, whole or not at all; return the number of rows.

    Args:
        project: The project.
        folder: The folder, which must be missing or empty.
        labelled: Whether only items with an answer are written.
        predictor: What predicts each item beside its label; None: nothing.

    Raises:
        InputError: If the folder holds something.
        DataError: If an image is missing, or is another one than that which was added.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder} holds something already. Name a folder that is new, or empty.", argument="out", got=str(folder)
        )
    layout = _plan(project, predictor)
    splits = Counter(_split(line) for line in _lines(project, labelled=labelled))
    temporary = folder.resolve().with_name(f"{folder.resolve().name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for split in splits:
            lines = (line for line in _lines(project, labelled=labelled) if _split(line) == split)
            with open_atomically(temporary / "data" / f"{split}-00000-of-00001.parquet") as file:
                blocks = _blocks(project, layout, lines, predictor)
                write_parquet_file(file, layout.columns, blocks, metadata={_METADATA: _schema(layout)})
        write_atomically(temporary / "README.md", _readme(project, layout, splits).encode())
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder.resolve())
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.resolve().parent)
    return splits.total()


def read_hugging_face(folder: Path) -> Iterator[Line | Unreadable]:
    """Yield the rows of a data set of Hugging Face, with its classes by name in "class".

    Raises:
        InputError: If there are no Parquet files, or they do not have one column of classes.
    """
    paths = sorted(folder.rglob("*.parquet"))
    if not paths:
        raise InputError(f"{folder} holds no .parquet files of a data set.", argument="file", got=str(folder))
    for path in paths:
        label, names = _read_classes(path)
        for line in read_parquet(path):
            yield line if isinstance(line, Unreadable) else _name_class(line, label, names)


def _name_class(line: Line, label: str, names: Sequence[str]) -> Line | Unreadable:
    number = line.values.get(label)
    if number in (None, -1):
        return Line(line.place, {**line.values, "class": None})
    if not isinstance(number, int) or not 0 <= number < len(names):
        return Unreadable(line.place, f"its {label!r} must be from 0 to {len(names) - 1}; it is {number!r}")
    return Line(line.place, {**line.values, "class": names[number]})


def _read_classes(path: Path) -> tuple[str, list[str]]:
    """Return the name of the column of classes, and their names."""
    try:
        metadata = parquet_file(path).schema_arrow.metadata or {}
        features = json.loads(metadata.get(_METADATA.encode(), b"{}")).get("info", {}).get("features", {})
        found = {name: each["names"] for name, each in features.items() if each.get("_type") == "ClassLabel"}
    except InputError:
        raise
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise DataError(f"{path} is damaged, or no .parquet file: {error}", path=path) from None
    if len(found) != 1:
        raise InputError(
            f"{path} has {len(found)} columns of classes (ClassLabel), and an import needs one. "
            "Import it as a table: --format parquet --label COLUMN",
            argument="file",
            got=str(path),
        )
    return next(iter(found.items()))


def _plan(project: Project, predictor: Predictor | None) -> _Layout:
    settings = project.settings
    source: dict[str, ColumnType | None] = dict(source_columns(settings))
    for name, kind in source.items():
        if kind is None:
            source[name] = common_type(line.values.get(name) for line in LineReader(project))
    content = _free_name({"images": "image", "vectors": "vector"}.get(settings.kind, ""), source)
    label = _free_name("label", [*source, content])
    more = {} if predictor is None else predictor.columns
    provenance = {name: kind for name, kind in LABEL.items() if name not in ("class", "class_id")}
    shown: dict[str, ColumnType] = {content: "image" if settings.kind == "images" else "vector"} if content else {}
    columns = {**shown, **{name: kind or str for name, kind in source.items()}, label: int, **provenance, **more}
    return _Layout(columns, label, content, [each.name for each in project.classes()])


def _free_name(name: str, taken: Sequence[str] | Mapping[str, Any]) -> str:
    return _free_name(f"{name}_", taken) if name in taken else name


def _lines(project: Project, *, labelled: bool) -> Iterator[ExportLine]:
    return (
        line for line in LineReader(project) if line.item is not None and (line.values.get("answer") or not labelled)
    )


def _split(line: ExportLine) -> str:
    return str(line.values["stream"]) if line.values.get("class") is not None else UNLABELLED


def _blocks(
    project: Project, layout: _Layout, lines: Iterator[ExportLine], predictor: Predictor | None
) -> Iterator[dict[str, list[Any]]]:
    numbers = {name: number for number, name in enumerate(layout.class_names)}
    vectors = np.load(project.folder / VECTORS, mmap_mode="r") if project.settings.kind == "vectors" else None
    size = min(_ROWS.get(str(kind), 1000) for kind in layout.columns.values())
    while block := list(islice(lines, size)):
        rows = []
        for line in block:
            assert line.item is not None
            row: dict[str, Any] = {**line.values, layout.label: numbers.get(str(line.values.get("class")))}
            if predictor is not None:
                row |= predictor.describe(predictor.probs[[line.item.id]])[0]
            if vectors is not None:
                row[layout.content] = vectors[line.item.id].tolist()
            elif layout.content:
                row[layout.content] = {"bytes": read_item_image(project, line.item), "path": line.item.content}
            rows.append(row)
        yield {name: [_value(kind, row.get(name)) for row in rows] for name, kind in layout.columns.items()}


def _value(kind: ColumnType, value: Any) -> Any:
    if value is None or isinstance(kind, str):
        return value
    return cell_text(value) if kind is str else kind(value)


def _schema(layout: _Layout) -> str:
    """Return the features as the files say them."""
    scalar = {str: "string", int: "int64", float: "float64", bool: "bool"}
    features: dict[str, Any] = {}
    for name, kind in layout.columns.items():
        if name == layout.label:
            features[name] = {"names": [*layout.class_names], "_type": "ClassLabel"}
        elif kind == "image":
            features[name] = {"_type": "Image"}
        elif kind == "vector":
            features[name] = {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
        else:
            features[name] = {"dtype": scalar[kind], "_type": "Value"}
    return json.dumps({"info": {"features": features}})


def _readme(project: Project, layout: _Layout, splits: Mapping[str, int]) -> str:
    """Return the card of the data set: its features as YAML, and what the splits are."""
    scalar = {str: "string", int: "int64", float: "float64", bool: "bool", "image": "image"}
    lines = ["---", "dataset_info:", "  features:"]
    for name, kind in layout.columns.items():
        lines.append(f"  - name: {_yaml(name)}")
        if name == layout.label:
            lines += ["    dtype:", "      class_label:", "        names:"]
            lines += [f"          '{number}': {_yaml(each)}" for number, each in enumerate(layout.class_names)]
        else:
            lines.append("    sequence: float32" if kind == "vector" else f"    dtype: {scalar[kind]}")
    lines += ["  splits:"]
    lines += [line for name, count in splits.items() for line in (f"  - name: {name}", f"    num_examples: {count}")]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    lines += [line for name in splits for line in (f"  - split: {name}", f"    path: data/{name}-*")]
    lines += ["---", "", "# Labels", ""]
    lines += [f"- `{name}`: {count:,} rows" for name, count in splits.items()]
    lines += ["", "Labels of `test` are of random items and were never trained on. `origin` says who gave a label."]
    return "\n".join(lines) + "\n"


def _yaml(text: str) -> str:
    """Return a text as YAML: as JSON, but for characters that YAML does not print."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
