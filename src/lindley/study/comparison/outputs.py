"""A comparison as tables for people, as CSV and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lindley.errors import InputError
from lindley.measures.catalogue import METRICS, Unit
from lindley.study.comparison.contrasts import Contrast, as_family, measured_contrasts, reference_of
from lindley.study.comparison.instability import Instability, describe_instability, instability_of
from lindley.study.comparison.paired import percent
from lindley.study.comparison.probabilities import (
    DrawsBesideSingle,
    Probabilities,
    Spread,
    Tally,
    draws_beside_single,
    listed,
    probabilities_of,
    said_of_draws,
    said_of_probabilities,
)
from lindley.study.comparison.selections import Asked, asked
from lindley.study.comparison.verdicts import digits, in_short, level, scale, shown, verdict, verdicts
from lindley.study.plot_style import look
from lindley.study.report.tables import Table
from lindley.study.report.tables import spread as spread_words
from lindley.study.results import PanelResults, StudyResults

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

BESIDE = ("compared-queried", "compared-probabilities", "compared-draws")
"""How the names of the tables begin that hold no tested comparison: comparison.csv has those."""


@dataclass(frozen=True)
class PanelComparison:
    """One panel: who was compared with whom, how good probabilities are, what was asked for, how steady fits are."""

    title: str
    name: str
    against: str
    contrasts: tuple[Contrast, ...]
    asked: tuple[Asked, ...]
    instability: tuple[Instability, ...]
    probabilities: tuple[Probabilities, ...]
    draws: tuple[DrawsBesideSingle, ...]

    @property
    def headlines(self) -> list[str]:
        """What comes before all else: what is detected, and where NLL contradicts accuracy, or draws worsen it."""
        return [*in_short(self.contrasts), *said_of_probabilities(self.probabilities), *said_of_draws(self.draws)]

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each comparison, what so few seeds cannot show, and whether the fits are steady."""
        return [*verdicts(self.contrasts), *describe_instability(self.instability)]


def compare(
    results: StudyResults, against: str | None = None, *, accuracy: float | None = None
) -> list[PanelComparison]:
    """Compare every panel in which something can be compared with `against`; all comparisons are one family.

    Args:
        results: The study.
        against: Random where it is not given, or the first acquisition of a panel without random.
        accuracy: At which labels are counted, in [0, 1]; where it is not given, one for each panel.

    Raises:
        InputError: If no panel has a trial of `against`.
    """
    panels = [panel for panel in results.panels if panel.trials and against in (None, *panel.acquisitions)]
    if not panels and against is not None:
        found = list(dict.fromkeys(name for panel in results.panels for name in panel.acquisitions))
        raise InputError(f'no panel has a finished round of "{against}"; there are {", ".join(found) or "none yet"}.')
    measured = [measured_contrasts(panel, against, accuracy=accuracy) for panel in panels]
    family = iter(as_family([each for members in measured for each in members]))
    return [
        _compared(panel, against, [next(family) for _ in members])
        for panel, members in zip(panels, measured, strict=True)
        if members
    ]


def how_compared(compared: Sequence[PanelComparison]) -> str:
    """Explain how the comparisons of a page were made, and how many there are."""
    members = [contrast for panel in compared for contrast in panel.contrasts]
    pairs = members[0].family_pairs if members else 0
    family = f"all comparisons of this page, which are one family ({len(members)}, of {pairs} pairs of acquisitions)"
    return _HOW_COMPARED.format(family=family if len(members) > 1 else "the one comparison of this page")


def not_compared(results: StudyResults, compared: Sequence[PanelComparison], against: str | None = None) -> list[str]:
    """One sentence for each panel that `compare` found nothing in."""
    found = {each.name for each in compared}
    return [_not_compared(panel, against) for panel in results.panels if panel.name not in found]


