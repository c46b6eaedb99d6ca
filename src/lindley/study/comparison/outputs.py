"""A comparison as tables for people, as CSV and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lindley.errors import InputError
from lindley.study.comparison.contrasts import Contrast, contrasts, reference_of
from lindley.study.comparison.dips import Dips, dips_of, said_of_dips
from lindley.study.comparison.selections import Asked, asked
from lindley.study.comparison.words import level, shown, verdict, verdicts
from lindley.study.looks import look
from lindley.study.paired import percent
from lindley.study.results import PanelResults, StudyResults
from lindley.study.tables import Table

HOW_COMPARED = (
    "Paired by seed: the same initial labels, the same test set. Labels: the first number, all labels counted, at "
    "which the accuracy is reached and kept for two more rounds (*: in the last two rounds, so that it may be lost "
    "again and only its being later than the round before is known; “> n”: not with n labels); what is given is the "
    "median over seeds of the paired share of labels saved, knowing each crossing only to lie between two rounds, or "
    "beyond the last one. Mean accuracy: the area under the learning curve over its range of labels. p: exact "
    "two-sided signed-rank tests; detected means p ≤ 0.05 after Holm’s correction over the comparisons of one measure "
    "in one panel. Intervals are each of one comparison by itself. “Could have seen”: what saving, or loss, would have "
    "been detected some four times in five by so many seeds, were they as unlike as they seem here and rounds as far "
    "apart (–: not known, or more than could be seen between the first round and the last; nothing: so few seeds can "
    "show no difference)."
)

ASKED = "compared-asked"
"""How the names of tables of what was asked for begin."""


@dataclass(frozen=True)
class PanelComparison:
    """One panel: who was compared with whom, what they asked for, and how steady their fits are."""

    title: str
    name: str
    against: str
    contrasts: tuple[Contrast, ...]
    asked: tuple[Asked, ...]
    dips: tuple[Dips, ...]

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each comparison, what so few seeds cannot show, and whether the fits are steady."""
        return [*verdicts(self.contrasts), *said_of_dips(self.dips)]


def compare(
    results: StudyResults, against: str | None = None, *, accuracy: float | None = None
) -> list[PanelComparison]:
    """Every panel in which something can be compared with `against` (random, where it is not given).

    Raises InputError where no panel has a trial of `against`.
    """
    panels = [panel for panel in results.panels if panel.trials and against in (None, *panel.acquisitions)]
    if not panels and against is not None:
        found = list(dict.fromkeys(name for panel in results.panels for name in panel.acquisitions))
        raise InputError(f'no panel has a finished round of "{against}"; there are {", ".join(found) or "none yet"}.')
    compared = [_compared(panel, against, accuracy) for panel in panels]
    return [each for each in compared if each.contrasts]


def not_compared(results: StudyResults, compared: Sequence[PanelComparison], against: str | None = None) -> list[str]:
    """One sentence for each panel that `compare` found nothing in."""
    found = {each.name for each in compared}
    return [_not_compared(panel, against) for panel in results.panels if panel.name not in found]


def tables(compared: PanelComparison) -> list[Table]:
    """Labels, mean accuracy and what was asked: those that there are."""
    reference = look(compared.against).title
    made = []
    for measure, title in (("labels", "Labels needed"), ("area", "Mean accuracy over the rounds")):
        members = [each for each in compared.contrasts if each.measure == measure]
        if members:
            made.append(_contrast_table(compared, members, f"{title}, against {reference}"))
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
            "dips": [asdict(line) for line in each.dips],
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


def _compared(panel: PanelResults, against: str | None, accuracy: float | None) -> PanelComparison:
    reference = reference_of(panel, against)
    found = contrasts(panel, reference, accuracy=accuracy)
    lines = tuple(asked(panel, reference))
    return PanelComparison(panel.title, panel.name, reference, tuple(found), lines, tuple(dips_of(panel)))


def _contrast_table(compared: PanelComparison, members: Sequence[Contrast], title: str) -> Table:
    labels = members[0].measure == "labels"
    what = f"labels to {level(members[0])}" if labels else "mean accuracy %"
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
        what,
        f"of {look(compared.against).title}",
        "fewer labels, %" if labels else "gain, points",
        "95 % interval",
        "better : worse",
        "p",
        "p, Holm",
        "detected",
        "could have seen",
    )
    return Table(f"compared-{members[0].measure}-{compared.name}", f"{compared.title}: {title}", columns, rows)


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
    return Table(f"{ASKED}-{compared.name}", f"{compared.title}: what was asked for", columns, rows)


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
    if contrast.measure == "area" or math.isinf(contrast.visible_loss):
        return gain
    return f"{gain} or {_number(contrast, -contrast.visible_loss)}"


def _number(contrast: Contrast, value: float) -> str:
    """Percent of labels, or points of accuracy, without the unit."""
    return shown(100 * value, 0 if contrast.measure == "labels" else 2).replace("-", "−")


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
    return None if isinstance(value, float) and not math.isfinite(value) else value
