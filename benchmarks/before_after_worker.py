"""The cases of before_after.py, computed with whatever lindley stands on the path.

It says which cases it can run, then for each name on its input the CPU seconds of the case and a digest of its result.
Checkouts from before `lindley.Session` take a learner's data as separate arguments; `_fit`, `_predict` and `_round`
know both ways.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch

import lindley

HAS_SESSION = hasattr(lindley, "Session")


def _import(*places: str) -> Any:
    """The first of some "module:name" that this checkout has."""
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(importlib.import_module(f"lindley.{module}"), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"none of {places}")


def _fit(learner: Any, pool: Any, labels: Any, task: Any) -> Any:
    if not HAS_SESSION:
        return learner.fit(pool, labels, task=task, seed=0)
    return learner.fit(_import("contracts:TrainingData")(pool, labels, task), seed=0)


def _predict(draws: Any, inputs: Any) -> torch.Tensor:
    log_probs: torch.Tensor = draws.predict(inputs).log_probs if HAS_SESSION else draws.log_probs(inputs)
    return log_probs


def _log_probs(rows: int, generator: torch.Generator) -> torch.Tensor:
    base = 2 * torch.randn(rows, 1, 10, generator=generator)
    return (base + torch.randn(rows, 100, 10, generator=generator)).log_softmax(-1)


def _select(log_probs: torch.Tensor, name: str, batch_size: int, **options: Any) -> Callable[[], Any]:
    return lambda: lindley.select(log_probs, name, batch_size, 0, **options).rows.tolist()


def _tensor_cases() -> dict[str, Callable[[], Any]]:
    generator = torch.Generator().manual_seed(0)
    small, large = _log_probs(6000, generator), _log_probs(60_000, generator)
    features, labelled = torch.randn(20_000, 64, generator=generator), torch.randn(50, 64, generator=generator)
    given = {"features": features, "labelled_features": labelled}
    few = {"features": features[:2000], "labelled_features": labelled}
    few_classes = small[:2000, :, :3].log_softmax(-1)
    many = _log_probs(20_000, generator)[:, :10].contiguous()
    return {
        "batchbald-6000": _select(small, "batchbald", 10),
        "batchbald-60000": _select(large, "batchbald", 10),
        "bald-60000": _select(large, "bald", 100),
        "coreset": _select(many, "coreset", 10, **given),
        "badge": _select(many, "badge", 10, features=features),
        "bait": _select(few_classes, "bait", 10, **few),
        "head": _head(features[:2000]),
    }


def _head(features: torch.Tensor) -> Callable[[], Any]:
    rows = torch.arange(200)
    labels = lindley.Labels(rows, features[rows, :10].argmax(1))
    task = _import("contracts:Classification", "contracts:ClassificationTask", "contracts:Task")(tuple("abcdefghij"))
    pool, learner = _import("pools.memory:MemoryPool")(features), _import("posteriors:BayesianHead")()
    return lambda: _predict(_fit(learner, pool, labels, task).draw(50, seed=0), features)


def _mnist_cases() -> dict[str, Callable[[], Any]]:
    mnist = _import("datasets.catalogue:load")("mnist", seed=0)
    config = _import(
        "training.config:TrainingConfig", "posteriors.training_config:TrainingConfig", "posteriors.recipe:Recipe"
    )
    network = _import("networks.catalogue:build_network")("gal-cnn", input_shape=(1, 28, 28), num_classes=10)
    learner = _import("posteriors:MCDropout")(network, config(steps=60, batch_size=64))
    rows = torch.arange(100)
    labels = lindley.Labels(rows, mnist.classes[rows])
    draws = _fit(learner, mnist.pool, labels, mnist.task).draw(20, seed=0)
    inputs = mnist.pool.read(torch.arange(500))
    settings = _import("session.rounds:RoundSettings", "loop.rounds:RoundSettings")(
        learner,
        _import("acquisition.catalogue:acquisition_named")("batchbald"),
        mnist.task,
        seed=0,
        num_draws=20,
        candidates=2000,
    )
    run_round = _import("session.rounds:run_round", "loop.rounds:run_round")
    known = labels
    if HAS_SESSION:
        known = _import("session.rounds:RoundLabels").from_labels(labels)

    def run() -> Any:
        return run_round(settings, mnist.pool, known, {}, index=0, batch_size=10).selection.rows.tolist()

    return {"gal-cnn": lambda: _predict(draws, inputs), "mnist-round": run}


def _digest(result: Any) -> str:
    content = result.double().numpy().tobytes() if isinstance(result, torch.Tensor) else json.dumps(result).encode()
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cases = _tensor_cases()
    try:
        cases |= _mnist_cases()
    except lindley.LindleyError as error:
        print(f"without the cases on MNIST: {error}", file=sys.stderr)
    print(json.dumps(list(cases)), flush=True)
    for line in sys.stdin:
        start = time.process_time()
        result = cases[line.strip()]()
        seconds = time.process_time() - start
        print(json.dumps([seconds, _digest(result)]), flush=True)


if __name__ == "__main__":
    main()
