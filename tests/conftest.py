"""For all tests: shapes are checked at run time, one thread is used, and Ctrl-C is heard also in the background."""

import signal

import torch
from jaxtyping import install_import_hook

import lindley.acquisition.specs  # noqa: F401 - before the hook: these dataclasses refuse wrong types themselves

install_import_hook("lindley", "beartype.beartype")
torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
