"""Lets the laws, and the processes that they start, import `cases` and the files beside it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
