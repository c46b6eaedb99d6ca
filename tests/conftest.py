"""For all tests: shapes are checked at run time, one thread is used, and Ctrl-C is heard also in the background."""

import signal
import sys
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

import lindley.acquisition.specs  # noqa: F401 - before the hook: these dataclasses refuse wrong types themselves

install_import_hook("lindley", "beartype.beartype")
torch.set_num_threads(1)
sys.path.insert(0, str(Path(__file__).parent / "databases"))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it

from postgres_server import find_missing, run_server  # noqa: E402


@pytest.fixture(scope="session")
def postgres():
    """The address of the database of a real PostgreSQL."""
    if missing := find_missing():
        pytest.skip(missing)
    with run_server() as url:
        yield url
