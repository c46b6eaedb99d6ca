"""Under what a trial runs: versions, the code that can change a result, the processor."""

import ast
from pathlib import Path

import pytest
import torch

import lindley
from lindley.session.environment import _CODE, code_sha256, cpu_name, environment

_CAN_CHANGE = ("seeds.py", "noise.py", "session/manifest.py", "study/observers/grid.py")


def test_the_environment_names_what_bits_depend_on():
    found = environment(device="cpu", threads=2)
    assert set(found["versions"]) == {"lindley", "torch", "numpy", "scikit-learn", "scipy", "python"}
    assert (
        found["versions"]["torch"] == torch.__version__.split("+")[0] or found["versions"]["torch"] == torch.__version__
    )
    assert (found["device"], found["threads"]) == ("cpu", 2)


def test_the_code_is_known_by_a_hash_of_all_sources_that_can_change_a_result(tmp_path, monkeypatch):
    package = tmp_path / "lindley"
    for name in (*_CAN_CHANGE, "study/report/html.py", "apps/cli.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(f"# {name}")
    monkeypatch.setattr("lindley.session.environment.__file__", str(package / "session" / "environment.py"))

    def after(name, text):
        before = code_sha256.__wrapped__()
        (package / name).write_text(text)
        return before != code_sha256.__wrapped__()

    assert all(after(name, "new") for name in _CAN_CHANGE)
    assert [after(name, "new") for name in ("study/report/html.py", "apps/cli.py")] == [False] * 2
    (package / "pools").mkdir()
    assert after("pools/another.py", "")


def test_all_of_a_study_that_makes_a_trial_is_hashed_or_known_to_change_no_result():
    """What `assemble` reads of the study package either is in the hash or cannot move a number by itself."""
    package = Path(lindley.__file__).parent
    hashed = {path for pattern in _CODE for path in package.glob(pattern)}
    harmless = {
        "config/validation",
        "config/schema",
        "trials",
    }  # they refuse, and hold settings, all of which are in the key
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in hashed if package / "study" in path.parents]
    read = {
        node.module.removeprefix("lindley.study.").replace(".", "/")
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lindley.study.")
    }
    assert len(read) >= 8
    places = {name: {package / f"study/{name}.py", package / f"study/{name}/__init__.py"} for name in read}
    assert {name for name, place in places.items() if not place & hashed} == harmless


def test_the_environment_names_the_code_and_the_processor():
    found = environment(device="cpu", threads=1)
    assert len(found["code"]) == 64
    assert found["cpu"] == cpu_name()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "processor : 0\nmodel name : EPYC\nmodel : 17\nflags : fpu avx512_bf16 amx_bf16\n\nprocessor : 1",
            "EPYC, model 17, amx_bf16, avx512_bf16",
        ),
        ("CPU part : 0xd40\nFeatures : fp bf16", "CPU part 0xd40, bf16"),
        ("", None),
    ],
)
def test_the_processor_is_named_with_its_bfloat16_instructions(monkeypatch, text, name):
    monkeypatch.setattr("pathlib.Path.read_text", lambda path, **_: text)
    assert cpu_name.__wrapped__() == name