def tables(compared: PanelComparison) -> list[Table]:
    """Labels, mean accuracy, mean NLL, probabilities, draws and what was asked: those that there are."""
    reference = look(compared.against).title
    made = []
    for measure, title in _TITLES.items():
        members = [each for each in compared.contrasts if each.measure == measure]
        if members:
            made.append(_contrast_table(compared, members, f"{title}, against {reference}"))
    if compared.probabilities:
        made.append(_probabilities_table(compared, reference))
    if compared.draws:
        made.append(_draws_table(compared))
    if compared.asked:
        made.append(_asked_table(compared, reference))
    return made


def as_json(compared: Sequence[PanelComparison]) -> list[dict[str, Any]]:
    """Plain values in natural units (shares and accuracies in [0, 1]); infinite is null."""
    return [
        {
            "panel": each.name,
            "title": each.title,
            "against": each.against,
            "contrasts": [_plain(contrast) for contrast in each.contrasts],
            "asked": [asdict(line) for line in each.asked],
            "instability": [asdict(line) for line in each.instability],
            "headlines": each.headlines,
            "probabilities": [_finite(asdict(line)) for line in each.probabilities],
            "draws": [_finite(asdict(line)) for line in each.draws],
        }
        for each in compared
    ]


def csv_rows(compared: Sequence[PanelComparison]) -> list[tuple[object, ...]]:
    """A header, then one line a comparison."""
    plain = [_plain(contrast) for each in compared for contrast in each.contrasts]
    header = tuple(key for key in plain[0] if key != "interval") if plain else ()
    rows = [(*(line[key] for key in header), *(line["interval"] or ("", ""))) for line in plain]
    return [(*header, "low", "high"), *rows]


def _not_compared(panel: PanelResults, against: str | None) -> str:
    if against is None and len(panel.acquisitions) > 1:
        against = reference_of(panel, None)
    needs = "two acquisitions" if against is None else f"{look(against).title} and another acquisition"
    return f"{panel.title}: nothing to compare; it needs {needs} with two rounds under the same seed."


