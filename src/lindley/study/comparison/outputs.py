"""A comparison as tables for people, as CSV and as JSON."""

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
from lindley.study.report.tables import Table
from lindley.study.report.tables import format_spread as format_spread
from lindley.study.results import ExperimentResults, StudyResults

_HOW_COMPARED = (
    "Paired by seed: the same initial labels, the same test set. Labels: the first number, all labels counted, at "
    "which the accuracy is reached and kept for two more rounds (*: in the last two rounds, so that it may be lost "
    "again and only its being later than the round before is known; “> n”: not with n labels); what is given is the "
    "median over seeds of the paired share of labels saved, knowing each crossing only to lie between two rounds, or "
    "beyond the last one. Mean accuracy and mean NLL: the area under the curve over its range of labels; a low NLL is "
    "good. p: exact two-sided signed-rank tests; detected means p ≤ 0.05 after correction over {family}: labels, mean "
    "accuracy and mean NLL of every pair in every panel. Intervals are each of one comparison by itself. “Could have "
    "seen”: what difference would have been detected some four times in five by so many seeds, were they as unlike as "
    "they seem here and rounds as far apart (–: not known, or more than could be seen between the first round and the "
    "last; nothing: so few seeds can show no difference). What has no p is counted and not tested."
)

UNTESTED_TABLES = ("compared-queried", "compared-probabilities", "compared-draws")
"""How the names of the tables begin that hold no tested comparison: comparison.csv has those."""


