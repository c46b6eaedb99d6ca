"""Pieces of HTML for the report. All text is escaped here, and nothing is loaded from other places."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from lindley.study.report.tables import Table


def page(title: str, body: Sequence[str]) -> str:
    """Return a whole document around the pieces; it works offline, in light and dark mode."""
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
    """Return the title of the page."""
    return f"<h1>{escape(text)}</h1>"


def heading(text: str, *, anchor: str) -> str:
    """Return the heading of a section, with the anchor that the contents link to."""
    return f'<h2 id="{escape(anchor)}">{escape(text)}</h2>'


def part_heading(text: str) -> str:
    """Return the heading of one part of a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, *, css_class: str = "") -> str:
    """Return a paragraph with a CSS class."""
    return f"<p{_class(css_class)}>{_sentence(text)}</p>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return a line of short facts, each a name and a value."""
    items = "".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in pairs)
    return f'<ul class="facts">{items}</ul>'


def contents(sections: Sequence[tuple[str, str]]) -> str:
    """Return links to the sections, each an anchor and a text."""
    links = "".join(f'<a href="#{escape(anchor)}">{escape(text)}</a>' for anchor, text in sections)
    return f'<nav class="contents">{links}</nav>'


def notice(text: str, items: Sequence[str]) -> str:
    """Return a highlighted notice with a list."""
    return f'<div class="notice"><p>{escape(text)}</p>{bullets(items)}</div>'


def bullets(items: Sequence[str]) -> str:
    """Return a list."""
    return "<ul>" + "".join(f"<li>{_sentence(item)}</li>" for item in items) + "</ul>"


def summary(heading: str, items: Sequence[str]) -> str:
    """Return the main results as a highlighted list."""
    return f'<section class="claim"><h3>{escape(heading)}</h3>{bullets(items)}</section>'


def figure_block(png: Path, *, title: str, caption: str, anchor: str) -> str:
    """Return a figure with an embedded image, on white also in dark mode, at most half as wide as its pixels.

    Args:
        png: The image file.
        title: The title, also the alternative text.
        caption: The text below the image.
        anchor: The anchor of the figure.
    """
    content = png.read_bytes()
    width = int.from_bytes(content[16:20], "big") // 2  # where a PNG says how wide it is
    data = base64.b64encode(content).decode()
    return (
        f'<figure id="{escape(anchor)}"><div class="paper">'
        f'<img alt="{escape(title)}" style="--width: {width}px" src="data:image/png;base64,{data}"></div>'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption></figure>"
    )


def table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, label: str, text_columns: int = 1, wraps: bool = False
) -> str:
    """Return a table that scrolls within its own box; the first cell of each row is its header.

    Args:
        columns: The header; without any name there is none.
        rows: The cells of each row.
        label: The name of the box for screen readers.
        text_columns: The number of first columns that hold text: aligned to the left, and wrapped.
        wraps: Whether all cells wrap on a narrow screen, so that a table with few columns fits it.
    """

    def cell(place: int, text: str, heads: str) -> str:
        tag, scope = ("th", f' scope="{heads}"') if heads else ("td", "")
        return f"<{tag}{scope}{_class('w' if place < text_columns else '')}>{_sentence(text)}</{tag}>"

    classes = ["prose"] * (text_columns > 1) + ["wraps"] * wraps
    head = "".join(cell(place, text, "col") for place, text in enumerate(columns)) if any(columns) else ""
    lines = ["".join(cell(place, text, "" if place else "row") for place, text in enumerate(row)) for row in rows]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table{_class(' '.join(classes))}>{f'<thead><tr>{head}</tr></thead>' if head else ''}"
        f"<tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table></div>"
    )


def table_group(heading: str, group: Sequence[Table]) -> str:
    """Return tables of one kind, each under its title, with their common note; without a heading, without titles.

    A single table has heading and title in one line.
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
    """Return details that open with a click; `content` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def card(heading: str, verdict: str, content: Sequence[str]) -> str:
    """Return a claim with its verdict.

    Args:
        heading: The claim.
        verdict: The verdict, whose first word is its CSS class.
        content: Pieces of HTML.
    """
    head = f"<header><h3>{escape(heading)}</h3>{_badge(verdict)}</header>"
    return f'<section class="claim">{head}{"".join(content)}</section>'


def findings(items: Sequence[tuple[str, str, str]]) -> str:
    """Return a list of (subject, verdict, numbers)."""
    lines = (
        f"<li><b>{escape(subject)}</b> {_badge(verdict)} {_sentence(text)}</li>" for subject, verdict, text in items
    )
    return f'<ul class="findings">{"".join(lines)}</ul>'


def _badge(verdict: str) -> str:
    return f'<span class="verdict {escape(verdict.split()[0])}">{escape(verdict)}</span>'


def footer(text: str) -> str:
    """Return the footer of the page."""
    return f"<footer>{escape(text)}</footer>"


def _sentence(text: str) -> str:
    """Escape a text, with no line break between a number and its percent sign."""
    return escape(text).replace(" %", "\N{NO-BREAK SPACE}%")


def _class(css_class: str) -> str:
    return f' class="{escape(css_class)}"' if css_class else ""
