"""Names and docstrings of the package in plain words: no fragments, and arguments listed where there are several.

`python tests/test_plain_words.py [FOLDER]` lists what is left, so that it can be mended room by room.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from lindley import errors

TESTS = Path(__file__).parent
SOURCE = TESTS.parent / "src" / "lindley"
MOST_FRAGMENTS = 0.02
"""Share of function names that may begin with a participle or a preposition, as other projects of the field have it."""

_PREPOSITIONS = """
about above after against along among around at before behind below beside between beyond by despite down during
except for in inside into like near of off on onto out outside over per since than through till to toward under
until up upon via with within without where what which who how why while when whether together else also only
and or not no
"""
_IRREGULAR = """
been begun bent bound bought broken brought built caught chosen come cut dealt done drawn driven eaten fallen fed
felt forgotten found frozen given gone grown had heard held hidden hurt kept known laid led left lent lost made
meant met paid put read ridden risen run said seen sent set shown shut sold spent spoken spread stolen stood
swept taken taught thought thrown told understood won worn written
"""
_VERBS = "read run set cut put spread bound come embed exceed feed need proceed seed shed"
"""Words of the lists above that are verbs, or nouns, as they stand."""
_TERMS = (
    "expected_calibration_error",
    "learning_curve",
    "heading",
    "weighted_",
    "no_",
    "from_",
    "to_",
    "as_",
    "left_out",
    "paired_",
    "signed_",
    "on_",
)
"""The field's and the language's own: conversions, callbacks, and terms that begin with a participle."""


def is_fragment(name: str) -> bool:
    """Whether a function's name begins with a participle or a preposition."""
    plain = name.strip("_")
    word = plain.split("_")[0].lower()
    if not word or plain.startswith(_TERMS) or name.startswith("__") or word in _VERBS.split():
        return False
    return word in f"{_PREPOSITIONS} {_IRREGULAR}".split() or bool(re.fullmatch(r"[a-z]{2,}(ed|ing)", word))


def functions(folder: Path = SOURCE) -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Yield every function of the package, and whether it is public."""
    for path in sorted(folder.rglob("*.py")):
        yield from ((path, function, public) for function, public in _within(ast.parse(path.read_text("utf-8")), True))


def _within(node: ast.AST, public: bool) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child, public and not child.name.startswith("_")
            yield from _within(child, False)
        elif isinstance(child, ast.ClassDef):
            yield from _within(child, public and not child.name.startswith("_"))
        else:
            yield from _within(child, public)


def unlisted(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the arguments, where there are more than two, that a docstring does not list."""
    spec = function.args
    names = [each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs) if each.arg not in ("self", "cls")]
    text = ast.get_docstring(function) or ""
    if len(names) <= 2 or text.startswith("See ") or _is_command(function):
        return []
    listed = text.partition("Args:")[2]
    return [name for name in names if not re.search(rf"^\s+(.*, )?{name}(, .*)?:", listed, re.MULTILINE)]


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it is a command of the command line, whose arguments are described by their `help`."""
    decorated = any(".command(" in ast.unparse(each) for each in function.decorator_list)
    return decorated or "typer." in ast.unparse(function.args)


def test_names_of_functions_are_no_fragments() -> None:
    names = [function.name for _, function, _ in functions()]
    fragments = sorted({name for name in names if is_fragment(name)})
    share = sum(is_fragment(name) for name in names) / len(names)
    assert share <= MOST_FRAGMENTS, f"{share:.1%} of {len(names)}: {fragments}"


def test_public_functions_list_their_arguments() -> None:
    missing = {
        f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}": names
        for path, function, public in functions()
        if public and (names := unlisted(function))
    }
    assert not missing


def golden_lines(source: str) -> set[int]:
    """Return the lines that bear the mark of a message whose wording is tested."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {each.start[0] for each in tokens if each.type == tokenize.COMMENT and "golden message" in each.string}


def matched_messages(source: str) -> Iterator[int]:
    """Yield the lines where `pytest.raises` holds the wording of an error of lindley."""
    for call in ast.walk(ast.parse(source)):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.raises" and call.args):
            continue
        names = {each.id for each in ast.walk(call.args[0]) if isinstance(each, ast.Name)}
        if names & vars(errors).keys() and "match" in [each.arg for each in call.keywords]:
            yield call.lineno


def test_errors_are_held_by_their_class_and_fields_and_about_twenty_by_their_wording() -> None:
    sources = {path: path.read_text("utf-8") for path in sorted(TESTS.rglob("*.py"))}
    marks = {path: golden_lines(source) for path, source in sources.items()}
    unmarked = [
        f"{path.relative_to(TESTS)}:{line}: assert the error's fields, or mark it"
        for path, source in sources.items()
        for line in matched_messages(source)
        if line not in marks[path]
    ]
    assert unmarked == []
    assert 15 <= sum(map(len, marks.values())) <= 25


if __name__ == "__main__":
    place = SOURCE / sys.argv[1] if len(sys.argv) > 1 else SOURCE
    for found, function, public in functions(place):
        where = f"{found.relative_to(SOURCE)}:{function.lineno} {function.name}"
        if is_fragment(function.name):
            print(f"{where}: a fragment")
        if public and (names := unlisted(function)):
            print(f"{where}: does not list {', '.join(names)}")
