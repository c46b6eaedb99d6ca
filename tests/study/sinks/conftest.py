"""Lets the tests of this folder import `journal_fakes`, which stands in the one above, as those there do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
