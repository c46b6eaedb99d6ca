"""Quality of the probabilities: NLL and Brier score, and the average of the draws against the single prediction.

These are counts of seeds without a test; they show the direction of a difference. The mean NLL over the rounds is
tested in `contrasts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from lindley.measures.catalogue import METRICS, metrics_at
from lindley.study.comparison.curves import mean_over_labels
from lindley.study.comparison.signed_rank import SMALLEST_DIFFERENCE
from lindley.study.plot_style import acquisition_title
from lindley.study.results import ExperimentResults, TrialResults, paired_trials

_SINGLE = "nll_point"


@dataclass(frozen=True)
class Spread:
    """A metric over seeds, in its natural unit."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Tally:
    """Numbers of pairs in which the first is better, and worse; the others are ties."""

    better: int
    worse: int

    @property
    def sign(self) -> int:
        """1 where more pairs are better, -1 where more are worse, else 0."""
        return (self.better > self.worse) - (self.better < self.worse)


@dataclass(frozen=True)
class MetricSummary:
    """One metric of one acquisition over its finished trials, and against the reference by seed."""

    experiment: str
    acquisition: str
    against: str
    metric: str
    """Its name in the catalogue, such as nll."""
    labels: int
    """The study's last number of labels."""
    seeds: int
    """Number of finished trials; for the tallies, of pairs."""
    final: Spread
    """Value with the last number of labels."""
    mean: Spread
    """Mean over the rounds: the area under the curve over its range of labels."""
    final_tally: Tally | None
    """None for the reference itself."""
    mean_tally: Tally | None


@dataclass(frozen=True)
class AverageAgainstSingle:
    """NLL of the average of the draws and of the single prediction (dropout off), paired by trial."""

    experiment: str
    acquisition: str
    labels: int
    trials: int
    average: Spread
    """Value with the last number of labels in nats, like `single`."""
    single: Spread
    final_tally: Tally
    """Numbers of trials in which the average is better, and worse."""
    mean_tally: Tally
    """The same for means over the rounds."""


def summarise_metrics(experiment: ExperimentResults, reference: str) -> list[MetricSummary]:
    """Summarise every metric of the reference, then of every acquisition that shares a finished seed with it."""
    others = [name for name in experiment.acquisitions if name != reference]
    compared = [spec.name for spec in metrics_at("comparison")]
    found = [
        _summarise_metric(experiment, name, reference, metric) for name in (reference, *others) for metric in compared
    ]
    described = [each for each in found if each is not None]
    return described if any(each.final_tally for each in described) else []


def compare_average_with_single(experiment: ExperimentResults) -> list[AverageAgainstSingle]:
    """Compare the two predictions of every acquisition whose finished trials measured both."""
    found, last = [], experiment.last_labels
    for name in experiment.acquisitions:
        trials = [trial for trial in experiment.complete_trials if trial.acquisition == name]
        trials = [trial for trial in trials if _has_metric(trial, "nll") and _has_metric(trial, _SINGLE)]
        if trials:
            (average, single), means = (
                [[value(trial, metric) for trial in trials] for metric in ("nll", _SINGLE)]
                for value in (_final_value(last), _mean_value(last))
            )
            found.append(
                AverageAgainstSingle(
                    experiment.title,
                    name,
                    last,
                    len(trials),
                    _spread(average),
                    _spread(single),
                    _tally(-1, average, single),
                    _tally(-1, *means),
                )
            )
    return found


def describe_disagreements(described: Sequence[MetricSummary]) -> list[str]:
    """Return sentences on accuracy and NLL that point in opposite directions, at the end or over the rounds."""
    lines = {(each.acquisition, each.metric): each for each in described if each.final_tally is not None}
    names = [name for name, metric in lines if metric == "accuracy" and (name, "nll") in lines]
    both = [(lines[name, "accuracy"], lines[name, "nll"]) for name in names]
    sentences = []
    for scope, tally in ((None, _final_tally), ("on average over the rounds", _mean_tally)):
        for way in (1, -1):
            opposed = [each for each in both if [tally(line).sign for line in each] == [way, -way]]
            if opposed:
                sentences.append(
                    _describe_disagreement(scope or f"with {both[0][0].labels:,} labels", opposed, tally, way)
                )
    return sentences


