"""What a type checker sees of the package: every public name with its type, and no name that is not there."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import lindley

PACKAGES = ["lindley", "lindley.acquisition", "lindley.information", "lindley.posteriors", "lindley.study"]


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What mypy --strict says of a file that uses each public name, and each without its last letter."""
    api = pytest.importorskip("mypy.api")
    file = tmp_path_factory.mktemp("typed") / "uses.py"
    imports = "".join(f"import {package}\n" for package in PACKAGES)
    file.write_text(imports + "".join(f"{name}\n{name[:-1]}\n" for name in public_names()))
    sources = [str(import_module(package).__file__) for package in PACKAGES]
    # All other modules are left out, to be quick: that their names are there is seen by `make check`.
    flags = ["--strict", "--follow-imports=skip", "--cache-dir", str(file.parent)]
    said, error, _ = api.run([*flags, str(file), *sources])
    assert error == ""
    return [line for line in said.splitlines() if line.startswith(str(file))]


def public_names() -> list[str]:
    return [f"{package}.{name}" for package in PACKAGES for name in import_module(package).__all__]


def test_each_public_name_is_known_and_each_misspelt_one_is_not(complaints: list[str]) -> None:
    refused = [re.search(r'"(\w+)"', line.split("Module has no attribute")[-1]) for line in complaints]
    assert all(refused)
    assert len(complaints) == len(public_names())
    for line, name in zip(complaints, public_names(), strict=True):
        assert f'Module has no attribute "{name.rsplit(".", 1)[1][:-1]}"' in line


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(lindley.__file__).parent / "py.typed").is_file()
