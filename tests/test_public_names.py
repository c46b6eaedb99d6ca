"""What `import lindley` gives, and what it does not cost."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import lindley


def test_public_names_are_those_of_all_sorted():
    here = {name for name, value in vars(lindley).items() if not isinstance(value, ModuleType)}
    eager = {name for name in here if not name.startswith("_")} - {"annotations", "import_module", "TYPE_CHECKING"}
    assert eager | set(lindley._HOMES) | {"__version__"} == set(lindley.__all__)
    assert lindley.__all__ == sorted(lindley.__all__) == dir(lindley)


@pytest.mark.parametrize("name", lindley.__all__)
def test_public_name_is_there_and_is_its_homes(name):
    value = getattr(lindley, name)
    assert name == "__version__" or value.__name__ == name


def test_select_is_the_function_whatever_was_imported_before():
    check = "import lindley.acquisition.select, lindley; print(callable(lindley.select), lindley.select.__module__)"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "lindley.acquisition.select"]


def test_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        lindley.nothing  # noqa: B018


def test_version_is_the_packages():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert lindley.__version__ == project["version"]


@pytest.mark.parametrize("module", ["lindley", "lindley.apps.cli", "lindley.acquisition.specs"])
def test_import_is_light(module):
    heavy = "{'torch', 'numpy', 'matplotlib', 'sklearn', 'pydantic'}"
    check = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_library_does_not_import_the_command_line():
    check = "import sys, lindley; lindley.load_study('demo'); print({'typer', 'matplotlib'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
