"""How calibrated the models of a study are: the K-draw average, the network with dropout off, each with a temperature.

    python benchmarks/calibration.py reports/mnist-warmup --labels 220 1020 --out reports/benchmarks/calibration.csv
    python benchmarks/calibration.py --table reports/benchmarks/calibration.csv

Every trial of an experiment is fitted again on the labels that its journal has, with the study's own learner and the
seeds of that round. A temperature is chosen by labels left out of the fit in turn (five parts, as `lindley` itself does
it): the one of TEMPERATURES under which their log-probability is highest. No label is used that the trial did not have.
A line is written as each fit is done, and the same command goes on where it stopped. Source of temperature scaling: Guo
et al. 2017, arXiv:1706.04599.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import records
import torch
from torch import Tensor

from lindley.contracts import Draws, Labels, Posterior, TrainingData
from lindley.datasets.catalogue import load
from lindley.datasets.dataset import Dataset
from lindley.information import mean_log_probs
from lindley.measures.calibration import expected_calibration_error
from lindley.measures.scores import accuracy, brier, nll
from lindley.networks.catalogue import build_network
from lindley.noise import torch_generator
from lindley.seeds import derive_seed
from lindley.session.state import read_state
from lindley.study.config.schema import Experiment
from lindley.study.folder import read_study
from lindley.study.running.learners import build_experiment_learner
from lindley.study.trials import Trial, trials_of_experiment

FOLDS = 5
TEMPERATURES = [round(2 ** (place / 4), 4) for place in range(-8, 17)]  # from 1/4 to 16
PREDICTORS = ("draws", "point")
TEST_ROWS = 500


@dataclass(frozen=True)
class Case:
    """One fit of one trial, on the labels of one of its rounds."""

    folder: Path
    trial: Trial
    num_labels: int
    device: str


def main() -> None:
    options = _parser().parse_args()
    if options.table:
        print(table(records.read(options.table)))
        return
    study = read_study(options.study)
    done = {(row["study"], row["experiment"], row["trial"], row["labels"]) for row in records.read(options.out)}
    cases = [
        Case(options.study, trial, num_labels, options.device)
        for experiment in study.experiments
        if options.experiment in (None, experiment.name)
        for num_labels in options.labels
        for trial in trials_of_experiment(experiment)
        if (study.name, experiment.name, f"{trial.acquisition} {trial.seed}", str(num_labels)) not in done
        and (options.study / trial.folder).is_dir()
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        for place, future in enumerate(as_completed([pool.submit(measure, case) for case in cases]), 1):
            for row in future.result():
                records.append(options.out, {"study": study.name, **row})
            print(f"{place} of {len(cases)}", flush=True)


def measure(case: Case) -> list[dict[str, object]]:
    """Fit once on all labels and once without each part; a row for each predictor."""
    torch.set_num_threads(1)
    experiment, seed = case.trial.experiment, case.trial.seed
    data = _data(experiment.data.name)
    network = build_network(
        experiment.model.network or "", input_shape=data.input_shape, num_classes=data.task.num_classes
    )
    learner = build_experiment_learner(experiment, network, device=case.device)
    index, labels = _labels_at(case)
    fit_seed = derive_seed(seed, index, "fit")
    posterior = learner.fit(TrainingData(data.pool, labels, data.task), seed=fit_seed)
    predictors = _predictors(posterior, experiment, derive_seed(seed, index, "draw"))
    left_out = {name: [0.0] * len(TEMPERATURES) for name in predictors}
    order = torch.randperm(len(labels), generator=torch_generator(fit_seed, "folds"))
    for fold, part in enumerate(order.tensor_split(FOLDS)):
        kept = torch.ones(len(labels), dtype=torch.bool)
        kept[part] = False
        others = Labels(labels.rows[kept], labels.values[kept])
        fitted = learner.fit(TrainingData(data.pool, others, data.task), seed=derive_seed(fit_seed, "fold", fold))
        inputs, classes = data.pool.read(labels.rows[part]), labels.values[part]
        for name, draws in _predictors(fitted, experiment, derive_seed(fit_seed, "draws of fold", fold)).items():
            log_probs = draws.predict(inputs).log_probs.cpu().double()
            for place, temperature in enumerate(TEMPERATURES):
                left_out[name][place] -= nll(_scaled(log_probs, temperature), classes) * len(part)
    return [_row(case, name, draws, left_out[name], data) for name, draws in predictors.items()]


def table(rows: list[dict[str, str]]) -> str:
    """Medians over seeds, before and after scaling, and in how many seeds the random trial's NLL is the lower one."""
    lines = []
    columns = ("study", "labels", "acquisition", "seeds", "predictor", "T", "accuracy", "NLL", "scaled", "Brier")
    columns += ("scaled", "NLL above random's", "scaled")
    for study, num_labels, acquisition, predictor in dict.fromkeys(
        (row["study"], row["labels"], row["trial"].rpartition(" ")[0], row["predictor"])
        for row in sorted(rows, key=lambda row: (row["study"], int(row["labels"]), row["trial"]))
    ):
        those = {
            row["trial"].rpartition(" ")[2]: row
            for row in rows
            if (row["study"], row["labels"], row["predictor"]) == (study, num_labels, predictor)
            and row["trial"].rpartition(" ")[0] == acquisition
        }
        random = {
            row["trial"].rpartition(" ")[2]: row
            for row in rows
            if (row["study"], row["labels"], row["predictor"]) == (study, num_labels, predictor)
            and row["trial"].startswith("random ")
        }
        medians = {
            name: statistics.median(float(row[name]) for row in those.values())
            for name in ("temperature", "accuracy", "nll", "nll_scaled", "brier", "brier_scaled")
        }
        shared = those.keys() & random.keys()
        worse = [
            f"{sum(float(those[seed][name]) > float(random[seed][name]) for seed in shared)} of {len(shared)}"
            if acquisition != "random"
            else ""
            for name in ("nll", "nll_scaled")
        ]
        losses = [f"{medians[name]:.3f}" for name in ("nll", "nll_scaled", "brier", "brier_scaled")]
        shown = [f"{medians['temperature']:.2f}", f"{100 * medians['accuracy']:.1f} %", *losses, *worse]
        lines.append((study, num_labels, acquisition, len(those), predictor, *shown))
    return records.markdown(columns, lines)


