"""Active learning from the first labels to the last by one library, in a process of its own; one JSON line.

    python end_to_end_worker.py LIBRARY FILE.npz --seed S [--epochs E] [--batch-size B] [--draws K] [--query Q]
                                [--max-labels M] [--precision P] [--threads T]

FILE holds inputs [N, 1, 28, 28], classes, test_inputs, test_classes and the initial rows. In both libraries each round
trains Gal's CNN from fresh weights with Adam (learning rate 1e-3, cross-entropy, no more), predicts all unlabelled
rows with K draws, and asks for those with the highest BALD. Adam is new in every round. Where the number of labels is a
multiple of the batch size both make equally many steps. Accuracy is that of the averaged draws on the test set
in every round, and its time is counted apart. Imports, loading, a small fit and, for baal, the search for its fastest
way to predict come before the clock.

    lindley              run_round, as `lindley run` has it, without the journal
    baal                 ActiveLearningDataset, ModelWrapper, MCDropoutModule, ActiveLearningLoop with BALD
    baal-channels-last   the same, the module's weights in torch's channels-last layout
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np
import torch
from prediction_worker import fresh_network
from torch import Tensor, nn

STAGES = ("fit", "predict", "select", "test")
LEARNING_RATE = 1e-3
Arrays = dict[str, Tensor]
Run = tuple[list[float], str]
"""Accuracy in each round, and how the library predicts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=10, help="of the fit")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--query", type=int, default=10, help="labels a round")
    parser.add_argument("--max-labels", type=int, default=120)
    parser.add_argument("--precision", default="float32", help="of lindley; baal computes in float32")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with np.load(options.file) as arrays:
        data = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    seconds = dict.fromkeys(STAGES, 0.0)
    accuracies, setting = LIBRARIES[options.library](data, options, seconds)
    wall = sum(seconds[stage] for stage in STAGES if stage != "test")
    print(json.dumps({"wall": wall, **seconds, "accuracies": accuracies, "setting": setting}), flush=True)


def _gal_cnn() -> nn.Module:
    return fresh_network("gal-cnn")


def _lindley(data: Arrays, options: argparse.Namespace, seconds: dict[str, float]) -> Run:
    from lindley.acquisition.catalogue import acquisition_named
    from lindley.contracts import Classification, Labels, TrainingData
    from lindley.information import mean_log_probs
    from lindley.pools.memory import MemoryPool
    from lindley.posteriors.dropout.mc_dropout import MCDropout
    from lindley.session.pool_predictions import CHUNK_ROWS
    from lindley.session.rounds import Observation, RoundLabels, RoundSettings, RoundView, run_round
    from lindley.training.config import TrainingConfig

    def accuracy(view: RoundView) -> Observation:
        chunks = [view.draws.predict(part).log_probs for part in data["test_inputs"].split(CHUNK_ROWS)]
        averaged = mean_log_probs(torch.cat(chunks))
        return Observation({"accuracy": float((averaged.argmax(1) == data["test_classes"]).double().mean())})

    recipe = TrainingConfig(steps=1, epochs=options.epochs, batch_size=options.batch_size, learning_rate=LEARNING_RATE)
    settings = RoundSettings(
        MCDropout(_gal_cnn, recipe, precision=options.precision),
        acquisition_named("bald"),
        Classification(tuple("0123456789")),
        options.seed,
        options.draws,
    )
    pool = MemoryPool(data["inputs"])
    few = Labels(data["initial"][:2], data["classes"][data["initial"][:2]])
    MCDropout(_gal_cnn, TrainingConfig(steps=1), precision=options.precision).fit(
        TrainingData(pool, few, settings.task), seed=0
    )
    labels = Labels(data["initial"], data["classes"][data["initial"]])
    accuracies: list[float] = []
    while len(labels) <= options.max_labels:
        batch_size = options.query if len(labels) < options.max_labels else 0
        round_ = run_round(
            settings,
            pool,
            RoundLabels.from_labels(labels),
            {"test": accuracy},
            index=len(accuracies),
            batch_size=batch_size,
        )
        for stage in ("fit", "predict", "select"):
            seconds[stage] += round_.seconds[stage]
        seconds["test"] += round_.seconds["observe"]
        accuracies.append(float(str(round_.observations["test"].metrics["accuracy"])))
        if round_.selection is None:
            break
        labels = labels.concatenate(round_.selection.rows, data["classes"][round_.selection.rows])
    return accuracies, round_.compute_path


