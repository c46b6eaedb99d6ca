"""A posterior that is known in closed form: softmax regression whose prior keeps the logits small.

For logits f near 0 the log-likelihood of a class y is f_y - mean(f) - f'Hf/2 up to terms of third order, with
H = I/C - 11'/C²: linear and quadratic, so that with a Gaussian prior of precision λ on the weights the posterior is
Gaussian, with precision λ I + Φ'Φ ⊗ H and mean (λ I + Φ'Φ ⊗ H)⁻¹ vec Φ'(Y - 1/C). Here the prior's standard deviation
is 0.05, logits are about 0.1, and what is left out is a percent of the covariance at most.

    python benchmarks/linear_gaussian.py [--out reports/benchmarks]

writes linear-gaussian.md: how far learners are from it as labels become more. Seconds on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import records
import torch
from torch import Tensor, nn

from lindley.contracts import Classification, Draws, Labels, Learner, TrainingData
from lindley.noise import torch_generator
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.ensemble import DeepEnsemble
from lindley.posteriors.head.head import BayesianHead
from lindley.training.config import TrainingConfig

PRIOR_DEVIATION, NUM_CLASSES, NUM_FEATURES, NUM_TEST = 0.05, 3, 2, 50


@dataclass(frozen=True)
class LinearGaussian:
    """Labels from the model itself, and the exact posterior of the centred logits at test inputs."""

    inputs: Tensor  # [L, D]: mean 0, standard deviation 1, as a Bayesian head measures features
    classes: Tensor  # [L]
    test_inputs: Tensor  # [T, D]
    mean: Tensor  # [T, C]
    deviation: Tensor  # [T, C]

    @property
    def pool(self) -> MemoryPool:
        return MemoryPool(self.inputs)

    @property
    def labels(self) -> Labels:
        return Labels(torch.arange(len(self.classes)), self.classes)

    @property
    def task(self) -> Classification:
        return Classification(tuple(f"class {c}" for c in range(NUM_CLASSES)))

    @property
    def config(self) -> TrainingConfig:
        """To the maximum of this model's posterior density."""
        decay = 1 / (PRIOR_DEVIATION**2 * len(self.classes))
        size = len(self.classes)
        return TrainingConfig(steps=1500, learning_rate=0.01, schedule="cosine", weight_decay=decay, batch_size=size)


def linear_gaussian(num_labels: int, *, seed: int) -> LinearGaussian:
    """The problem with so many labels, and its answer."""
    generator = torch_generator(seed, "linear-Gaussian", num_labels)
    inputs = torch.randn(num_labels, NUM_FEATURES, generator=generator, dtype=torch.float64)
    inputs = (inputs - inputs.mean(0)) / inputs.std(0, correction=0)
    test_inputs = torch.randn(NUM_TEST, NUM_FEATURES, generator=generator, dtype=torch.float64)
    weights = PRIOR_DEVIATION * torch.randn(NUM_FEATURES + 1, NUM_CLASSES, generator=generator, dtype=torch.float64)
    probs = (_with_ones(inputs) @ weights).softmax(1)
    classes = torch.multinomial(probs, 1, generator=generator)[:, 0]
    mean, deviation = _posterior(_with_ones(inputs), classes, _with_ones(test_inputs))
    return LinearGaussian(inputs.float(), classes, test_inputs.float(), mean, deviation)


def linear_network(dropout: float = 0.0) -> nn.Sequential:
    """The model itself, with dropout of its inputs."""
    layers = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(NUM_FEATURES, NUM_CLASSES))


def moments(draws: Draws, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the draws of the centred logits.  n inputs -> [n, C], [n, C]"""
    logits = draws.predict(inputs).log_probs.double()  # [n, K, C]
    centred = logits - logits.mean(2, keepdim=True)
    return centred.mean(1), centred.std(1, correction=0)


def compare(draws: Draws, problem: LinearGaussian) -> tuple[float, float]:
    """Root mean square error of the mean in posterior standard deviations, and the mean ratio of deviations."""
    mean, deviation = moments(draws, problem.test_inputs)
    error = ((mean - problem.mean) / problem.deviation).square().mean().sqrt()
    return float(error), float((deviation / problem.deviation).mean())


_PRECISION = PRIOR_DEVIATION**-2
CASES: Mapping[str, tuple[Callable[[LinearGaussian], Learner], int]] = {
    "Bayesian head": (lambda _: BayesianHead(prior_precision=_PRECISION, bias_precision=_PRECISION), 4000),
    "ensemble of 5": (lambda problem: DeepEnsemble(linear_network, 5, problem.config), 5),
    "MC dropout 0.1": (lambda problem: MCDropout(partial(linear_network, 0.1), problem.config), 4000),
    "MC dropout 0.2": (lambda problem: MCDropout(partial(linear_network, 0.2), problem.config), 4000),
    "MC dropout 0.5": (lambda problem: MCDropout(partial(linear_network, 0.5), problem.config), 4000),
}
"""With the model and prior of the problem; and how many draws they are asked for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=records.DEFAULT_FOLDER)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    sizes, lines = (30, 300, 3000), []
    for name, (make, num_draws) in CASES.items():
        cells = []
        for problem in (linear_gaussian(size, seed=0) for size in sizes):
            posterior = make(problem).fit(TrainingData(problem.pool, problem.labels, problem.task), seed=0)
            error, deviation = compare(posterior.draw(num_draws, seed=0), problem)
            cells += [f"{error:.3f}", f"{deviation:.3f}"]
        lines.append([name, *cells])
    columns = [f"{what}, {size} labels" for size in sizes for what in ("error of mean", "deviation ratio")]
    text = (
        "# Draws against a posterior in closed form\n\nWritten by benchmarks/linear_gaussian.py. Error of the mean "
        "logits in posterior standard deviations (root mean square); the draws' standard deviation to the posterior's."
        "\n\n"
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "linear-gaussian.md").write_text(
        text + records.markdown(["draws of", *columns], lines) + "\n", encoding="utf-8"
    )


def _posterior(design: Tensor, classes: Tensor, test_design: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the centred logits, [T, C] each."""
    eye = torch.eye(NUM_CLASSES, dtype=torch.float64)
    centring = eye - 1 / NUM_CLASSES
    curvature = torch.kron(design.T @ design, centring / NUM_CLASSES)
    precision = curvature + torch.eye(len(curvature), dtype=torch.float64) / PRIOR_DEVIATION**2
    residual = nn.functional.one_hot(classes, NUM_CLASSES).double() - 1 / NUM_CLASSES  # [L, C]
    mean = torch.linalg.solve(precision, (design.T @ residual).flatten()).view(-1, NUM_CLASSES)  # [D + 1, C]
    reads = torch.einsum("td,ca->tcda", test_design, centring).flatten(2)  # [T, C, (D + 1) C]
    covariance = torch.linalg.inv(precision)
    variance = torch.einsum("tci,ij,tcj->tc", reads, covariance, reads)
    return test_design @ mean @ centring, variance.sqrt()


def _with_ones(inputs: Tensor) -> Tensor:
    return torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)


if __name__ == "__main__":
    main()
