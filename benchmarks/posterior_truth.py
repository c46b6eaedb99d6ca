"""How far each learner's draws are from the exact posterior: the tables of docs/posterior-truth.md.

    python benchmarks/posterior_truth.py [--seeds 5] [--only NAME ...] [--redo] [--out reports/benchmarks]

Every learner fits the 30 labels of each reference (`reference_posteriors.py`) with several seeds. Exact draws, as many
as a learner has, stand beside it: draws are judged as draws, and few of them are far away even where they are exact.
Writes posterior-truth.csv (every run; the same command adds what it has not yet, --redo begins anew) and
posterior-truth.md (medians, smallest and largest). Minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import records
import torch
from posterior_measures import MEASURES, Answers, Judge, answers
from reference_draws import Reference, load, network
from sklearn.linear_model import LogisticRegression

from lindley.contracts import Learner, TrainingData
from lindley.networks.moons_mlp import moons_mlp
from lindley.noise import torch_generator
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.posteriors.laplace.full_laplace import FullLaplace
from lindley.posteriors.scikit_learn.bagging import Bagging
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.training.config import TrainingConfig

REFERENCES = ("logistic", "moons")


@dataclass(frozen=True)
class Case:
    """A learner of a reference's labels, how many draws it is asked for, and the references that it is meant for."""

    learner: Callable[[Reference], Learner]
    num_draws: int = 1000
    references: tuple[str, ...] = REFERENCES


def most_probable(reference: Reference) -> TrainingConfig:
    """To a maximum of the reference's own posterior density: the loss is a mean, and Adam's weight decay the prior."""
    weight_decay = 1 / (reference.prior_deviation**2 * len(reference.classes))
    return TrainingConfig(steps=1500, learning_rate=0.02, schedule="cosine", weight_decay=weight_decay)


def same_model(reference: Reference, *, dropout: float = 0.0) -> Callable[[], torch.nn.Module]:
    """Makes the reference's own model."""
    return partial(network, reference.name, dropout=dropout)


def shipped(reference: Reference) -> Callable[[], torch.nn.Module]:
    """Makes the two-moons network of the studies."""
    return partial(moons_mlp, num_classes=reference.task.num_classes)


CASES: Mapping[str, Case] = {
    "Bayesian head, the reference's prior": Case(
        lambda r: BayesianHead(prior_precision=1.0, bias_precision=1.0), references=("logistic",)
    ),
    "Bayesian head, the reference's prior, Laplace": Case(
        lambda r: BayesianHead(prior_precision=1.0, bias_precision=1.0, approximation="laplace"),
        references=("logistic",),
    ),
    "Bayesian head": Case(lambda r: BayesianHead()),
    "last-layer Laplace": Case(lambda r: LastLayerLaplace(same_model(r), most_probable(r)), references=("moons",)),
    "last-layer head, variational": Case(
        lambda r: LastLayerLaplace(same_model(r), most_probable(r), approximation="variational"), references=("moons",)
    ),
    "full-network Laplace": Case(lambda r: FullLaplace(same_model(r), most_probable(r))),
    "full-network Laplace, the reference's prior": Case(
        lambda r: FullLaplace(same_model(r), most_probable(r), prior_precision=r.prior_deviation**-2)
    ),
    "full-network Laplace, diagonal": Case(lambda r: FullLaplace(same_model(r), most_probable(r), hessian="diag")),
    "full-network Laplace, weights put in": Case(
        lambda r: FullLaplace(same_model(r), most_probable(r), linearised=False), references=("moons",)
    ),
    "ensemble of 5": Case(lambda r: DeepEnsemble(same_model(r), 5, most_probable(r)), 5),
    "ensemble of 30": Case(lambda r: DeepEnsemble(same_model(r), 30, most_probable(r)), 30),
    "ensemble of 30, no prior": Case(lambda r: DeepEnsemble(same_model(r), 30), 30),
    "ensemble of 10, 2-50-50-C, no prior": Case(lambda r: DeepEnsemble(shipped(r), 10), 10),
    "MC dropout 0.1": Case(lambda r: MCDropout(same_model(r, dropout=0.1), most_probable(r))),
    "MC dropout 0.2": Case(lambda r: MCDropout(same_model(r, dropout=0.2), most_probable(r))),
    "MC dropout 0.5": Case(lambda r: MCDropout(same_model(r, dropout=0.5), most_probable(r))),
    "MC dropout 0.2, 2-50-50-C, no prior": Case(lambda r: MCDropout(shipped(r))),
    "Gaussian process": Case(lambda r: GaussianProcess()),
    "random forest, 100 trees": Case(lambda r: Forest(), 100),
    "100 bagged logistic regressions": Case(lambda r: Bagging(LogisticRegression(C=r.prior_deviation**2), 100), 100),
}
"""Adding a learner is a line here."""
EXACT = (5, 30, 100, 1000)
"""As many draws of the reference itself as the learners are asked for."""


SHUFFLED = "1000 exact draws, shuffled for each input"
COLUMNS = ("reference", "learner", "seed", "draws", "seconds", *MEASURES)
SHAPE_COLUMNS = ("total variation", "variance ratio", "KL of one", "KL of pairs", "KL of tens")
USE_COLUMNS = (
    "BALD ratio",
    "BALD rank",
    "pair information ratio",
    "pair information error",
    "EPIG rank",
    "batch worth",
)
LABEL_COLUMNS = ("NLL", "joint NLL", "ECE")


