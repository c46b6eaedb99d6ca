"""How often the intervals of `lindley compare` hold the truth, and how wide they are, beside other procedures.

    python benchmarks/interval_coverage.py --repetitions 1000 --out reports/benchmarks/interval-coverage.csv
    python benchmarks/interval_coverage.py --table reports/benchmarks/interval-coverage.csv
    python benchmarks/interval_coverage.py --families 2000      # how often four equal acquisitions raise an alarm
    python benchmarks/interval_coverage.py --seen 300          # how often is seen what "could have been seen"
    python benchmarks/interval_coverage.py --seen-areas 2000   # the same of mean accuracies

Studies are simulated seed by seed: each acquisition reaches the level after some number of labels, known exactly, and
is seen to have done so at the end of a round, or not at all. The truth is the median over seeds of the paired ratio.
Widths are of the logarithm of the ratio. A line is written as each setting is done; the same command goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import records
from numpy.typing import NDArray
from scipy import stats

from lindley.seeds import numpy_generator
from lindley.study.comparison.exact_tests import (
    FAMILY_LEVEL,
    detectable_shift,
    deviation_from_interval,
    pair_tests,
    step_down,
    two_sided_p,
)
from lindley.study.comparison.label_ratio import sample_median_difference
from lindley.study.comparison.labels_to_target import Crossing
from lindley.study.comparison.paired_labels import log_saving

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats]

FINE = tuple(range(20, 221, 10))
HUNDREDS = tuple(range(20, 1021, 100))


@dataclass(frozen=True)
class Setting:
    """Logarithms of the labels needed are centre + common (of the seed) + difference + own (of each acquisition)."""

    grid: tuple[int, ...] = FINE
    """Labels at which there is a round."""
    centre: float = 100.0
    """Labels that the second needs."""
    saving: float = 0.25
    """Of the first, in the median pair."""
    common: float = 0.25
    own: tuple[float, float] = (0.15, 0.15)
    law: str = "normal"


SETTINGS: dict[str, Setting] = {
    "no difference": Setting(saving=0.0),
    "plain": Setting(),
    "little spread": Setting(saving=0.1, common=0.1, own=(0.05, 0.05)),
    "unequal spread": Setting(own=(0.05, 0.4)),
    "rounds of 40": Setting((20, 60, 100, 140, 180, 220), 110.0, common=0.2),
    "rounds of 100": Setting(HUNDREDS, 350.0, 0.33, 0.15, (0.1, 0.15)),
    "rounds of 100, little spread": Setting(HUNDREDS, 350.0, 0.33, 0.03, (0.04, 0.04)),
    "rounds of 200, little spread": Setting((20, 220, 420, 620, 820, 1020), 500.0, 0.4, 0.05, (0.03, 0.03)),
    "fifth not reached": Setting(centre=150.0, own=(0.15, 0.3)),
    "two fifths not reached": Setting(centre=195.0, common=0.2, own=(0.15, 0.3)),
    "outliers": Setting(law="t3"),
    "skewed": Setting(law="exponential"),
    "seeds of unequal spread": Setting(law="scale"),
}

AREA_LAWS = ("normal", "t3", "exponential", "scale")


def simulated(setting: Setting, pairs: int, repetitions: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Logarithms of the labels needed by the first and by the second.  two [R, N]

    The centre moves by up to a fifth between repetitions, so that no setting lies well or badly on its grid.
    """
    shape = (repetitions, pairs)
    centre = np.log(setting.centre) + generator.uniform(-0.2, 0.2, (repetitions, 1))
    common = centre + setting.common * generator.standard_normal(shape)
    first, second = (scale * _noise(setting.law, shape, generator) for scale in setting.own)
    return common + np.log1p(-setting.saving) + first, common + second


def cells(logs: Floats, grid: tuple[int, ...]) -> Floats:
    """The cell of each crossing on the grid of the rounds, in logarithms.  [R, N] -> [R, N, 2]"""
    edges = np.concatenate([[-np.inf], np.log(grid), [np.inf]])
    above = np.searchsorted(edges, logs, side="left")
    return np.stack([edges[above - 1], edges[above]], axis=-1)


