"""The comparison of a study: who is compared, and the result as sentences, tables, CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lindley.errors import InputError
from lindley.measures.catalogue import METRICS, Unit
from lindley.study.comparison.contrasts import Contrast, correct_family, measure_contrasts, reference_acquisition
from lindley.study.comparison.instability import Instability, describe_instability, measure_instability
from lindley.study.comparison.paired import format_percent
from lindley.study.comparison.probabilities import (
    AverageAgainstSingle,
    MetricSummary,
    Spread,
    Tally,
    compare_average_with_single,
    describe_average_against_single,
    describe_disagreements,
    join_names,
    summarise_metrics,
)
from lindley.study.comparison.selections import QuerySummary, summarise_queries
from lindley.study.comparison.verdicts import (
    display_digits,
    display_scale,
    format_contrast_level,
    format_number,
    summarise_detected,
    verdict,
    verdicts,
)
from lindley.study.plot_style import acquisition_title
from lindley.study.report.tables import Table, format_spread
from lindley.study.results import ExperimentResults, StudyResults

_METHOD_NOTE = (
    "Pairs share a seed: the same initial labels and the same test set. Labels: the first number of labels, the "
    "initial ones included, at which the accuracy is reached and kept for two more rounds. An asterisk marks a "
    "crossing in the last two rounds: it may be lost again, and is only known to be later than the round before. “> n” "
    "means not reached with n labels. The estimate is the median over seeds of the paired share of labels saved; each "
    "crossing is known to lie between two rounds, or beyond the last. Mean accuracy and mean NLL are areas under the "
    "curve divided by the range of labels; a lower NLL is better. p comes from exact two-sided signed-rank tests. "
    "“Detected” means p ≤ 0.05 after correction over {family}: labels, mean accuracy and mean NLL of every pair in "
    "every experiment. Each interval belongs to one comparison alone. The minimum detectable difference is the one "
    "that so many seeds detect with a probability of about 80 %, if seeds vary and rounds lie apart as they do here "
    "(–: unknown, or larger than the rounds can show; nothing: too few seeds to detect any difference). Measures "
    "without p are counted, not tested."
)

UNTESTED_TABLES = ("compared-queried", "compared-probabilities", "compared-draws")
"""Beginnings of the names of tables without tests; comparison.csv holds the tested comparisons."""


@dataclass(frozen=True)
class ExperimentComparison:
    """The comparison of one experiment: tests, quality of probabilities, queried rows and stability of fits."""

    title: str
    name: str
    against: str
    contrasts: tuple[Contrast, ...]
    queries: tuple[QuerySummary, ...]
    instability: tuple[Instability, ...]
    metrics: tuple[MetricSummary, ...]
    predictions: tuple[AverageAgainstSingle, ...]

    @property
    def headlines(self) -> list[str]:
        """The main results: detected differences, and where NLL contradicts accuracy or averaging draws worsens it."""
        return [
            *summarise_detected(self.contrasts),
            *describe_disagreements(self.metrics),
            *describe_average_against_single(self.predictions),
        ]

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each comparison, the limits of so few seeds, and unstable fits."""
        return [*verdicts(self.contrasts), *describe_instability(self.instability)]


def compare(
    results: StudyResults, against: str | None = None, *, accuracy: float | None = None
) -> list[ExperimentComparison]:
    """Compare the acquisitions of every experiment with `against`; all comparisons are one family.

    Args:
        results: The study.
        against: The reference; by default random, or the first acquisition of an experiment without random.
        accuracy: The accuracy to which labels are counted, in [0, 1]; by default `common_accuracy` of each experiment.

    Raises:
        InputError: If no experiment has a trial of `against`.
    """
    experiments = [
        experiment
        for experiment in results.experiments
        if experiment.trials and against in (None, *experiment.acquisitions)
    ]
    if not experiments and against is not None:
        found = list(dict.fromkeys(name for experiment in results.experiments for name in experiment.acquisitions))
        raise InputError(
            "Choose one of these, or finish a round of it first.",
            argument="against",
            expected=f"an acquisition with a finished round ({', '.join(found) or 'there is none yet'})",
            got=against,
        )
    measured = [measure_contrasts(experiment, against, accuracy=accuracy) for experiment in experiments]
    family = iter(correct_family([each for members in measured for each in members]))
    return [
        _compare_experiment(experiment, against, [next(family) for _ in members])
        for experiment, members in zip(experiments, measured, strict=True)
        if members
    ]


def explain_comparison(compared: Sequence[ExperimentComparison]) -> str:
    """Return the method of the comparisons of a page, and how many there are."""
    members = [contrast for experiment in compared for contrast in experiment.contrasts]
    pairs = members[0].family_pairs if members else 0
    family = f"all comparisons of this page, which are one family ({len(members)}, of {pairs} pairs of acquisitions)"
    return _METHOD_NOTE.format(family=family if len(members) > 1 else "the one comparison of this page")