def _compared(panel: PanelResults, against: str | None, found: Sequence[Contrast]) -> PanelComparison:
    reference = reference_of(panel, against)
    return PanelComparison(
        panel.title,
        panel.name,
        reference,
        tuple(found),
        tuple(asked(panel, reference)),
        tuple(instability_of(panel)),
        tuple(probabilities_of(panel, reference)),
        tuple(draws_beside_single(panel)),
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


def _contrast_table(compared: PanelComparison, members: Sequence[Contrast], title: str) -> Table:
    measure = members[0].measure
    what, estimate = _COLUMNS[measure]
    rows = tuple(
        (
            look(each.acquisition).title + ("" if each.up_to is None else f", to {each.up_to} labels"),
            str(each.pairs),
            *each.seen,
            _estimate(each),
            _interval(each),
            f"{each.ahead} : {each.behind}",
            f"{each.p:.2g}",
            f"{each.adjusted_p:.2g}",
            "yes" if each.detected else "no",
            _visible(each),
        )
        for each in members
    )
    columns = (
        "acquisition",
        "seeds",
        what.format(level=level(members[0])),
        f"of {look(compared.against).title}",
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


def _probabilities_table(compared: PanelComparison, reference: str) -> Table:
    """A line for each acquisition and metric: at the end, and over the rounds."""
    rows = []
    for each in compared.probabilities:
        spec = METRICS[each.metric]
        what = ", ".join(filter(None, (spec.title, spec.unit.name)))
        final, mean = (_spread_cell(spread, spec.unit) for spread in (each.final, each.mean))
        tallies = (_tally_cell(each.final_tally), _tally_cell(each.mean_tally))
        rows.append((look(each.acquisition).title, what, str(each.seeds), final, tallies[0], mean, tallies[1]))
    labels = compared.probabilities[0].labels
    columns = (
        "acquisition",
        "metric",
        "seeds",
        f"with {labels} labels",
        "better : worse",
        "over the rounds",
        "there better : worse",
    )
    names = listed(dict.fromkeys(METRICS[each.metric].title for each in compared.probabilities))
    title = f"{compared.title}: {names}, against {reference}"
    note = "Median (smallest to largest) over the seeds of finished trials, on the test set."
    return Table(f"{BESIDE[1]}-{compared.name}", title, columns, tuple(rows), note)


def _draws_table(compared: PanelComparison) -> Table:
    rows = tuple(
        (
            look(each.acquisition).title,
            str(each.trials),
            _spread_cell(each.average, METRICS["nll"].unit),
            _spread_cell(each.single, METRICS["nll_point"].unit),
            _tally_cell(each.final_tally),
            _tally_cell(each.mean_tally),
        )
        for each in compared.draws
    )
    columns = (
        "acquisition",
        "seeds",
        "average of the draws",
        "dropout off",
        "average better : worse",
        "over the rounds better : worse",
    )
    title = f"{compared.title}: NLL in bits with {compared.draws[0].labels} labels, the draws and the single prediction"
    note = "Median (smallest to largest) over finished trials; both predictions are of the same model."
    return Table(f"{BESIDE[2]}-{compared.name}", title, columns, rows, note)


def _spread_cell(spread: Spread, unit: Unit) -> str:
    values = [spread.median] if spread.low == spread.high else [spread.low, spread.median, spread.high]
    return spread_words([unit.scale * each for each in values], unit.digits)


def _tally_cell(tally: Tally | None) -> str:
    return "–" if tally is None else f"{tally.better} : {tally.worse}"


def _asked_table(compared: PanelComparison, reference: str) -> Table:
    repeated = any(each.repeated is not None for each in compared.asked)
    rows = tuple(
        (
            look(each.acquisition).title,
            str(each.labels),
            "–" if each.overlap is None else percent(each.overlap, 1),
            f"{each.evenness:.3f}",
            f"{each.rarest:.2f}",
            *(["–" if each.repeated is None else percent(each.repeated, 1)] if repeated else []),
        )
        for each in compared.asked
    )
    columns = (
        "acquisition",
        "asked",
        f"also asked by {reference}",
        "evenness of classes",
        "rarest class, of an even share",
        *(["inputs labelled before"] if repeated else []),
    )
    return Table(f"{BESIDE[0]}-{compared.name}", f"{compared.title}: what was asked for", columns, rows)


def _estimate(contrast: Contrast) -> str:
    return "not seen" if contrast.estimate is None else _number(contrast, contrast.estimate)


def _interval(contrast: Contrast) -> str:
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return "–"
    low, high = contrast.interval
    return f"{_number(contrast, low)} to {_number(contrast, high)}"


def _visible(contrast: Contrast) -> str:
    """A dash where it is not known, or more than the rounds of the study could show."""
    if not contrast.detectable:
        return "nothing"
    if math.isinf(contrast.visible):
        return "–"
    gain = _number(contrast, contrast.visible)
    if contrast.measure != "labels" or math.isinf(contrast.visible_loss):
        return gain
    return f"{gain} or {_number(contrast, -contrast.visible_loss)}"


def _number(contrast: Contrast, value: float) -> str:
    """Percent of labels, points of accuracy or bits of NLL, without the unit."""
    return shown(scale(contrast) * value, digits(contrast)).replace("-", "−")


def _plain(contrast: Contrast) -> dict[str, Any]:
    values = {
        **asdict(contrast),
        "detected": contrast.detected,
        "detectable": contrast.detectable,
        "visible": contrast.visible,
        "visible_loss": contrast.visible_loss,
    }
    values["seen"], values["seen_against"] = contrast.seen
    values["verdict"] = verdict(contrast)
    if contrast.interval is not None:
        values["interval"] = tuple(map(_finite, contrast.interval))
    return {key: _finite(value) for key, value in values.items()}


def _finite(value: Any) -> Any:
    """The same with null for what is infinite, also within."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
