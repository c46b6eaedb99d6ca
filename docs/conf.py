"""How the documentation is built: `make docs`. Nothing is fetched, and a warning is an error."""

from __future__ import annotations

import sys
from pathlib import Path

import lindley

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "lindley"
author = "The lindley developers"
copyright = "The lindley developers, Apache-2.0"
version = release = lindley.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
    "plain_docstrings",
    "catalogue_tables",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Our example files have none; the warning is about the name of the folder that a clone lies in.
suppress_warnings = ["sphinx_gallery.space_in_filename"]

html_theme = "furo"
html_title = f"lindley {release}"

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
# The names of the tensors instead of what they stand for: `LogProbs`, not jaxtyping's class.
autodoc_type_aliases = {
    name: name
    for name in (
        "BatchLogProbs",
        "ClassIndices",
        "Features",
        "LogProbs",
        "MeanLogProbs",
        "Positions",
        "Rows",
        "Scores",
    )
}
autodoc_default_options = {"undoc-members": True, "exclude-members": "model_config, model_post_init"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/\d\d_",
    "ignore_pattern": r"^demo_",  # a script, run by make
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_signature": False,
    "plot_gallery": "True",
}
