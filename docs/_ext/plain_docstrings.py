"""A Sphinx extension: our docstrings are plain text with `code` in backticks, and are shown as they stand.

reStructuredText would trip over what mathematics needs ("I[y; θ | x]", "p_k(y)") and over hanging indents.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _rewrite)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True}


def _rewrite(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    lines[:] = plain(lines)


def _signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    if getattr(obj, "_is_protocol", False):
        return "", None  # nobody calls a protocol
    return _named(signature), _named(returned)


def _named(signature: str | None) -> str | None:
    """Sphinx wraps the alias of a tensor within a longer type; its name is enough."""
    return signature and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", signature)


def plain(lines: list[str]) -> list[str]:
    """reStructuredText that shows these lines of plain text.

    >>> plain(["I[y; θ | x] of `scores`"])
    ['I[y; θ \\\\| x] of ``scores``', '']
    """
    shown: list[str] = []
    for block in _blocks(lines):
        if block[0].lstrip().startswith(">>>"):
            shown += block
        elif any(line.startswith(" ") for line in block) or any("──" in line for line in block):
            shown += [f"| {_indent(line)}{_escaped(line.strip())}" for line in block]  # a line block keeps its lines
        else:
            shown += [_escaped(line) for line in block]
        shown.append("")
    return shown


def _blocks(lines: list[str]) -> list[list[str]]:
    """Paragraphs: what stands between empty lines."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _indent(line: str) -> str:
    return " " * (len(line) - len(line.lstrip()))


def _escaped(line: str) -> str:
    parts = re.split(r"(`+[^`]+`+)", line)
    return "".join(f"``{part.strip('`')}``" if part.startswith("`") else _plain_part(part) for part in parts)


def _plain_part(text: str) -> str:
    text = re.sub(r"([\\*|])", r"\\\1", text)
    return re.sub(r"_(?!\w)", r"\\_", text)  # "word_" would be a link
