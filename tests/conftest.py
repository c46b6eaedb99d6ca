"""For all tests: shapes are checked at run time, and one thread is used."""

import torch
from jaxtyping import install_import_hook

install_import_hook("lindley", "beartype.beartype")
torch.set_num_threads(1)
