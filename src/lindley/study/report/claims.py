"""The four conclusions of the seed project, each computed from the journals of a study.

Each is tested on differences paired by seed. "Not decided" is a result: it says that these seeds do not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lindley.study.comparison.contrasts import common_accuracy
from lindley.study.comparison.exact_tests import holm
from lindley.study.comparison.paired import (
    ONE_SIDED_LEVEL,
    Comparison,
    Verdict,
    across_panels,
    judge,
    percent,
    smallest_p,
)
from lindley.study.plot_style import look
from lindley.study.report.claim_tests import (
    WORTHWHILE,
    costs_more,
    ends_higher,
    fewer_labels,
    less_ambiguous,
    near_boundary,
    no_fewer_labels,
    sampling_note,
    samplings,
)
from lindley.study.report.sampling import moons_noise
from lindley.study.results import StudyResults, paired

SMALL_BATCH = 5
"""Conclusion 4 is about batch 4; panels with batches of 2 to this size are taken for it."""
HOW_TESTED = (
    "All tests are exact signed-rank tests on differences paired by seed, one-sided at 5 % in each direction. A "
    "conclusion of several parts is supported in a panel when every part is, and contradicted when Simes’ test says "
    "that at least one part is reversed; over several panels it is decided when panels support it and none "
    "contradicts it, or the other way round. With n seeds no p can be below 1/2ⁿ: with fewer than five seeds nothing "
    "is decided. “Undecided” means that no difference was detected, not that there is none. Labels saved, and the "
    "accuracy to which they are counted, are those of “Who needs fewer labels” above. That section asks more: its "
    "tests are two-sided and corrected for all that this page compares, so that it may find too few seeds where a "
    "single claim is decided here. Verdicts are not corrected for each other: the more panels, the likelier one of "
    "them decides by chance."
)
_SEEDS_METHODS = ("margin", "entropy", "bald")


@dataclass(frozen=True)
class Conclusion:
    """A claim of the seed project, what this study says to it, and the numbers that it stands on."""

    number: int
    claim: str
    verdict: Verdict
    summary: str
    parts: tuple[tuple[str, str, Verdict, tuple[Comparison, ...]], ...] = ()
    """(panel, part, verdict, what it stands on) for each part of the claim."""
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    beside: tuple[Comparison, ...] = ()
    """Measured as well, but not part of the claim."""


def draw_conclusions(results: StudyResults) -> list[Conclusion]:
    """All four, in the seed project's order."""
    return [learns_faster(results), samples_as_expected(results), bald_has_no_gain(results), batch_has_no_gain(results)]


def learns_faster(results: StudyResults) -> Conclusion:
    """(1) Active learning learns faster and ends higher than random."""
    comparisons = []
    for panel in results.panels:
        methods = [name for name in _SEEDS_METHODS if paired(panel, name, "random")]
        level = common_accuracy(panel)
        for name in methods:
            if level is not None:
                comparisons.append(fewer_labels(panel, name, "random", level, "learns faster"))
            if (higher := ends_higher(panel, name, "random")) is not None:
                comparisons.append(higher)
    claim = "Active learning learns faster and ends higher than random."
    needs = "random and one of margin, entropy, BALD with a seed in common"
    return _concluded(1, claim, comparisons, needs=needs, parts=("learns faster", "ends higher"))


def samples_as_expected(results: StudyResults) -> Conclusion:
    """(2) In 2-D margin and entropy ask near the boundary; BALD too, but less where labels are merely ambiguous."""
    comparisons, notes = [], []
    for panel in results.panels:
        seen = samplings(panel)
        for name in _SEEDS_METHODS:
            if name in seen:
                comparisons.append(near_boundary(panel, name, seen[name]))
        if moons_noise(panel) is not None and (both := set(seen.get("bald", {})) & set(seen.get("entropy", {}))):
            comparisons.append(less_ambiguous(panel, seen, sorted(both)))
        notes += [sampling_note(panel, name, found) for name, found in seen.items()]
    claim = (
        "In 2-D the sampling is as expected: margin and entropy ask near the decision boundary, BALD near it but less "
        "where labels are merely ambiguous."
    )
    needs = "2-D data with observe.grid = true and one of margin, entropy, BALD"
    parts = (*(f"{look(name).title} near the boundary" for name in _SEEDS_METHODS), "BALD less where merely ambiguous")
    return _concluded(2, claim, comparisons, needs=needs, parts=parts, notes=notes)