def describe_average_against_single(beside: Sequence[AverageAgainstSingle]) -> list[str]:
    """Return a sentence where the average of the draws ends with a worse NLL than the single prediction."""
    if not any(each.final_tally.worse > each.final_tally.better for each in beside):
        return []
    ordered = sorted(beside, key=lambda each: (-each.final_tally.worse / each.trials, each.trials))
    groups = [
        f"{worse} of {trials} trials of {join_names([acquisition_title(each.acquisition) for each in group])}"
        for (worse, trials), group in groupby(ordered, key=lambda each: (each.final_tally.worse, each.trials))
    ]
    worse, trials = sum(each.mean_tally.worse for each in beside), sum(each.trials for each in beside)
    return [
        f"With {beside[0].labels:,} labels the average of the draws has a worse NLL than the single prediction with "
        f"dropout off in {join_names(groups)}; on average over the rounds in {worse} of {trials}."
    ]


def _describe_disagreement(
    scope: str,
    opposed: Sequence[tuple[MetricSummary, MetricSummary]],
    tally: Callable[[MetricSummary], Tally],
    way: int,
) -> str:
    """Return a sentence; `way` is 1 where accuracy is better and NLL worse, -1 in the opposite case."""
    accurate, nll = ("more", "worse") if way > 0 else ("less", "better")
    counts = [
        _format_counts([(max(tally(line).better, tally(line).worse), line.seeds) for line in lines])
        for lines in zip(*opposed, strict=True)
    ]
    names = join_names([acquisition_title(line.acquisition) for line, _ in opposed])
    verb, reference = "is" if len(opposed) == 1 else "are", acquisition_title(opposed[0][0].against)
    return (
        f"Accuracy and NLL disagree {scope}: {names} {verb} {accurate} accurate than {reference} in {counts[0]}, but "
        f"{nll} in NLL in {counts[1]}."
    )


def _final_tally(line: MetricSummary) -> Tally:
    return line.final_tally or Tally(0, 0)


def _mean_tally(line: MetricSummary) -> Tally:
    return line.mean_tally or Tally(0, 0)


def _summarise_metric(experiment: ExperimentResults, name: str, reference: str, metric: str) -> MetricSummary | None:
    last, done = experiment.last_labels, [trial for trial in experiment.complete_trials if _has_metric(trial, metric)]
    if name == reference:
        mine = [trial for trial in done if trial.acquisition == name]
        pairs = []
    else:
        pairs = [pair for pair in paired_trials(experiment, name, reference) if all(trial in done for trial in pair)]
        mine = [first for first, _ in pairs]
    if not mine:
        return None
    sign = METRICS[metric].sign
    (final, final_tally), (mean, mean_tally) = (
        (
            _spread(values := [value(trial, metric) for trial in mine]),
            _tally(sign, values, [value(trial, metric) for _, trial in pairs]) if pairs else None,
        )
        for value in (_final_value(last), _mean_value(last))
    )
    return MetricSummary(
        experiment.title, name, reference, metric, last, len(mine), final, mean, final_tally, mean_tally
    )


def _has_metric(trial: TrialResults, metric: str) -> bool:
    """Return whether every round has the metric; infinity counts."""
    return len(trial.rounds) > 1 and all(value == value for value in trial.metric(metric).tolist())


def _final_value(labels: int) -> Callable[[TrialResults, str], float]:
    return lambda trial, metric: trial.metric_at(metric, labels)


def _mean_value(labels: int) -> Callable[[TrialResults, str], float]:
    return lambda trial, metric: mean_over_labels(trial, metric, labels)


def _tally(sign: int, mine: Sequence[float], theirs: Sequence[float]) -> Tally:
    """Count the pairs; two infinite losses are a tie."""
    gains = [0.0 if a == b else sign * (a - b) for a, b in zip(mine, theirs, strict=True)]
    return Tally(sum(gain > SMALLEST_DIFFERENCE for gain in gains), sum(gain < -SMALLEST_DIFFERENCE for gain in gains))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def _format_counts(counts: Sequence[tuple[int, int]]) -> str:
    """Return "7 of 7 seeds", or "7, 6 and 7 of 7 seeds"."""
    totals = {total for _, total in counts}
    if len(set(counts)) == 1:
        return f"{counts[0][0]} of {counts[0][1]} seeds"
    if len(totals) == 1:
        return f"{join_names([str(count) for count, _ in counts])} of {counts[0][1]} seeds"
    return f"{join_names([f'{count} of {total}' for count, total in counts])} seeds"


def join_names(names: Iterable[str]) -> str:
    """Return "a", or "a, b and c"."""
    words = list(names)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
