"""A page of the application as one document: what it would ask a server for stands in it."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources

from lindley.apps.web.pages import STATIC, read_static

_POLICY = "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline'; img-src blob:"
"""No request leaves the document. Its scripts are our own; what people wrote is in it as text."""


def make_document(page: str) -> str:
    """Return a page (HTML) with its style sheets, its scripts and all modules in it, and requests over the frame."""
    page = re.sub(r'<link rel="icon"[^>]*>', "", page)
    page = re.sub(
        r'<link rel="stylesheet" href="/static/([^"]+)">', lambda found: f"<style>{read_static(found[1])}</style>", page
    )
    page = re.sub(r'<script src="/static/([^"]+)"([^>]*)>', _write_script, page)
    modules = json.dumps({"imports": {name: _to_url(text) for name, text in read_modules().items()}})
    head = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return page.replace("<head>", f'<head>{head}<script type="importmap">{modules}</script>', 1)


def read_modules() -> dict[str, str]:
    """Return by name the modules of all pages, each of which names others as the document's import map does."""
    texts = {name: read_static(name) for name in STATIC if name.endswith(".js")}
    texts["transport.js"] = resources.files(__package__).joinpath("transport.js").read_text(encoding="utf-8")
    return {name: re.sub(r'(\bfrom|\bimport) "\./', r'\1 "', text) for name, text in texts.items()}


def _write_script(found: re.Match[str]) -> str:
    name, attributes = found.groups()
    return f"<script{attributes}>" + (f'import "{name}";' if "module" in attributes else read_static(name))


def _to_url(script: str) -> str:
    return f"data:text/javascript;base64,{base64.b64encode(script.encode()).decode()}"
