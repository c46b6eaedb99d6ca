"""Long NUTS runs of two small models whose posteriors have no closed form: what the learners are held against.

    python -m venv reference-environment && reference-environment/bin/pip install numpyro
    reference-environment/bin/python benchmarks/reference_posteriors.py [--only NAME] [--out tests/posteriors/reference]

- `logistic`: softmax regression, 2 features and a bias, 3 classes, 30 labels.
- `moons`: a network 2-10-2 with tanh, two moons, 30 labels.

Inputs are centred at the labels' mean, in standard deviations of all inputs that have a label. Every weight and bias
has the prior N(0, prior_deviation²); the likelihood is the softmax of the logits. Four chains from dispersed starts,
thinned evenly.

Written: NAME.npz (the labels, 60 inputs to judge on, held-out labels, the draws' weights as float16, of which any
prediction can be made, and some predictions as this program computed them) and NAME.json (how it was made, R-hat and
effective sample sizes). Nothing is written where an R-hat is above 1.01. The weights of the network are not identified
(its units can be swapped, and change sign), so R-hat and effective sizes are those of the functions: the log-odds at
the 60 inputs, products of probabilities for pairs of inputs, and the log-likelihood of the labels.
Needs numpyro, which is no dependency of lindley, and not lindley. Minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHAINS, WARM_UP, KEPT = 4, 2000, 2000
MOST_R_HAT = 1.01
NUM_LABELS, NUM_HELD_OUT = 30, 600
HIDDEN = 10
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Problem:
    """A model, the prior of each of its weights and biases, and its data."""

    shapes: Shapes
    sample: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
    """The law of the data: how many -> inputs [n, 2], classes [n]."""
    box: tuple[tuple[float, float], tuple[float, float]]
    """Where some of the inputs that are judged lie, so that some are far from all labels."""
    prior_deviation: float
    seed: int
    iterations: int
    """Of each chain after warming up."""
    keep_predictions: int = 8


def blobs(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping Gaussians of standard deviation 1 around the corners of a triangle."""
    classes = generator.integers(3, size=count)
    angles = np.pi / 2 + classes * 2 * np.pi / 3
    centres = 1.5 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return centres + generator.normal(size=(count, 2)), classes


