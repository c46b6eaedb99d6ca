"""Lets the tests of this folder and those in it import modules that stand beside them."""

from __future__ import annotations

import sys
from pathlib import Path

# No folder here may have the name of a package that may be missing: laplace would be found, and be empty.
HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE / "head", HERE / "gaussian_process")]
