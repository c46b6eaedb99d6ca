"""K predictions of the same images by one library, in a process of its own: seconds and added memory as JSON lines.

    python prediction_worker.py LIBRARY FOLDER --network NAME --draws K [--images N] [--precision P] [--repetitions R]

FOLDER holds images.npy, [N', 1, 28, 28] float32, and weights-NAME.npz, as prediction_against_peers.py writes them.
Every library first predicts once with each of its settings (batch sizes and the like), which also warms it up; the
fastest is then repeated, and each repetition prints a line. Memory is the peak of that setting's first prediction above
what the process held before: masks, folded weights, intermediate values and the result. It runs in the peers'
environment or in the project's own, so nothing of the project is imported but by the library "lindley"; the network is
read from its file, which imports torch alone.

    lindley                 frozen draws, in chunks of 500 as a round has them; each repetition also times the products
                            of prediction_products.py
    baal                    MCDropoutModule and ModelWrapper.predict_on_dataset, with and without replicate_in_memory
    baal-channels-last      the same, the module's weights in torch's channels-last layout
    batchbald_redux         BayesianModule with ConsistentMCDropout layers, as its documentation has it
    batchbald_redux-shared  the same, its forward so written that what comes before the first dropout layer runs once
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from memory import added_mib
from torch import Tensor, nn

NETWORKS = Path(__file__).parents[1] / "src" / "lindley" / "networks"
FILES = {"gal-cnn": "gal_cnn", "batchbald-cnn": "batchbald_cnn"}
Predict = Callable[[], Tensor]
"""-> [n, K, C] log-probabilities."""


@dataclass(frozen=True)
class Setting:
    """One way to call a library."""

    name: str
    predict: Predict
    products: Callable[[], float] | None = None
    """Seconds of the matrix products that it could not avoid."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", choices=FILES, default="gal-cnn")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--images", type=int)
    parser.add_argument("--precision", default="float32", help="of lindley; the others compute in float32")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images = torch.from_numpy(np.load(options.folder / "images.npy")[: options.images].copy())
    module = _network(options.network, options.folder)
    settings = LIBRARIES[options.library](module, images, options.draws, options.precision)
    rates, added = {}, {}
    for setting in settings:
        _give_back_free_memory()
        with added_mib() as memory:
            log_probs, seconds = _timed(setting.predict)
        added[setting.name] = memory[0]
        rates[setting.name] = len(images) * options.draws / seconds
    predictive = log_probs.exp().mean((0, 1)).tolist()
    fastest = max(settings, key=lambda setting: rates[setting.name])
    for _ in range(options.repetitions):
        _, seconds = _timed(fastest.predict)
        result: dict[str, Any] = {"setting": fastest.name, "seconds": seconds, "added_mib": added[fastest.name]}
        result["product_seconds"] = fastest.products() if fastest.products else ""
        print(json.dumps({**result, "rates": rates, "predictive": predictive}), flush=True)


def fresh_network(name: str) -> nn.Sequential:
    """One of the package's networks, initialised from torch's global generator; without importing the package."""
    spec = importlib.util.spec_from_file_location(FILES[name], NETWORKS / f"{FILES[name]}.py")
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    module: nn.Sequential = getattr(source, FILES[name])()
    return module


def _network(name: str, folder: Path) -> nn.Sequential:
    module = fresh_network(name)
    with np.load(folder / f"weights-{name}.npz") as weights:
        module.load_state_dict({key: torch.from_numpy(weights[key]) for key in weights.files})
    return module.eval()