def bald_has_no_gain(results: StudyResults) -> Conclusion:
    """(3) BALD is not faster than margin or entropy, and costs more."""
    comparisons = []
    for panel in results.panels:
        others = [name for name in ("margin", "entropy") if paired(panel, "bald", name)]
        level = common_accuracy(panel)
        for name in others:
            if level is not None:
                comparisons.append(no_fewer_labels(panel, "bald", name, level, "not faster"))
            if (dearer := costs_more(panel, name)) is not None:
                comparisons.append(dearer)
    claim = "BALD is not faster than margin or entropy, and it costs more."
    tenth = percent(WORTHWHILE)
    note = (
        f"“Faster” means at least {tenth} fewer labels, “costs more” at least {tenth} more seconds of predicting and "
        "selecting. Here margin and entropy average the same draws as BALD; the seed project computed them from one "
        "prediction with dropout off."
    )
    needs = "BALD and one of margin, entropy with a seed in common"
    parts, notes = ("not faster", "costs more"), [note] if comparisons else []
    return _concluded(3, claim, comparisons, needs=needs, parts=parts, notes=notes)


def batch_has_no_gain(results: StudyResults) -> Conclusion:
    """(4) BatchBALD is not preferable to BALD at batch 4; and from which batch size on it is."""
    small, larger = [], []
    for panel in results.panels:
        level = common_accuracy(panel)
        if level is None or not paired(panel, "batchbald", "bald"):
            continue
        batch = panel.config["schedule"]["batch_size"]
        part = "not faster" if "batch" in panel.title.lower() else f"not faster at batch {batch}"
        comparison = no_fewer_labels(panel, "batchbald", "bald", level, part)
        if 2 <= batch <= SMALL_BATCH:
            small.append(comparison)
        elif batch > SMALL_BATCH:
            larger.append((batch, comparison))
    larger.sort(key=lambda pair: pair[0])
    claim = "BatchBALD is not preferable to BALD at batch 4."
    tenth = percent(WORTHWHILE)
    notes = [
        f"“Preferable” means at least {tenth} fewer labels; batches of 2 to {SMALL_BATCH} are taken for batch 4.",
        _from_which_batch(larger),
    ]
    needs = f"a panel with BALD, BatchBALD and batches of 2 to {SMALL_BATCH}"
    beside = tuple(comparison for _, comparison in larger)
    return _concluded(4, claim, small, needs=needs, notes=notes if small or larger else [], beside=beside)


def _from_which_batch(larger: Sequence[tuple[int, Comparison]]) -> str:
    if not larger:
        return "From which batch size on BatchBALD is preferable: not measured here (no larger batch)."
    tenth = percent(WORTHWHILE)
    adjusted = holm([comparison.p_against for _, comparison in larger])
    better = [
        f"{comparison.panel} (batch {batch})"
        for (batch, comparison), p in zip(larger, adjusted, strict=True)
        if p <= ONE_SIDED_LEVEL
    ]
    if better:
        return f"BatchBALD saves at least {tenth} of the labels, smallest batch first, on: {', '.join(better)}."
    sizes = ", ".join(str(batch) for batch in sorted({batch for batch, _ in larger}))
    pairs = max(comparison.pairs for _, comparison in larger)
    return (
        f"From which batch size on BatchBALD is preferable: not decided; at batch {sizes} a saving of {tenth} is not "
        f"shown (up to {pairs} seeds: no p below {smallest_p(pairs):.3g} was possible)."
    )


def _concluded(
    number: int,
    claim: str,
    comparisons: Sequence[Comparison],
    *,
    needs: str,
    parts: Sequence[str] = (),
    notes: Sequence[str] = (),
    beside: tuple[Comparison, ...] = (),
) -> Conclusion:
    """parts: those that must all be measured in a panel before it can support the claim."""
    groups: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        groups.setdefault(comparison.panel, []).append(comparison)
    verdicts, judged, said = [], [], []
    for panel, group in groups.items():
        measured = list(dict.fromkeys(each.part for each in group))
        missing = [part for part in parts if part not in measured]
        verdict = judge(group)
        if missing and verdict == "supported here":
            verdict = "not decided here"
        verdicts.append(verdict)
        for part in (*measured, *missing):
            mine = tuple(each for each in group if each.part == part)
            judged.append((panel, part, judge(mine), mine))
        said.append(_panel_summary(panel, verdict, group, missing))
    summary = " ".join(said) if said else f"Nothing to measure it on: it needs {needs}."
    verdict = across_panels(verdicts)
    return Conclusion(number, claim, verdict, summary, tuple(judged), tuple(comparisons), tuple(notes), beside)


def _panel_summary(panel: str, verdict: Verdict, group: Sequence[Comparison], missing: Sequence[str]) -> str:
    pairs = max(each.pairs for each in group)
    readings = [each.reading for each in group]
    kinds = [kind for kind in ("for it", "against it", "undecided") if kind in readings]
    counted = ", ".join(f"{readings.count(kind)} {kind}" for kind in kinds)
    text = (
        f"{panel}: {verdict.removesuffix(' here')} ({len(group)} comparison{'' if len(group) == 1 else 's'}: {counted}"
    )
    if missing:
        text += f"; not measured: {', '.join(missing)}"
    if smallest_p(pairs) > ONE_SIDED_LEVEL:
        text += f"; with {pairs} seed{'' if pairs == 1 else 's'} no p can be below {smallest_p(pairs):.3g}"
    return text + ")."