def ours(mine: Floats, theirs: Floats, generator: np.random.Generator) -> Interval:
    drawn = sample_median_difference(mine, theirs, generator=generator, iterations=1600)[100:]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return low, high


def student(mine: Floats, theirs: Floats, generator: np.random.Generator) -> Interval:
    """Student's interval for the mean of the middles; what was not reached counts as reached with the last label."""
    middle = _middle(mine) - _middle(theirs)
    half = stats.t.ppf(0.975, middle.shape[1] - 1) * middle.std(1, ddof=1) / np.sqrt(middle.shape[1])
    return middle.mean(1) - half, middle.mean(1) + half


def signed_rank(mine: Floats, theirs: Floats, generator: np.random.Generator) -> Interval:
    """Wilcoxon's interval: the middles' Walsh averages that the exact test does not reject."""
    middle = _middle(mine) - _middle(theirs)
    return _walsh(middle)[0], _walsh(middle)[1]


def worst_ends(mine: Floats, theirs: Floats, generator: np.random.Generator) -> Interval:
    """The sign test's interval for the median, its ends at the ends of the cells that are worst for each seed."""
    low, high = mine[..., 0] - theirs[..., 1], mine[..., 1] - theirs[..., 0]
    pairs = low.shape[1]
    drop = 0
    while stats.binom.cdf(drop, pairs, 0.5) <= 0.025:
        drop += 1
    return np.sort(low, axis=1)[:, max(drop - 1, 0)], np.sort(high, axis=1)[:, pairs - 1 - max(drop - 1, 0)]


def bootstrap(mine: Floats, theirs: Floats, generator: np.random.Generator) -> Interval:
    """Percentiles of the resampled median of the middles."""
    middle = _middle(mine) - _middle(theirs)
    repetitions, pairs = middle.shape
    medians = np.stack(
        [
            np.median(np.take_along_axis(middle, generator.integers(0, pairs, (repetitions, pairs)), 1), axis=1)
            for _ in range(500)
        ]
    )
    low, high = np.quantile(medians, (0.025, 0.975), axis=0)
    return low, high


