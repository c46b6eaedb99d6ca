"""The global generators of random numbers, seeded for a network and restored for the caller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def fork_rng(seed: int, device: str) -> Iterator[Callable[[], bool]]:
    """Seed torch's, NumPy's and Python's global generators, and restore them at the end.

    A network initialises itself, and drops units in training, with generators that cannot be passed to it. Yields a
    function that returns whether one of torch's or NumPy's generators has moved.
    """
    numpy, python = np.random.get_state(), random.getstate()  # noqa: NPY002  a network may well use the old one
    on_cpu, gpu = torch.default_generator.get_state(), torch.device(device).type == "cuda"
    on_gpus = torch.cuda.get_rng_state_all() if gpu else []
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed GPUs that are not restored here
    if gpu:
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    random.seed(seed)
    before = _states(device)
    try:
        yield lambda: _states(device) != before
    finally:
        torch.default_generator.set_state(on_cpu)
        if gpu:
            torch.cuda.set_rng_state_all(on_gpus)
        np.random.set_state(numpy)  # noqa: NPY002
        random.setstate(python)


def _states(device: str) -> list[object]:
    on_gpu = [state.tolist() for state in torch.cuda.get_rng_state_all()] if device.startswith("cuda") else []
    _, numbers, *position = np.random.get_state()  # noqa: NPY002
    return [torch.get_rng_state().tolist(), on_gpu, np.asarray(numbers).tolist(), position]
