"""Labelled inputs of any kind that scikit-learn reads, their bootstraps, and their conversion to tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lindley.errors import InputError
from lindley.posteriors.state_checks import TensorSpec, check_settings, is_text, is_whole, one_of
from lindley.seeds import numpy_generator

_TORCH_DTYPES = (*map(np.dtype, ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?")),)
"""Number types that both NumPy and torch have."""
_EXAMPLES = {
    "array": {"examples": TensorSpec("L W", None, finite=False)},
    "sparse": {
        "data": TensorSpec("Z", None, finite=False),
        "indices": TensorSpec("Z", None, least=0.0),
        "indptr": TensorSpec("P", None, least=0.0),
    },
    "texts": {"texts": TensorSpec("B", torch.uint8), "lengths": TensorSpec("L", torch.int64, least=0.0)},
    **{kind: {"json": TensorSpec("B", torch.uint8)} for kind in ("objects", "list")},
    "bytes": {"bytes": TensorSpec("B", torch.uint8)},
}


@dataclass(frozen=True)
class TrainingSet:
    """Everything that a fit depends on, beside the learner."""

    examples: Any  # L inputs: an array, a CSR matrix or a list
    classes: Tensor  # [L]
    sample_weight: Tensor  # [L]
    num_classes: int
    seed: int
    weighted: bool
    """Whether the labels have weights."""
    count: float
    """The number of labels, L, or the sum of their sample weights."""

    def bootstrap(self, member: int) -> np.ndarray:
        """Draw places in the training set with replacement.  [L]"""
        generator, several = numpy_generator(self.seed, "bootstrap", member), bool(self.classes.unique().numel() > 1)
        while True:
            places = generator.integers(len(self.classes), size=len(self.classes))
            if not several or self.classes[places].unique().numel() > 1:
                return places


def encode_examples(examples: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return labelled inputs as tensors, and the settings that describe their kind.

    Texts become UTF-8 bytes, objects a JSON text, and number types that torch lacks their bytes. Raises InputError for
    objects that are no JSON value.
    """
    if isinstance(examples, np.ndarray) and examples.dtype.kind == "O":
        return {"json": _encode_json(examples.tolist())}, {"examples": "objects", "columns": examples.shape[1]}
    if isinstance(examples, np.ndarray) and examples.dtype not in _TORCH_DTYPES:
        if examples.dtype.names is not None:
            got = f"records, {examples.dtype}"
            raise InputError(argument="inputs", expected="a table with one type of values", got=got)
        settings = {"examples": "bytes", "columns": examples.shape[1], "dtype": examples.dtype.str}
        return {"bytes": _bytes_tensor(examples.tobytes())}, settings
    if isinstance(examples, np.ndarray):
        return {"examples": torch.from_numpy(np.require(examples, requirements=["C", "W"]))}, {"examples": "array"}
    if not isinstance(examples, list):
        parts = {name: torch.from_numpy(getattr(examples, name)) for name in ("data", "indices", "indptr")}
        return parts, {"examples": "sparse", "columns": examples.shape[1]}
    if not all(isinstance(each, str) for each in examples):
        return {"json": _encode_json(examples)}, {"examples": "list"}
    encoded = [each.encode(errors="surrogatepass") for each in examples]
    lengths = torch.tensor([len(each) for each in encoded])
    return {"texts": _bytes_tensor(b"".join(encoded)), "lengths": lengths}, {"examples": "texts"}


def example_parts(settings: Mapping[str, Any]) -> dict[str, TensorSpec]:
    """Return the tensors of labelled inputs of a kind. Raises InputError for settings that are of none."""
    check_settings(settings, {"examples": one_of(_EXAMPLES)})
    if settings["examples"] in ("objects", "bytes", "sparse"):
        check_settings(settings, {"columns": lambda value: is_whole(value) and value >= 0})
    if settings["examples"] == "bytes":
        check_settings(settings, {"dtype": is_text})
    return _EXAMPLES[settings["examples"]]


def decode_examples(tensors: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Any:
    """Return the labelled inputs that `encode_examples` encoded."""
    from scipy.sparse import csr_array

    if settings["examples"] == "array":
        return tensors["examples"].numpy()
    if settings["examples"] == "bytes":
        plain = tensors["bytes"].numpy().view(np.dtype(settings["dtype"]))
        return plain.reshape(len(tensors["classes"]), settings["columns"])
    if settings["examples"] in ("objects", "list"):
        values = json.loads(tensors["json"].numpy().tobytes())
        if not isinstance(values, list) or len(values) != len(tensors["classes"]):
            raise InputError(argument="the tensor 'json'", expected="a list with one value for each label")
        if settings["examples"] == "list":
            return values
        table = np.empty((len(values), settings["columns"]), dtype=object)
        for row, column in np.ndindex(table.shape):
            table[row, column] = values[row][column]
        return table
    if settings["examples"] == "sparse":
        parts = tuple(tensors[name].numpy() for name in ("data", "indices", "indptr"))
        matrix = csr_array(parts, shape=(len(tensors["classes"]), settings["columns"]))
        matrix.check_format(full_check=True)
        return matrix
    if int(tensors["lengths"].sum()) != len(tensors["texts"]):
        total = int(tensors["lengths"].sum())
        expected = f"lengths that add up to the {len(tensors['texts'])} bytes of 'texts'"
        raise InputError(argument="the tensor 'lengths'", expected=expected, got=total)
    text, ends = tensors["texts"].numpy().tobytes(), tensors["lengths"].cumsum(0).tolist()
    return [text[start:end].decode(errors="surrogatepass") for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _encode_json(rows: list[Any]) -> Tensor:
    """Return the bytes of a JSON text. Raises InputError for values that would come back changed."""
    for place, row in enumerate(rows):
        if foreign := _describe_foreign(row):
            raise InputError(
                f"Input {place} of the labelled rows has it; turn it into one of these where the pool is read.",
                argument="inputs",
                expected="numbers, texts, None, or lists and dictionaries of these",
                got=foreign,
            )
    return _bytes_tensor(json.dumps(rows, default=lambda value: value.item()).encode())


def _bytes_tensor(value: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(value, dtype=np.uint8).copy())


def _describe_foreign(value: Any) -> str | None:
    """Describe the first value that JSON does not have; None if there is none."""
    if isinstance(value, list):
        return next(filter(None, map(_describe_foreign, value)), None)
    if isinstance(value, dict):
        if others := [key for key in value if not isinstance(key, str)]:
            return f"the key {others[0]!r}, which is no text"
        return next(filter(None, map(_describe_foreign, value.values())), None)
    plain = value.item() if isinstance(value, np.number | np.bool_) else value
    return None if plain is None or isinstance(plain, str | int | float) else f"a {type(value).__name__}"