def _give_back_free_memory() -> None:
    """What an earlier setting left to the allocator would hide what the next one takes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _timed(predict: Predict) -> tuple[Tensor, float]:
    start = time.perf_counter()
    log_probs = predict()
    return log_probs, time.perf_counter() - start


def _lindley(module: nn.Sequential, images: Tensor, num_draws: int, precision: str) -> list[Setting]:
    from prediction_products import seconds_of_products

    from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
    from lindley.session.pool_predictions import CHUNK_ROWS

    posterior = MCDropoutPosterior(module, precision=precision)
    posterior.draw(2, seed=1).predict(images[:2])  # loads what is loaded late, and leaves nothing
    draws = posterior.draw(num_draws, seed=0)

    def predict() -> Tensor:
        log_probs = torch.empty(len(images), num_draws, 10)
        for start in range(0, len(images), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            log_probs[part] = draws.predict(images[part]).log_probs
        return log_probs

    return [Setting("frozen", predict, lambda: seconds_of_products(draws, len(images), CHUNK_ROWS))]


def _baal(module: nn.Sequential, images: Tensor, num_draws: int, precision: str) -> list[Setting]:
    import structlog
    from baal.bayesian.dropout import MCDropoutModule
    from baal.modelwrapper import ModelWrapper, TrainingArgs
    from torch.utils.data import TensorDataset

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    patched = MCDropoutModule(module)
    dataset = TensorDataset(images, torch.zeros(len(images), dtype=torch.int64))

    def setting(replicate: bool, batch_size: int) -> Setting:
        def predict() -> Tensor:
            args = TrainingArgs(batch_size=batch_size, use_cuda=False, workers=0, replicate_in_memory=replicate)
            logits = ModelWrapper(patched, args).predict_on_dataset(dataset, iterations=num_draws, verbose=False)
            return torch.from_numpy(logits).log_softmax(1).transpose(1, 2)  # [n, C, K] -> [n, K, C]

        stacked = "replicate_in_memory" if replicate else "one draw after the other"
        return Setting(f"{stacked}, batches of {batch_size}", predict)

    return [setting(*case) for case in ((True, 1), (True, 8), (True, 32), (False, 32), (False, 128))]


def _baal_channels_last(module: nn.Sequential, images: Tensor, num_draws: int, precision: str) -> list[Setting]:
    return _baal(module.to(memory_format=torch.channels_last), images, num_draws, precision)


def _batchbald_redux(module: nn.Sequential, images: Tensor, num_draws: int, precision: str) -> list[Setting]:
    return _consistent(module, images, num_draws, num_shared=0)


def _batchbald_redux_shared(module: nn.Sequential, images: Tensor, num_draws: int, precision: str) -> list[Setting]:
    first = next(place for place, layer in enumerate(module) if isinstance(layer, nn.Dropout | nn.Dropout2d))
    return _consistent(module, images, num_draws, num_shared=first)


def _consistent(module: nn.Sequential, images: Tensor, num_draws: int, *, num_shared: int) -> list[Setting]:
    from batchbald_redux.consistent_mc_dropout import BayesianModule, ConsistentMCDropout, ConsistentMCDropout2d

    def layer_of(layer: nn.Module) -> nn.Module:
        if isinstance(layer, nn.Dropout2d):
            return ConsistentMCDropout2d(layer.p)
        return ConsistentMCDropout(layer.p) if isinstance(layer, nn.Dropout) else layer

    class Network(BayesianModule):
        def __init__(self) -> None:
            super().__init__()
            layers = [layer_of(layer) for layer in module]
            self.shared, self.rest = nn.Sequential(*layers[:num_shared]), nn.Sequential(*layers[num_shared:])

        def forward(self, inputs: Tensor, k: int) -> Tensor:
            return super().forward(self.shared(inputs), k)

        def mc_forward_impl(self, values: Tensor) -> Tensor:
            return self.rest(values).log_softmax(1)

    network = Network().eval()

    def setting(batch_size: int) -> Setting:
        def predict() -> Tensor:
            log_probs = torch.empty(len(images), num_draws, 10)
            with torch.no_grad():
                for start in range(0, len(images), batch_size):
                    part = slice(start, start + batch_size)
                    log_probs[part] = network(images[part], num_draws)
            return log_probs

        return Setting(f"batches of {batch_size}", predict)

    return [setting(batch_size) for batch_size in (1, 8, 32)]


LIBRARIES = {
    "lindley": _lindley,
    "baal": _baal,
    "baal-channels-last": _baal_channels_last,
    "batchbald_redux": _batchbald_redux,
    "batchbald_redux-shared": _batchbald_redux_shared,
}


if __name__ == "__main__":
    main()
