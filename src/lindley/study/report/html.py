"""Pieces of HTML for the report: what comes from outside is escaped here, and nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from lindley.study.report.tables import Table


def page(title: str, body: Sequence[str]) -> str:
    """A whole document around the pieces; works offline, in light and in dark."""
    style = files("lindley.study").joinpath("report.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{style}</style></head>",
            "<body><main>",
            *body,
            "</main></body></html>",
            "",
        ]
    )


def title(text: str) -> str:
    """The name of the whole."""
    return f"<h1>{escape(text)}</h1>"


def heading(text: str, *, anchor: str) -> str:
    """The heading of a section, with the anchor that the contents point to."""
    return f'<h2 id="{escape(anchor)}">{escape(text)}</h2>'


def part_heading(text: str) -> str:
    """The heading of one part of a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, *, css_class: str = "") -> str:
    """One paragraph; kind is its CSS class."""
    return f"<p{_class(css_class)}>{_sentence(text)}</p>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """A line of short facts: a name and its value each."""
    items = "".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in pairs)
    return f'<ul class="facts">{items}</ul>'


def contents(sections: Sequence[tuple[str, str]]) -> str:
    """Links to the sections: anchor and text each."""
    links = "".join(f'<a href="#{escape(anchor)}">{escape(text)}</a>' for anchor, text in sections)
    return f'<nav class="contents">{links}</nav>'


def notice(text: str, items: Sequence[str]) -> str:
    """Something that the reader must not miss, as a list."""
    return f'<div class="notice"><p>{escape(text)}</p>{bullets(items)}</div>'


def bullets(items: Sequence[str]) -> str:
    """A plain list."""
    return "<ul>" + "".join(f"<li>{_sentence(item)}</li>" for item in items) + "</ul>"


def summary(heading: str, items: Sequence[str]) -> str:
    """The answer before all else, as a list that stands out."""
    return f'<section class="claim"><h3>{escape(heading)}</h3>{bullets(items)}</section>'


def figure_block(png: Path, *, title: str, caption: str, anchor: str) -> str:
    """A figure with the image inside the document, on white in dark mode too; no wider than half its pixels."""
    content = png.read_bytes()
    width = int.from_bytes(content[16:20], "big") // 2  # where a PNG says how wide it is
    data = base64.b64encode(content).decode()
    return (
        f'<figure id="{escape(anchor)}"><div class="paper">'
        f'<img alt="{escape(title)}" style="--width: {width}px" src="data:image/png;base64,{data}"></div>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, label: str, text_columns: int = 1) -> str:
    """A table that scrolls within its own box; the first `words` columns are text: to the left, and wrapped.

    label: what a screen reader calls the box. The first cell of each line names the line.
    """

    def cell(place: int, text: str, heads: str) -> str:
        tag, scope = ("th", f' scope="{heads}"') if heads else ("td", "")
        return f"<{tag}{scope}{_class('w' if place < text_columns else '')}>{escape(text)}</{tag}>"

    head = "".join(cell(place, text, "col") for place, text in enumerate(columns))
    lines = ["".join(cell(place, text, "" if place else "row") for place, text in enumerate(row)) for row in rows]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table{_class('prose' if text_columns > 1 else '')}><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table></div>"
    )


def table_group(heading: str, group: Sequence[Table]) -> str:
    """Tables of one kind, each under its title, with the note that they share; without a heading no titles either.

    One by itself has heading and title in one line.
    """
    note = paragraph(group[0].note, css_class="note") if group[0].note else ""
    if not heading:
        return note + "".join(table(each.columns, each.rows, label=each.title) for each in group)
    if len(group) == 1:
        heading = f"{heading}: {group[0].title}"
        content = table(group[0].columns, group[0].rows, label=heading)
    else:
        content = "".join(
            f"<h4>{escape(each.title)}</h4>{table(each.columns, each.rows, label=f'{heading}: {each.title}')}"
            for each in group
        )
    return f'<section class="tables"><h3>{escape(heading)}</h3>{note}{content}</section>'


def collapsible(summary: str, content: str) -> str:
    """Details that open with a click; `inside` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def card(heading: str, verdict: str, content: Sequence[str]) -> str:
    """A claim with its verdict; `inside` is HTML."""
    head = f"<header><h3>{escape(heading)}</h3>{_badge(verdict)}</header>"
    return f'<section class="claim">{head}{"".join(content)}</section>'


def findings(items: Sequence[tuple[str, str, str]]) -> str:
    """A list of (what, verdict, numbers)."""
    told = (f"<li><b>{escape(what)}</b> {_badge(verdict)} {_sentence(text)}</li>" for what, verdict, text in items)
    return f'<ul class="findings">{"".join(told)}</ul>'


def _badge(verdict: str) -> str:
    return f'<span class="verdict {escape(verdict.split()[0])}">{escape(verdict)}</span>'


def footer(text: str) -> str:
    """The last lines."""
    return f"<footer>{escape(text)}</footer>"


def _sentence(text: str) -> str:
    """No line ends between a number and its percent sign."""
    return escape(text).replace(" %", "\N{NO-BREAK SPACE}%")


def _class(css_class: str) -> str:
    return f' class="{escape(css_class)}"' if css_class else ""