PROCEDURES: dict[str, Callable[[Floats, Floats, np.random.Generator], Interval]] = {
    "lindley": ours,
    "Student, middles": student,
    "signed rank, middles": signed_rank,
    "bootstrap of the median, middles": bootstrap,
    "sign test, worst ends": worst_ends,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--pairs", type=int, nargs="+", default=[6, 10, 20])
    parser.add_argument("--settings", default=";".join(SETTINGS), help="names separated by ';' (default: all)")
    parser.add_argument("--out", type=Path, help="a CSV file that is continued")
    parser.add_argument("--table", type=Path, help="print the table of such a file, and stop")
    parser.add_argument("--families", type=int, help="count false alarms in so many families, and stop")
    parser.add_argument("--seen", type=int, help="count in so many studies what could have been seen, and stop")
    parser.add_argument("--seen-areas", type=int, help="the same of mean accuracies, and stop")
    parser.add_argument("--family", type=int, nargs="+", default=[1], help="with --seen-areas: comparisons at once")
    options = parser.parse_args()
    if options.families:
        for name in ("two fifths not reached", "rounds of 100, little spread"):
            for pairs in options.pairs:
                share = 100 * false_alarms(name, pairs, options.families)
                print(f"{name}, {pairs} seeds: {share:.1f} % of {options.families} families")
        return
    if options.seen:
        for name in options.settings.split(";"):
            for pairs in options.pairs:
                fewer, more = (100 * seen(name, pairs, options.seen, side) for side in (-1, 1))
                print(
                    f"{name}, {pairs} seeds: {fewer:.0f} % where fewer labels are needed, {more:.0f} % where more are"
                )
        return
    if options.seen_areas:
        for law in AREA_LAWS:
            for pairs in options.pairs:
                for family in options.family:
                    share = 100 * seen_in_areas(law, pairs, family, options.seen_areas)
                    print(f"{law}, {pairs} seeds, families of {family}: {share:.0f} %")
        return
    if options.table:
        print(table(records.read(options.table)))
        return
    if options.out is None:
        parser.error("--out is needed: where the lines go")
    done = records.read(options.out)
    for name in options.settings.split(";"):
        for pairs in options.pairs:
            if not records.is_done(done, setting=name, pairs=pairs):
                for row in measured(name, pairs, options.repetitions):
                    records.append(options.out, row)


def measured(name: str, pairs: int, repetitions: int) -> list[dict[str, object]]:
    """Coverage and median width of every procedure on the same simulated studies, and of Student's with no grid."""
    setting = SETTINGS[name]
    generator = numpy_generator(0, "interval coverage", name, pairs)
    first, second = simulated(setting, pairs, repetitions, generator)
    seen = cells(first, setting.grid), cells(second, setting.grid)
    exact = np.stack([first, first], axis=-1), np.stack([second, second], axis=-1)
    found = {procedure: interval(*seen, generator) for procedure, interval in PROCEDURES.items()}
    found["Student, had the crossings been seen"] = student(*exact, generator)
    truth = _truth(setting)
    return [
        {
            "setting": name,
            "pairs": pairs,
            "procedure": procedure,
            "coverage": float(((low <= truth) & (high >= truth)).mean()),
            "width": float(np.median(high - low)),
            "repetitions": repetitions,
        }
        for procedure, (low, high) in found.items()
    ]


def false_alarms(name: str, pairs: int, families: int) -> float:
    """The share of families with any detected difference, where four acquisitions are equally good.

    Each pair has three measures: labels, a mean that follows from how soon the level is reached, and one that hardly
    does. Seeds are unequally spread; on a coarse grid nearly all crossings are at one of two rounds, so that most are
    ties.
    """
    setting = SETTINGS[name]
    generator = numpy_generator(0, "false alarms", name, pairs)
    shape = (families, pairs)
    common = np.log(setting.centre) + setting.common * generator.standard_normal(shape)
    scale = setting.own[0] * np.exp(0.7 * generator.standard_normal(shape))  # of the seed
    reached = [common + scale * generator.standard_normal(shape) for _ in range(4)]
    others = [each + 2 * scale * generator.standard_normal(shape) for each in reached]
    measures = [
        (_savings(first, reached[0], setting.grid), reached[0] - first, others[0] - other)
        for first, other in zip(reached[1:], others[1:], strict=True)
    ]
    alarms = 0
    for family in range(families):
        tests = [pair_tests([measure[family].tolist() for measure in of_pair]) for of_pair in measures]
        alarms += min(map(min, step_down(tests))) <= FAMILY_LEVEL
    return alarms / families


def seen(name: str, pairs: int, repetitions: int, side: int) -> float:
    """How often a difference is detected that is as large as a study without one says that it could have seen.

    Of the studies that say so, which are those where enough pairs tell something.
    """
    setting, generator = replace(SETTINGS[name], saving=0.0), numpy_generator(0, "seen", name, pairs)
    told = [cells(each, setting.grid) for each in simulated(setting, pairs, repetitions, generator)]
    low, high = ours(*told, generator)
    spread = [deviation_from_interval(width, pairs) for width in high - low]
    widths = np.stack(told)[..., 1] - np.stack(told)[..., 0]  # [2, R, N]
    rounds = np.nanmedian(np.where(np.isfinite(widths), widths, np.nan), axis=(0, 2))
    reached = np.isfinite(np.stack(told)[..., 1])  # [2, R, N]
    decided = (reached.any(0) if side < 0 else reached[1]).sum(1)  # [R]
    shift = np.array(
        [
            detectable_shift(int(some), 1, each / apart) * apart
            for some, each, apart in zip(decided, rounds, spread, strict=True)
        ]
    )
    first, second = simulated(setting, pairs, repetitions, generator)
    savings = _savings(first + side * shift[:, None], second, setting.grid)[np.isfinite(shift)]
    return float(np.mean([two_sided_p(each.tolist()) <= FAMILY_LEVEL for each in savings]))


def seen_in_areas(law: str, pairs: int, family: int, repetitions: int) -> float:
    """How often a gain in mean accuracy is detected that a study without one says it could have seen.

    Each acquisition's area is one of its own law about what the seed has in common, which the pair takes away. NaN
    where so many pairs can detect nothing.
    """
    generator = numpy_generator(0, "seen in areas", law, pairs)
    without, others = (
        np.subtract(*(_noise(law, (repetitions, pairs), generator) for _ in range(2))) for _ in range(2)
    )  # [R, N]
    widths = 2 * stats.t.ppf(0.975, pairs - 1) * stats.sem(without, axis=1)
    shift = detectable_shift(pairs, family, estimated=True)
    if np.isinf(shift):
        return float("nan")
    moved = others + shift * np.array([deviation_from_interval(width, pairs) for width in widths])[:, None]
    return float(np.mean([two_sided_p(each.tolist()) <= FAMILY_LEVEL / family for each in moved]))


def table(rows: list[dict[str, str]]) -> str:
    """Coverage in % and median width, a line a setting; and our width by that of the best which covers 93 %."""
    names = list(dict.fromkeys(row["procedure"] for row in rows))
    lines = []
    for setting, pairs in dict.fromkeys((row["setting"], row["pairs"]) for row in rows):
        found = {row["procedure"]: row for row in rows if (row["setting"], row["pairs"]) == (setting, pairs)}
        tried = [found[name] for name in PROCEDURES if float(found[name]["coverage"]) >= 0.93]
        best = min((float(row["width"]) for row in tried), default=float("nan"))
        told = [f"{100 * float(found[name]['coverage']):.1f}, {float(found[name]['width']):.2f}" for name in names]
        lines.append([setting, pairs, *told, f"{float(found['lindley']['width']) / best:.2f}"])
    return records.markdown(["setting", "seeds", *names, "width by the best's"], lines)


def _savings(first: Floats, second: Floats, grid: tuple[int, ...]) -> Floats:
    """As the test of `lindley compare` has them, by its own function.  two [R, N] -> [R, N]"""
    told = [
        [
            log_saving(mine, theirs)
            for mine, theirs in zip(_crossings(ours, grid), _crossings(others, grid), strict=True)
        ]
        for ours, others in zip(first, second, strict=True)
    ]
    return np.array(told)


def _crossings(logs: Floats, grid: tuple[int, ...]) -> list[Crossing]:
    """Where each is first seen to have been reached; what was reached is kept.  [N]"""
    above = np.searchsorted(np.log(grid), logs, side="left")
    last = float(grid[-1])
    return [
        Crossing(last, censored=True, labels_before=last)
        if place == len(grid)
        else Crossing(float(grid[place]), labels_before=float(grid[max(place - 1, 0)]))
        for place in above.tolist()
    ]


def _truth(setting: Setting) -> float:
    """The median of the paired difference: by symmetry the saving, but where the two are skewed by unequal amounts."""
    if setting.law != "exponential" or setting.own[0] == setting.own[1]:
        return float(np.log1p(-setting.saving))
    first, second = simulated(replace(setting, common=0.0), 1, 1_000_000, numpy_generator(0, "truth"))
    return float(np.median(first - second))


def _noise(law: str, shape: tuple[int, int], generator: np.random.Generator) -> Floats:
    if law == "t3":
        return generator.standard_t(3, shape)
    if law == "exponential":
        return generator.exponential(1.0, shape) - 1.0
    scale = np.exp(0.7 * generator.standard_normal(shape)) if law == "scale" else 1.0
    return scale * generator.standard_normal(shape)


def _middle(cell: Floats) -> Floats:
    """The middle of a cell; its only end where the other is open."""
    low = np.where(np.isfinite(cell[..., 0]), cell[..., 0], cell[..., 1])
    high = np.where(np.isfinite(cell[..., 1]), cell[..., 1], cell[..., 0])
    return (low + high) / 2


def _walsh(values: Floats) -> Interval:
    pairs = values.shape[1]
    one, other = np.triu_indices(pairs)
    averages = np.sort((values[:, one] + values[:, other]) / 2, axis=1)
    ways = np.ones(1)
    for rank in range(1, pairs + 1):
        longer = np.zeros(ways.size + rank)
        longer[: ways.size] += ways
        longer[rank:] += ways
        ways = longer / 2
    drop = int(np.searchsorted(np.cumsum(ways), 0.025, side="right"))
    return averages[:, max(drop - 1, 0)], averages[:, -1 - max(drop - 1, 0)]


if __name__ == "__main__":
    main()