def _row(case: Case, name: str, draws: Draws, left_out: list[float], data: Dataset) -> dict[str, object]:
    temperature = TEMPERATURES[max(range(len(left_out)), key=left_out.__getitem__)]
    log_probs = torch.cat([draws.predict(part).log_probs.cpu() for part in data.test_inputs.split(TEST_ROWS)]).double()
    plain, scaled, classes = mean_log_probs(log_probs), _scaled(log_probs, temperature), data.test_classes
    return {
        "experiment": case.trial.experiment.name,
        "trial": f"{case.trial.acquisition} {case.trial.seed}",
        "labels": case.num_labels,
        "predictor": name,
        "temperature": temperature,
        "accuracy": accuracy(plain, classes),
        "nll": nll(plain, classes),
        "nll_scaled": nll(scaled, classes),
        "brier": brier(plain, classes),
        "brier_scaled": brier(scaled, classes),
        "ece": expected_calibration_error(plain, classes),
        "ece_scaled": expected_calibration_error(scaled, classes),
        "device": torch.cuda.get_device_name() if case.device.startswith("cuda") else records.machine(1),
    }


def _predictors(posterior: Posterior, experiment: Experiment, seed: int) -> dict[str, Draws]:
    point = posterior.point()
    assert point is not None, "a network of MC dropout has a single prediction"
    return {"draws": posterior.draw(experiment.model.num_draws, seed=seed), "point": point}


def _scaled(log_probs: Tensor, temperature: float) -> Tensor:
    """The average of draws whose logits are divided by a temperature.  [n, K, C] -> [n, C]"""
    return mean_log_probs((log_probs / temperature).log_softmax(2))


def _labels_at(case: Case) -> tuple[int, Labels]:
    """The round of that many labels, and the labels in the order in which the trial got them."""
    state = read_state(case.folder / case.trial.folder)
    known = list(state.answers_for("initial", "train"))[: case.num_labels]
    for each in state.rounds:
        if each.labels == case.num_labels:
            return each.index, Labels([answer.row for answer in known], [int(answer.value or 0) for answer in known])
    raise SystemExit(f"{case.trial.folder} has no round of {case.num_labels} labels")


@lru_cache(maxsize=1)
def _data(name: str) -> Dataset:
    return load(name, data_dir=None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", nargs="?", type=Path, help="the folder of a study")
    parser.add_argument("--experiment", help="one experiment of it (default: all)")
    parser.add_argument("--labels", type=int, nargs="+", default=[220], help="numbers of labels, each of a round")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes at the same time")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER / "calibration.csv")
    parser.add_argument("--table", type=Path, help="print the medians of such a file, and stop")
    return parser


if __name__ == "__main__":
    main()
