"""How often the intervals of a labelling project hold the truth, in simulated projects.

    python benchmarks/project_coverage.py --repetitions 4000

A project is looked at after every label, with one model or with models that change: 30 rounds from 40 to 85 %, four
test labels a round. "At any look" is the share of projects in which an interval misses the accuracy of the model of
that moment at least once; "at the last look" is that of the end alone. An audit is drawn once, and judged once. The
forecast of the next 100 labels is held against the curve from which the project was drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache

import numpy as np
import records
from numpy.typing import NDArray

from lindley.labelling.accuracy import audit_interval, estimate_accuracy
from lindley.labelling.advice import forecast_gain
from lindley.seeds import numpy_generator

Floats = NDArray[np.float64]
estimate, audit = cache(estimate_accuracy), cache(audit_interval)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--forecasts", action="store_true", help="print the forecasts alone")
    given = parser.parse_args()
    if not given.forecasts:
        columns = ["projects", "Wilson, any look", "sequence, any look", "its lower end", "Wilson, last look"]
        print(records.markdown(columns, [[name, *cells] for name, cells in misses(given.repetitions)]))
        print()
        print(records.markdown(["audit of 60", "covers"], [*audits(given.repetitions)]))
        print()
    columns = ["forecast of the next 100 labels", "gain", "holds it", "median width"]
    print(records.markdown(columns, [*forecasts(given.repetitions)]))


def misses(repetitions: int) -> Iterator[tuple[str, list[str]]]:
    """Yield each kind of project with the shares of projects in which an interval misses."""
    fixed = {f"one model, {100 * share:g} %": np.full(391, share) for share in (0.7, 0.85, 0.95)}
    rising = np.repeat(0.85 - 0.45 * np.exp(-np.arange(30) / 8), 4)
    for name, accuracies in fixed.items():
        yield name, _shares(accuracies, 10, repetitions, renewed=0.0)
    for renewed, which in ((0.0, "the same items"), (0.2, "a fifth of others"), (1.0, "others")):
        yield f"changing models, {which} missed each round", _shares(rising, 1, repetitions, renewed=renewed)


def _shares(accuracies: Floats, first: int, repetitions: int, *, renewed: float) -> list[str]:
    """Return how often the intervals miss.

    Args:
        accuracies: The accuracy of the model at each look, [looks].
        first: The number of test labels at the first look; each look has one more.
        repetitions: The number of projects.
        renewed: The share of items on which a new model does not depend on the one before.
    """
    generator = numpy_generator(0, "misses", str(first), str(renewed))
    counts = np.zeros(4)
    for _ in range(repetitions):
        drawn = generator.uniform(size=first + len(accuracies) - 1)
        missed = np.zeros(4, dtype=bool)
        for look, accuracy in enumerate(accuracies):
            new_model = look and accuracy != accuracies[look - 1]
            if new_model and renewed:
                drawn = np.where(
                    generator.uniform(size=len(drawn)) < renewed, generator.uniform(size=len(drawn)), drawn
                )
            number = first + look
            found = estimate(int((drawn[:number] < accuracy).sum()), number)
            last = not found.low <= accuracy <= found.high
            always = not found.always_low <= accuracy <= found.always_high
            missed |= [last, always, found.always_low > accuracy, False]
        missed[3] = last
        counts += missed
    return [f"{100 * share:.1f} %" for share in counts / repetitions]


def audits(repetitions: int) -> Iterator[tuple[str, str]]:
    """Yield accuracies with how often an audit of 60 items of 5,000 covers them."""
    for share in (0.6, 0.7, 0.85, 0.95):
        drawn = numpy_generator(0, "audit", str(share)).hypergeometric(
            5000 * share, 5000 * (1 - share), 60, repetitions
        )
        covered = [low <= share <= high for low, high in (audit(int(each), 60) for each in drawn)]
        yield f"accuracy {100 * share:g} %", f"{100 * np.mean(covered):.1f} %"


def forecasts(repetitions: int) -> Iterator[tuple[str, ...]]:
    """Yield learning curves with how often the interval of the forecast, of 80 %, holds the gain."""
    labels = np.arange(10, 231, 10)
    curves = {
        "a power law, n^-0.35": lambda n: 1.6 * n**-0.35,
        "a power law with a floor of 15 %": lambda n: 0.15 + 2.0 * n**-0.5,
        "an exponential": lambda n: 0.15 + 0.45 * np.exp(-n / 80),
    }
    for name, curve in curves.items():
        generator = numpy_generator(0, "forecast", name)
        truth = curve(230.0) - curve(330.0)
        held, widths = 0, []
        for _ in range(repetitions):
            hardness = generator.uniform(size=72)
            errors = curve(labels.astype(float)) * (1 + 0.03 * generator.standard_normal(len(labels)))
            found = forecast_gain(labels.tolist(), hardness >= errors[:, None])
            assert found is not None
            held += found.low <= truth <= found.high
            widths.append(100 * (found.high - found.low))
        yield name, f"{100 * truth:.1f}", f"{100 * held / repetitions:.0f} %", f"{np.median(widths):.1f}"


if __name__ == "__main__":
    main()