def run(reference: Reference, names: list[str], seeds: int, file: Path) -> None:
    """Every case with every seed that the file does not have yet; the controls first."""
    truth = answers(reference, reference)
    judge = Judge(truth, reference.held_out_classes)

    def is_new(name: str, seed: int) -> bool:
        return not records.is_done(records.read(file), reference=reference.name, learner=name, seed=seed)

    if is_new("the reference", 0):
        records.append(file, record(reference, "the reference", 0, reference.num_draws, judge.measure(truth)))
    for seed in range(seeds):
        for row in controls(reference, truth, seed) if is_new(SHUFFLED, seed) else ():
            records.append(file, row)
        for name in names:
            case = CASES[name]
            if reference.name in case.references and is_new(name, seed):
                given, seconds = fitted(case, reference, seed)
                records.append(file, record(reference, name, seed, case.num_draws, judge.measure(given), seconds))
                print(f"{reference.name}, seed {seed}: {name}, {seconds:.1f} s", flush=True)


def controls(reference: Reference, truth: Answers, seed: int) -> list[dict[str, object]]:
    """Exact draws, judged by the half of the reference that they are not of; and such draws shuffled for each input."""
    half = reference.num_draws // 2
    order = torch.randperm(reference.num_draws, generator=torch_generator(seed, "halves"))
    judge = Judge(truth.some(order[:half]), reference.held_out_classes)
    few = [(f"{count} exact draws", count, truth.some(order[half : half + count])) for count in EXACT]
    shuffled = (SHUFFLED, half, truth.some(order[half:]).shuffled(seed))
    return [record(reference, name, seed, count, judge.measure(given)) for name, count, given in [*few, shuffled]]


def fitted(case: Case, reference: Reference, seed: int) -> tuple[Answers, float]:
    """What the learner's draws say, and the seconds of fit and draws."""
    began = time.perf_counter()
    posterior = case.learner(reference).fit(TrainingData(reference.pool, reference.labels, reference.task), seed=seed)
    draws = posterior.draw(case.num_draws, seed=seed)
    return answers(draws, reference), time.perf_counter() - began


def record(
    reference: Reference, name: str, seed: int, num_draws: int, measured: Mapping[str, float], seconds: float = 0.0
) -> dict[str, object]:
    """One row of the CSV file."""
    rounded = {key: float(f"{measured[key]:.6g}") for key in MEASURES}
    return dict(
        zip(COLUMNS, (reference.name, name, seed, num_draws, round(seconds, 2), *rounded.values()), strict=True)
    )


def tables(rows: list[dict[str, str]]) -> str:
    """All tables, as Markdown: for each reference the distribution, the uses and the held-out labels."""
    parts = []
    for reference in REFERENCES:
        of_reference = [row for row in rows if row["reference"] == reference]
        parts.append(f"## {reference}")
        parts += [table(of_reference, columns) for columns in (SHAPE_COLUMNS, USE_COLUMNS, LABEL_COLUMNS)]
    return "\n\n".join(parts) + "\n"


def table(rows: list[dict[str, str]], columns: tuple[str, ...]) -> str:
    """Median (smallest to largest) over the seeds, a learner a row."""
    lines = [
        [name, *(spread([float(row[column]) for row in rows if row["learner"] == name]) for column in columns)]
        for name in learners_in(rows)
    ]
    return records.markdown(("draws of", *columns), lines)


def medians(rows: list[dict[str, str]], reference: str) -> str:
    """One table of medians, as docs/posterior-truth.md has it."""
    columns = (*SHAPE_COLUMNS, "BALD ratio", "BALD rank", "pair information ratio", "EPIG rank", "batch worth")
    of_reference = [row for row in rows if row["reference"] == reference]
    cells = [
        [
            name,
            *(
                shown(median(float(row[column]) for row in of_reference if row["learner"] == name))
                for column in columns
            ),
        ]
        for name in learners_in(of_reference)
    ]
    return records.markdown(("draws of", *columns), cells)


def learners_in(rows: list[dict[str, str]]) -> list[str]:
    """The names in the order of the tables: the reference, the controls, the cases."""
    order = ["the reference", *(f"{count} exact draws" for count in EXACT), SHUFFLED, *CASES]
    return [name for name in order if any(row["learner"] == name for row in rows)]


def spread(values: list[float]) -> str:
    """Median, and smallest and largest where they differ from it."""
    middle, least, most = (shown(value) for value in (median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def shown(value: float) -> str:
    """Three digits, at most four decimals."""
    if not math.isfinite(value):
        return "none" if math.isnan(value) else "∞"
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--references", choices=REFERENCES, nargs="+", default=list(REFERENCES))
    parser.add_argument("--redo", action="store_true", help="begin anew")
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    file = arguments.out / "posterior-truth.csv"
    if arguments.redo:
        file.unlink(missing_ok=True)
    for name in arguments.references:
        run(load(name), arguments.only, arguments.seeds, file)
    measures = "\n".join(f"- {name}: {what}" for name, what in MEASURES.items())
    head = (
        "# How far draws are from the exact posterior\n\nWritten by benchmarks/posterior_truth.py; "
        f"docs/posterior-truth.md says what it means. Median (smallest to largest) of {arguments.seeds} seeds."
    )
    text = f"{head}\n\n{measures}\n\n{tables(records.read(file))}"
    (arguments.out / "posterior-truth.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