def _baal(data: Arrays, options: argparse.Namespace, seconds: dict[str, float]) -> Run:
    return _with_baal(data, options, seconds, torch.contiguous_format)


def _baal_channels_last(data: Arrays, options: argparse.Namespace, seconds: dict[str, float]) -> Run:
    return _with_baal(data, options, seconds, torch.channels_last)


def _with_baal(
    data: Arrays, options: argparse.Namespace, seconds: dict[str, float], layout: torch.memory_format
) -> Run:
    import structlog
    from baal.active import ActiveLearningDataset
    from baal.active.active_loop import ActiveLearningLoop
    from baal.active.heuristics import BALD
    from baal.bayesian.dropout import MCDropoutModule
    from baal.modelwrapper import ModelWrapper, TrainingArgs
    from torch.utils.data import Dataset, TensorDataset

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    torch.manual_seed(options.seed)

    def timed(stage: str, start: float) -> None:
        seconds[stage] += time.perf_counter() - start

    def trained(dataset: Dataset, epochs: int) -> nn.Module:
        model = MCDropoutModule(_gal_cnn()).to(memory_format=layout)
        arguments = TrainingArgs(
            optimizer=torch.optim.Adam(model.parameters(), lr=LEARNING_RATE),
            batch_size=options.batch_size,
            epoch=epochs,
            use_cuda=False,
            workers=0,
            criterion=nn.CrossEntropyLoss(),
        )
        ModelWrapper(model, arguments).train_on_dataset(dataset)
        return model

    def predicted(model: nn.Module, dataset: Dataset, setting: tuple[bool, int]) -> np.ndarray:
        replicate, batch_size = setting
        arguments = TrainingArgs(batch_size=batch_size, use_cuda=False, workers=0, replicate_in_memory=replicate)
        wrapper = ModelWrapper(model, arguments)
        return wrapper.predict_on_dataset(dataset, iterations=options.draws, verbose=False)  # [n, C, K] logits

    def fastest() -> tuple[bool, int]:
        """(replicate_in_memory, batch size): the way that predicts some images fastest."""
        some = TensorDataset(data["inputs"][:128], data["classes"][:128])
        model, taken = trained(some, 1), {}
        for setting in ((True, 8), (True, 8), (True, 32), (False, 32), (False, 128)):  # the first warms up
            start = time.perf_counter()
            predicted(model, some, setting)
            taken[setting] = time.perf_counter() - start
        return min(taken, key=lambda setting: taken[setting])

    setting = fastest()
    active = ActiveLearningDataset(TensorDataset(data["inputs"], data["classes"]))
    active.label(data["initial"].tolist())
    test_set = TensorDataset(data["test_inputs"], data["test_classes"])
    accuracies: list[float] = []
    while True:
        start = time.perf_counter()
        model = trained(active, options.epochs)
        timed("fit", start)
        start = time.perf_counter()
        averaged = torch.from_numpy(predicted(model, test_set, setting)).softmax(1).mean(-1)
        accuracies.append(float((averaged.argmax(1) == data["test_classes"]).double().mean()))
        timed("test", start)
        if len(active) >= options.max_labels:
            break

        def probabilities(pool: Dataset, model: nn.Module = model) -> np.ndarray:
            begun = time.perf_counter()
            result = predicted(model, pool, setting)
            timed("predict", begun)
            return result

        start, before = time.perf_counter(), seconds["predict"]
        ActiveLearningLoop(active, probabilities, BALD(), query_size=options.query).step()
        timed("select", start)
        seconds["select"] -= seconds["predict"] - before
    replicate, batch_size = setting
    said = f"{'replicate_in_memory' if replicate else 'one draw after the other'}, batches of {batch_size}"
    return accuracies, said


LIBRARIES = {"lindley": _lindley, "baal": _baal, "baal-channels-last": _baal_channels_last}


if __name__ == "__main__":
    main()