def explain_missing_comparisons(
    results: StudyResults, compared: Sequence[ExperimentComparison], against: str | None = None
) -> list[str]:
    """Return one sentence for each experiment in which `compare` found nothing to compare.

    Args:
        results: The study.
        compared: The result of `compare`.
        against: The reference that `compare` was called with.
    """
    found = {each.name for each in compared}
    return [
        _explain_missing_comparison(experiment, against)
        for experiment in results.experiments
        if experiment.name not in found
    ]


def tables(compared: ExperimentComparison) -> list[Table]:
    """Return the tables of an experiment: labels, mean accuracy, mean NLL, metrics, predictions and queried rows."""
    reference = acquisition_title(compared.against)
    found = []
    for measure, title in _TITLES.items():
        members = [each for each in compared.contrasts if each.measure == measure]
        if members:
            found.append(_contrast_table(compared, members, f"{title}, against {reference}"))
    if compared.metrics:
        found.append(_metrics_table(compared, reference))
    if compared.predictions:
        found.append(_predictions_table(compared))
    if compared.queries:
        found.append(_queries_table(compared, reference))
    return found


def as_json(compared: Sequence[ExperimentComparison]) -> list[dict[str, Any]]:
    """Return plain values in natural units (shares and accuracies in [0, 1]); None stands for infinity."""
    return [
        {
            "experiment": each.name,
            "title": each.title,
            "against": each.against,
            "contrasts": [_contrast_values(contrast) for contrast in each.contrasts],
            "queries": [asdict(line) for line in each.queries],
            "instability": [asdict(line) for line in each.instability],
            "headlines": each.headlines,
            "probabilities": [_infinite_as_none(asdict(line)) for line in each.metrics],
            "draws": [_infinite_as_none(asdict(line)) for line in each.predictions],
        }
        for each in compared
    ]


def csv_rows(compared: Sequence[ExperimentComparison]) -> list[tuple[object, ...]]:
    """Return a header, then one row for each comparison."""
    plain = [_contrast_values(contrast) for each in compared for contrast in each.contrasts]
    header = tuple(key for key in plain[0] if key != "interval") if plain else ()
    rows = [(*(line[key] for key in header), *(line["interval"] or ("", ""))) for line in plain]
    return [(*header, "low", "high"), *rows]


def _explain_missing_comparison(experiment: ExperimentResults, against: str | None) -> str:
    if against is None and len(experiment.acquisitions) > 1:
        against = reference_acquisition(experiment, None)
    required = "two acquisitions" if against is None else f"{acquisition_title(against)} and another acquisition"
    return f"{experiment.title}: nothing to compare. This requires {required} with two rounds under the same seed."


def _compare_experiment(
    experiment: ExperimentResults, against: str | None, found: Sequence[Contrast]
) -> ExperimentComparison:
    reference = reference_acquisition(experiment, against)
    return ExperimentComparison(
        experiment.title,
        experiment.name,
        reference,
        tuple(found),
        tuple(summarise_queries(experiment, reference)),
        tuple(measure_instability(experiment)),
        tuple(summarise_metrics(experiment, reference)),
        tuple(compare_average_with_single(experiment)),
    )


_TITLES = {
    "labels": "Labels needed",
    "mean_accuracy": "Mean accuracy over the rounds",
    "mean_nll": "Mean NLL over the rounds",
}
_COLUMNS = {
    "labels": ("labels to {level}", "fewer labels, %"),
    "mean_accuracy": ("mean accuracy %", "gain, points"),
    "mean_nll": ("mean NLL, bits", "lower by, bits"),
}
"""Columns of each measure: the observed value, and the estimate, which is positive in favour of the acquisition."""


def _contrast_table(compared: ExperimentComparison, members: Sequence[Contrast], title: str) -> Table:
    measure = members[0].measure
    what, estimate = _COLUMNS[measure]
    rows = tuple(
        (
            acquisition_title(each.acquisition) + ("" if each.up_to is None else f", to {each.up_to} labels"),
            str(each.pairs),
            each.median,
            each.median_against,
            _estimate_cell(each),
            _interval_cell(each),
            f"{each.ahead} : {each.behind}",
            f"{each.p:.2g}",
            f"{each.adjusted_p:.2g}",
            "yes" if each.is_detected else "no",
            _detectable_cell(each),
        )
        for each in members
    )
    columns = (
        "acquisition",
        "seeds",
        what.format(level=format_contrast_level(members[0])),
        f"for {acquisition_title(compared.against)}",
        estimate,
        "95 % interval",
        "better : worse",
        "p",
        "p, adjusted",
        "detected",
        "minimum detectable difference",
    )
    name = f"compared-{measure.replace('_', '-')}-{compared.name}"
    return Table(name, f"{compared.title}: {title}", columns, rows)