@dataclass(frozen=True)
class ExperimentComparison:
    """One panel: who was compared with whom, how good probabilities are, what was asked for, how steady fits are."""

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
        """What comes before all else: what is detected, and where NLL contradicts accuracy, or draws worsen it."""
        return [
            *summarise_detected(self.contrasts),
            *describe_disagreements(self.metrics),
            *describe_average_against_single(self.predictions),
        ]

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each comparison, what so few seeds cannot show, and whether the fits are steady."""
        return [*verdicts(self.contrasts), *describe_instability(self.instability)]


def compare(
    results: StudyResults, against: str | None = None, *, accuracy: float | None = None
) -> list[ExperimentComparison]:
    """Compare every panel in which something can be compared with `against`; all comparisons are one family.

    Args:
        results: The study.
        against: Random where it is not given, or the first acquisition of a panel without random.
        accuracy: At which labels are counted, in [0, 1]; where it is not given, one for each panel.

    Raises:
        InputError: If no panel has a trial of `against`.
    """
    experiments = [
        experiment
        for experiment in results.experiments
        if experiment.trials and against in (None, *experiment.acquisitions)
    ]
    if not experiments and against is not None:
        found = list(dict.fromkeys(name for experiment in results.experiments for name in experiment.acquisitions))
        raise InputError(f'no panel has a finished round of "{against}"; there are {", ".join(found) or "none yet"}.')
    measured = [measure_contrasts(experiment, against, accuracy=accuracy) for experiment in experiments]
    family = iter(correct_family([each for members in measured for each in members]))
    return [
        _compare_experiment(experiment, against, [next(family) for _ in members])
        for experiment, members in zip(experiments, measured, strict=True)
        if members
    ]


def explain_comparison(compared: Sequence[ExperimentComparison]) -> str:
    """Explain how the comparisons of a page were made, and how many there are."""
    members = [contrast for experiment in compared for contrast in experiment.contrasts]
    pairs = members[0].family_pairs if members else 0
    family = f"all comparisons of this page, which are one family ({len(members)}, of {pairs} pairs of acquisitions)"
    return _HOW_COMPARED.format(family=family if len(members) > 1 else "the one comparison of this page")


def explain_missing_comparisons(
    results: StudyResults, compared: Sequence[ExperimentComparison], against: str | None = None
) -> list[str]:
    """One sentence for each panel that `compare` found nothing in."""
    found = {each.name for each in compared}
    return [
        _explain_missing_comparison(experiment, against)
        for experiment in results.experiments
        if experiment.name not in found
    ]


def tables(compared: ExperimentComparison) -> list[Table]:
    """Labels, mean accuracy, mean NLL, probabilities, draws and what was asked: those that there are."""
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
    """Plain values in natural units (shares and accuracies in [0, 1]); infinite is null."""
    return [
        {
            "panel": each.name,
            "title": each.title,
            "against": each.against,
            "contrasts": [_contrast_values(contrast) for contrast in each.contrasts],
            "asked": [asdict(line) for line in each.queries],
            "instability": [asdict(line) for line in each.instability],
            "headlines": each.headlines,
            "probabilities": [_infinite_as_none(asdict(line)) for line in each.metrics],
            "draws": [_infinite_as_none(asdict(line)) for line in each.predictions],
        }
        for each in compared
    ]


def csv_rows(compared: Sequence[ExperimentComparison]) -> list[tuple[object, ...]]:
    """A header, then one line a comparison."""
    plain = [_contrast_values(contrast) for each in compared for contrast in each.contrasts]
    header = tuple(key for key in plain[0] if key != "interval") if plain else ()
    rows = [(*(line[key] for key in header), *(line["interval"] or ("", ""))) for line in plain]
    return [(*header, "low", "high"), *rows]


def _explain_missing_comparison(experiment: ExperimentResults, against: str | None) -> str:
    if against is None and len(experiment.acquisitions) > 1:
        against = reference_acquisition(experiment, None)
    needs = "two acquisitions" if against is None else f"{acquisition_title(against)} and another acquisition"
    return f"{experiment.title}: nothing to compare; it needs {needs} with two rounds under the same seed."


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
"""Of each measure what was seen, and the estimate: above zero in favour of the first."""


def _contrast_table(compared: ExperimentComparison, members: Sequence[Contrast], title: str) -> Table:
    measure = members[0].measure
    what, estimate = _COLUMNS[measure]
    rows = tuple(
        (
            acquisition_title(each.acquisition) + ("" if each.up_to is None else f", to {each.up_to} labels"),
            str(each.pairs),
            *each.seen,
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
        f"of {acquisition_title(compared.against)}",
        estimate,
        "95 % interval",
        "better : worse",
        "p",
        "p, adjusted",
        "detected",
        "could have seen",
    )
    name = f"compared-{measure.replace('_', '-')}-{compared.name}"
    return Table(name, f"{compared.title}: {title}", columns, rows)


def _metrics_table(compared: ExperimentComparison, reference: str) -> Table:
    """A line for each acquisition and metric: at the end, and over the rounds."""
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
        "over the rounds",
        "there better : worse",
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
        "over the rounds better : worse",
    )
    labels = compared.predictions[0].labels
    title = f"{compared.title}: NLL in bits with {labels} labels, the draws and the single prediction"
    note = "Median (smallest to largest) over finished trials; both predictions are of the same model."
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
        "asked",
        f"also asked by {reference}",
        "evenness of classes",
        "rarest class, of an even share",
        *(["inputs labelled before"] if repeated else []),
    )
    return Table(f"{UNTESTED_TABLES[0]}-{compared.name}", f"{compared.title}: what was asked for", columns, rows)


def _estimate_cell(contrast: Contrast) -> str:
    return "not seen" if contrast.estimate is None else _format_estimate(contrast, contrast.estimate)


def _interval_cell(contrast: Contrast) -> str:
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return "–"
    low, high = contrast.interval
    return f"{_format_estimate(contrast, low)} to {_format_estimate(contrast, high)}"


def _detectable_cell(contrast: Contrast) -> str:
    """A dash where it is not known, or more than the rounds of the study could show."""
    if not contrast.detectable:
        return "nothing"
    if math.isinf(contrast.detectable_gain):
        return "–"
    gain = _format_estimate(contrast, contrast.detectable_gain)
    if contrast.measure != "labels" or math.isinf(contrast.detectable_loss):
        return gain
    return f"{gain} or {_format_estimate(contrast, -contrast.detectable_loss)}"


def _format_estimate(contrast: Contrast, value: float) -> str:
    """Percent of labels, points of accuracy or bits of NLL, without the unit."""
    return format_number(display_scale(contrast) * value, display_digits(contrast)).replace("-", "−")


def _contrast_values(contrast: Contrast) -> dict[str, Any]:
    values = {
        **asdict(contrast),
        "detected": contrast.is_detected,
        "detectable": contrast.detectable,
        "visible": contrast.detectable_gain,
        "visible_loss": contrast.detectable_loss,
    }
    values["seen"], values["seen_against"] = contrast.seen
    values["verdict"] = verdict(contrast)
    if contrast.interval is not None:
        values["interval"] = tuple(map(_infinite_as_none, contrast.interval))
    return {key: _infinite_as_none(value) for key, value in values.items()}


def _infinite_as_none(value: Any) -> Any:
    """The same with null for what is infinite, also within."""
    if isinstance(value, dict):
        return {key: _infinite_as_none(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
