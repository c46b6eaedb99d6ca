"""What another process is asked for. Nothing checks shapes there, so that Python's generator can be watched too."""

import random

import numpy as np
import torch


def log_probs_and_untouched(draws, inputs):
    """Predictions, and for each global generator whether it is as it was."""
    torch.set_num_threads(1)

    def states():
        return {
            "torch": torch.get_rng_state().tolist(),
            "numpy": str(np.random.get_state()),  # noqa: NPY002
            "python": random.getstate(),
        }

    before = states()
    log_probs = draws.predict(inputs).log_probs.cpu().numpy()
    after = states()
    return torch.from_numpy(log_probs.copy()), {name: after[name] == before[name] for name in before}