def _metrics_table(compared: ExperimentComparison, reference: str) -> Table:
    """Return a row for each acquisition and metric: at the last number of labels, and averaged over the rounds."""
    rows = []
    for each in compared.metrics:
        spec = METRICS[each.metric]
        what = ", ".join(filter(None, (spec.title, spec.unit.name)))
        final, mean = (_spread_cell(spread, spec.unit) for spread in (each.final, each.mean))
        tallies = (_tally_cell(each.final_tally), _tally_cell(each.mean_tally))
        rows.append((acquisition_title(each.acquisition), what, str(each.seeds), final, tallies[0], mean, tallies[1]))
    labels = compared.metrics[0].labels
    columns = (
        "acquisition",
        "metric",
        "seeds",
        f"with {labels} labels",
        "better : worse",
        "mean over the rounds",
        "mean better : worse",
    )
    names = join_names(dict.fromkeys(METRICS[each.metric].title for each in compared.metrics))
    title = f"{compared.title}: {names}, against {reference}"
    note = "Median (smallest to largest) over the seeds of finished trials, on the test set."
    return Table(f"{UNTESTED_TABLES[1]}-{compared.name}", title, columns, tuple(rows), note)


def _predictions_table(compared: ExperimentComparison) -> Table:
    rows = tuple(
        (
            acquisition_title(each.acquisition),
            str(each.trials),
            _spread_cell(each.average, METRICS["nll"].unit),
            _spread_cell(each.single, METRICS["nll_point"].unit),
            _tally_cell(each.final_tally),
            _tally_cell(each.mean_tally),
        )
        for each in compared.predictions
    )
    columns = (
        "acquisition",
        "seeds",
        "average of the draws",
        "dropout off",
        "average better : worse",
        "mean over the rounds, better : worse",
    )
    labels = compared.predictions[0].labels
    title = f"{compared.title}: NLL in bits with {labels} labels, average of the draws and single prediction"
    note = "Median (smallest to largest) over finished trials; both predictions come from the same model."
    return Table(f"{UNTESTED_TABLES[2]}-{compared.name}", title, columns, rows, note)


def _spread_cell(spread: Spread, unit: Unit) -> str:
    values = [spread.median] if spread.low == spread.high else [spread.low, spread.median, spread.high]
    return format_spread([unit.scale * each for each in values], unit.digits)


def _tally_cell(tally: Tally | None) -> str:
    return "–" if tally is None else f"{tally.better} : {tally.worse}"


def _queries_table(compared: ExperimentComparison, reference: str) -> Table:
    repeated = any(each.repeated is not None for each in compared.queries)
    rows = tuple(
        (
            acquisition_title(each.acquisition),
            str(each.labels),
            "–" if each.overlap is None else format_percent(each.overlap, 1),
            f"{each.evenness:.3f}",
            f"{each.rarest:.2f}",
            *(["–" if each.repeated is None else format_percent(each.repeated, 1)] if repeated else []),
        )
        for each in compared.queries
    )
    columns = (
        "acquisition",
        "queried",
        f"also queried by {reference}",
        "evenness of classes",
        "rarest class, relative to an even share",
        *(["inputs labelled before"] if repeated else []),
    )
    return Table(f"{UNTESTED_TABLES[0]}-{compared.name}", f"{compared.title}: queried rows", columns, rows)


def _estimate_cell(contrast: Contrast) -> str:
    return "unknown" if contrast.estimate is None else _format_estimate(contrast, contrast.estimate)


def _interval_cell(contrast: Contrast) -> str:
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return "–"
    low, high = contrast.interval
    return f"{_format_estimate(contrast, low)} to {_format_estimate(contrast, high)}"


def _detectable_cell(contrast: Contrast) -> str:
    """Return the minimum detectable difference; a dash where it is unknown or larger than the rounds can show."""
    if not contrast.detectable:
        return "nothing"
    if math.isinf(contrast.detectable_gain):
        return "–"
    gain = _format_estimate(contrast, contrast.detectable_gain)
    if contrast.measure != "labels" or math.isinf(contrast.detectable_loss):
        return gain
    return f"{gain} or {_format_estimate(contrast, -contrast.detectable_loss)}"


def _format_estimate(contrast: Contrast, value: float) -> str:
    """Return percent of labels, points of accuracy or bits of NLL, without the unit."""
    return format_number(display_scale(contrast) * value, display_digits(contrast)).replace("-", "−")


def _contrast_values(contrast: Contrast) -> dict[str, Any]:
    values = {
        **asdict(contrast),
        "detected": contrast.is_detected,
        "detectable": contrast.detectable,
        "detectable_gain": contrast.detectable_gain,
        "detectable_loss": contrast.detectable_loss,
    }
    values["verdict"] = verdict(contrast)
    if contrast.interval is not None:
        values["interval"] = tuple(map(_infinite_as_none, contrast.interval))
    return {key: _infinite_as_none(value) for key, value in values.items()}


def _infinite_as_none(value: Any) -> Any:
    """Return the value with None for infinities, also in nested dicts."""
    if isinstance(value, dict):
        return {key: _infinite_as_none(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
