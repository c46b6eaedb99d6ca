"""Pages as documents: every module that one imports is in them, and nothing is left to ask a server for."""

from __future__ import annotations

import json
import re

from lindley.apps.notebook.documents import make_document, read_modules
from lindley.apps.web.pages import STATIC, read_static

IMPORT = re.compile(r'^import (?:\{([^}]+)\} from )?"([^"]+)";', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.MULTILINE)


def test_every_import_names_a_module_and_what_it_exports():
    modules = read_modules()
    exports = {name: {*EXPORT.findall(text)} for name, text in modules.items()}
    found = [(names, module) for text in modules.values() for names, module in IMPORT.findall(text)]
    assert len(found) > 30
    for names, module in found:
        assert {each.split(" as ")[0].strip() for each in names.split(",")} <= exports[module]
    assert not [text for text in modules.values() if re.search(r"""["']\./""", text)]


def test_the_notebooks_transport_has_all_that_the_servers_has():
    assert {*EXPORT.findall(read_static("transport.js"))} <= {*EXPORT.findall(read_modules()["transport.js"])}


def test_only_the_transport_makes_requests():
    for name, text in read_modules().items():
        assert (
            not re.search(r"\bfetch\(|XMLHttpRequest|\bsrc: |\.src = |location\.|import\(", text)
            or name == "transport.js"
        )


def test_a_document_holds_what_the_page_links():
    document = make_document(read_static("index.html"))
    assert read_static("style.css") in document
    assert read_static("theme.js") in document
    assert '<script type="module">import "app.js";</script>' in document
    (modules,) = re.findall(r'<script type="importmap">(.+?)</script>', document)
    assert {*json.loads(modules)["imports"]} == {name for name in STATIC if name.endswith(".js")}
    assert document.index("importmap") < document.index('type="module"')
    assert "/static/" not in document


def test_what_stands_inside_a_script_does_not_end_it():
    assert "</script" not in read_static("theme.js")
    assert "</style" not in read_static("style.css") + read_static("dashboard.css")
