"""Lets the tests of this folder and those in it import modules that stand beside them."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE / "head", HERE / "gaussian_process")]