def moons(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles of radius 1 with noise of 0.2."""
    classes = generator.integers(2, size=count)
    angles = generator.uniform(0, np.pi, size=count)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    return np.where(classes[:, None] == 0, upper, lower) + 0.2 * generator.normal(size=(count, 2)), classes


PROBLEMS = {
    "logistic": Problem({"0.weight": (3, 2), "0.bias": (3,)}, blobs, ((-4, 4), (-4, 4)), 1.0, seed=1, iterations=5000),
    "moons": Problem(
        {"0.weight": (HIDDEN, 2), "0.bias": (HIDDEN,), "2.weight": (2, HIDDEN), "2.bias": (2,)},
        moons,
        ((-2, 3), (-1.5, 2)),
        prior_deviation=2.0,
        seed=2,
        iterations=8_000,
    ),
}
"""Weights are named as in torch's nn.Sequential of dense layers and tanh."""


def make_data(problem: Problem) -> dict[str, np.ndarray]:
    """Labels, 60 inputs to judge on (40 of the law, 20 of the box), and held-out labels."""
    generator = np.random.default_rng(problem.seed)
    inputs, classes = problem.sample(generator, NUM_LABELS)
    of_law, _ = problem.sample(generator, 40)
    low, high = np.array(problem.box).T
    of_box = generator.uniform(low, high, size=(20, 2))
    held_out, held_out_classes = problem.sample(generator, NUM_HELD_OUT)
    # A Bayesian head measures features so: its prior is then the prior here.
    origin, scale = inputs.mean(0), np.concatenate([inputs, held_out]).std(0)
    inputs, of_law, of_box, held_out = ((each - origin) / scale for each in (inputs, of_law, of_box, held_out))
    return {
        "inputs": inputs.astype(np.float32),
        "classes": classes.astype(np.int64),
        "test_inputs": np.concatenate([of_law, of_box]).astype(np.float32),
        "held_out_inputs": held_out.astype(np.float32),
        "held_out_classes": held_out_classes.astype(np.int64),
    }


def run(name: str, folder: Path) -> None:
    """Sample one problem's posterior, judge the chains, and write them where they agree."""
    import jax
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    jax.config.update("jax_enable_x64", True)
    problem, data = PROBLEMS[name], make_data(PROBLEMS[name])

    def log_probs(weights: dict[str, jax.Array], inputs: jax.Array) -> jax.Array:
        layers = sorted({key.split(".")[0] for key in problem.shapes})
        values = inputs
        for layer in layers:
            values = jnp.tanh(values) if layer != layers[0] else values
            values = values @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        return jax.nn.log_softmax(values)

    def model(inputs: jax.Array, classes: jax.Array) -> None:
        weights = {
            key: numpyro.sample(key, dist.Normal(0, problem.prior_deviation).expand(shape).to_event())
            for key, shape in problem.shapes.items()
        }
        numpyro.sample("classes", dist.Categorical(logits=log_probs(weights, inputs)), obs=classes)

    began = time.perf_counter()
    sampler = numpyro.infer.MCMC(
        numpyro.infer.NUTS(model, target_accept_prob=0.9, init_strategy=numpyro.infer.init_to_sample),
        num_warmup=WARM_UP,
        num_samples=problem.iterations,
        num_chains=CHAINS,
        chain_method="sequential",
        progress_bar=False,
    )
    sampler.run(
        jax.random.key(problem.seed),
        jnp.asarray(data["inputs"], jnp.float64),
        jnp.asarray(data["classes"]),
        extra_fields=("diverging", "num_steps"),
    )
    seconds = time.perf_counter() - began
    chains = sampler.get_samples(group_by_chain=True)  # each [chains, iterations, ...]
    predict = jax.jit(jax.vmap(jax.vmap(log_probs, (0, None)), (0, None)))
    predicted = np.asarray(predict(chains, jnp.asarray(data["test_inputs"], jnp.float64)))  # [chains, it, 60, C]
    labels = np.asarray(predict(chains, jnp.asarray(data["inputs"], jnp.float64)))  # [chains, it, 30, C]
    likelihood = np.take_along_axis(labels, data["classes"][None, None, :, None], axis=-1).sum((2, 3))
    judged = functions_of(predicted, likelihood, np.random.default_rng(0))  # [chains, it, F]
    r_hat = np.asarray(split_gelman_rubin(judged))
    sizes = np.asarray(effective_sample_size(judged))
    extra = sampler.get_extra_fields()
    report = {
        "model": {key: list(shape) for key, shape in problem.shapes.items()},
        "prior_deviation": problem.prior_deviation,
        "sampler": f"NUTS, numpyro {numpyro.__version__}, jax {jax.__version__}, float64",
        "chains": CHAINS,
        "warm_up": WARM_UP,
        "iterations_per_chain": problem.iterations,
        "draws_kept": KEPT,
        "seed": problem.seed,
        "functions_judged": judged.shape[-1],
        "largest_r_hat": round(float(r_hat.max()), 5),
        "smallest_effective_sample_size": round(float(sizes.min())),
        "median_effective_sample_size": round(float(np.median(sizes))),
        "divergent": int(np.asarray(extra["diverging"]).sum()),
        "leapfrog_steps_per_iteration": round(float(np.asarray(extra["num_steps"]).mean()), 1),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(report, indent=2))
    if not r_hat.max() <= MOST_R_HAT:
        raise SystemExit(
            f"{name}: R-hat is {r_hat.max():.4f}, above {MOST_R_HAT}: the chains do not agree; not written"
        )
    every = CHAINS * problem.iterations // KEPT
    thinned = {key: np.asarray(values)[:, ::every].reshape(-1, *values.shape[2:]) for key, values in chains.items()}
    stored = {key: values.astype(np.float16) for key, values in thinned.items()}
    # As computed from the weights that are stored, so that what reads them can be held against this program.
    some = {key: jnp.asarray(values[: problem.keep_predictions], jnp.float64) for key, values in stored.items()}
    check = jax.vmap(log_probs, (0, None))(some, jnp.asarray(data["test_inputs"], jnp.float64))
    arrays = {**data, **{f"draws.{key}": values for key, values in stored.items()}}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / f"{name}.npz",
        **arrays,
        some_log_probs=np.asarray(check, dtype=np.float32),
        prior_deviation=np.float64(problem.prior_deviation),
    )
    (folder / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def functions_of(predicted: np.ndarray, likelihood: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What R-hat is taken of: log-odds, products of probabilities at pairs of inputs, the log-likelihood.

    [chains, iterations, n, C], [chains, iterations] -> [chains, iterations, F]
    """
    odds = (predicted[..., 1:] - predicted[..., :1]).reshape(*predicted.shape[:2], -1)
    first = np.exp(predicted[..., 0])  # [chains, iterations, n]
    pairs = generator.integers(first.shape[-1], size=(2, 100))
    products = first[..., pairs[0]] * first[..., pairs[1]]
    return np.concatenate([odds, products, likelihood[..., None]], axis=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PROBLEMS, nargs="+", default=list(PROBLEMS))
    parser.add_argument("--out", type=Path, default=Path("tests/posteriors/reference"))
    arguments = parser.parse_args()
    for name in arguments.only:
        run(name, arguments.out)


if __name__ == "__main__":
    main()
