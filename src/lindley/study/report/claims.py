"""The four claims of the seed project, each tested on the journals of a study.

Each test uses differences paired by seed. "Not decided" is a result: these seeds do not decide the claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lindley.study.comparison.exact_tests import holm
from lindley.study.comparison.paired import (
    ONE_SIDED_LEVEL,
    Comparison,
    Verdict,
    combine_verdicts,
    format_percent,
    judge,
    smallest_p,
)
from lindley.study.comparison.paired_labels import common_accuracy
from lindley.study.plot_style import acquisition_title
from lindley.study.report.claim_tests import (
    WORTHWHILE,
    check_ambiguous_sampling,
    check_boundary_sampling,
    check_cost,
    check_fewer_labels,
    check_final_accuracy,
    check_no_fewer_labels,
    collect_sampling,
    describe_sampling,
)
from lindley.study.report.sampling import moons_noise
from lindley.study.results import StudyResults, paired_trials

SMALL_BATCH = 5
"""Claim 4 is about batches of 4; experiments with batches of 2 to this size are used for it."""
TESTS_NOTE = (
    "All tests are exact signed-rank tests on differences paired by seed, one-sided at 5 % in each direction. A claim "
    "of several parts is supported in an experiment when every part is, and contradicted when Simes’ test finds at "
    "least one part reversed. Over several experiments it is decided when some decide it one way and none the other "
    "way. With n seeds the smallest possible p is 1/2ⁿ, so fewer than five seeds decide nothing. “Undecided” means "
    "that no difference was detected, not that there is none. Labels saved, and the accuracy to which they are "
    "counted, are those of “Labels to reach an accuracy” above. That section requires more: its tests are two-sided "
    "and corrected for all comparisons of this page, so it may lack the seeds for a difference that decides a single "
    "claim here. Verdicts are not corrected for each other: the more experiments, the likelier one verdict is due to "
    "chance."
)
_METHODS = ("margin", "entropy", "bald")


@dataclass(frozen=True)
class Claim:
    """A claim of the seed project with its verdict in this study and the evidence."""

    number: int
    statement: str
    verdict: Verdict
    summary: str
    parts: tuple[tuple[str, str, Verdict, tuple[Comparison, ...]], ...] = ()
    """(experiment, part, verdict, evidence) for each part of the claim."""
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    additional: tuple[Comparison, ...] = ()
    """Further comparisons that are not part of the claim."""


def judge_claims(results: StudyResults) -> list[Claim]:
    """Return all four claims in the seed project's order."""
    return [judge_learning(results), judge_sampling(results), judge_bald(results), judge_batchbald(results)]


def judge_learning(results: StudyResults) -> Claim:
    """Judge claim 1: active learning learns faster and ends higher than random."""
    comparisons = []
    for experiment in results.experiments:
        methods = [name for name in _METHODS if paired_trials(experiment, name, "random")]
        level = common_accuracy(experiment)
        for name in methods:
            if level is not None:
                comparisons.append(check_fewer_labels(experiment, name, "random", level, "learns faster"))
            if (higher := check_final_accuracy(experiment, name, "random")) is not None:
                comparisons.append(higher)
    statement = "Active learning learns faster and ends higher than random."
    requires = "random and one of margin, entropy, BALD with a seed in common"
    return _judge_claim(1, statement, comparisons, requires=requires, parts=("learns faster", "ends higher"))


def judge_sampling(results: StudyResults) -> Claim:
    """Judge claim 2: in 2-D all three query near the boundary, BALD less where labels are merely ambiguous."""
    comparisons, notes = [], []
    for experiment in results.experiments:
        seen = collect_sampling(experiment)
        for name in _METHODS:
            if name in seen:
                comparisons.append(check_boundary_sampling(experiment, name, seen[name]))
        if moons_noise(experiment) is not None and (both := set(seen.get("bald", {})) & set(seen.get("entropy", {}))):
            comparisons.append(check_ambiguous_sampling(experiment, seen, sorted(both)))
        notes += [describe_sampling(experiment, name, found) for name, found in seen.items()]
    statement = (
        "In 2-D the sampling is as expected: margin and entropy query near the decision boundary, BALD near it but "
        "less where labels are merely ambiguous."
    )
    requires = "2-D data with observe.grid = true and one of margin, entropy, BALD"
    parts = (
        *(f"{acquisition_title(name)} near the boundary" for name in _METHODS),
        "BALD less where merely ambiguous",
    )
    return _judge_claim(2, statement, comparisons, requires=requires, parts=parts, notes=notes)


def judge_bald(results: StudyResults) -> Claim:
    """Judge claim 3: BALD is not faster than margin or entropy, and costs more."""
    comparisons = []
    for experiment in results.experiments:
        others = [name for name in ("margin", "entropy") if paired_trials(experiment, "bald", name)]
        level = common_accuracy(experiment)
        for name in others:
            if level is not None:
                comparisons.append(check_no_fewer_labels(experiment, "bald", name, level, "not faster"))
            if (dearer := check_cost(experiment, name)) is not None:
                comparisons.append(dearer)
    statement = "BALD is not faster than margin or entropy, and it costs more."
    tenth = format_percent(WORTHWHILE)
    note = (
        f"“Faster” means at least {tenth} fewer labels, “costs more” at least {tenth} more seconds of predicting and "
        "selecting. Here margin and entropy average the same draws as BALD; the seed project computed them from one "
        "prediction with dropout off."
    )
    requires = "BALD and one of margin, entropy with a seed in common"
    parts, notes = ("not faster", "costs more"), [note] if comparisons else []
    return _judge_claim(3, statement, comparisons, requires=requires, parts=parts, notes=notes)


def judge_batchbald(results: StudyResults) -> Claim:
    """Judge claim 4: BatchBALD is not preferable to BALD at batch 4. Report larger batches beside it."""
    small, larger = [], []
    for experiment in results.experiments:
        level = common_accuracy(experiment)
        if level is None or not paired_trials(experiment, "batchbald", "bald"):
            continue
        batch = experiment.config["schedule"]["batch_size"]
        part = "not faster" if "batch" in experiment.title.lower() else f"not faster at batch {batch}"
        comparison = check_no_fewer_labels(experiment, "batchbald", "bald", level, part)
        if 2 <= batch <= SMALL_BATCH:
            small.append(comparison)
        elif batch > SMALL_BATCH:
            larger.append((batch, comparison))
    larger.sort(key=lambda pair: pair[0])
    statement = "BatchBALD is not preferable to BALD at batch 4."
    tenth = format_percent(WORTHWHILE)
    notes = [
        f"“Preferable” means at least {tenth} fewer labels; batches of 2 to {SMALL_BATCH} count as batch 4.",
        _describe_larger_batches(larger),
    ]
    requires = f"an experiment with BALD, BatchBALD and batches of 2 to {SMALL_BATCH}"
    additional = tuple(comparison for _, comparison in larger)
    return _judge_claim(
        4, statement, small, requires=requires, notes=notes if small or larger else [], additional=additional
    )


def _describe_larger_batches(larger: Sequence[tuple[int, Comparison]]) -> str:
    if not larger:
        return "Larger batches: not measured here."
    tenth = format_percent(WORTHWHILE)
    adjusted = holm([comparison.p_against for _, comparison in larger])
    better = [
        f"{comparison.experiment} (batch {batch})"
        for (batch, comparison), p in zip(larger, adjusted, strict=True)
        if p <= ONE_SIDED_LEVEL
    ]
    if better:
        return f"BatchBALD saves at least {tenth} of the labels (smallest batch first): {', '.join(better)}."
    sizes = ", ".join(str(batch) for batch in sorted({batch for batch, _ in larger}))
    pairs = max(comparison.pairs for _, comparison in larger)
    return (
        f"Larger batches: not decided. At batch {sizes} a saving of {tenth} is not shown (up to {pairs} seeds; the "
        f"smallest possible p is {smallest_p(pairs):.3g})."
    )


def _judge_claim(
    number: int,
    statement: str,
    comparisons: Sequence[Comparison],
    *,
    requires: str,
    parts: Sequence[str] = (),
    notes: Sequence[str] = (),
    additional: tuple[Comparison, ...] = (),
) -> Claim:
    """Return the claim with its verdict; an experiment supports it only if it measures all `parts`."""
    groups: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        groups.setdefault(comparison.experiment, []).append(comparison)
    verdicts, judged, summaries = [], [], []
    for experiment, group in groups.items():
        measured = list(dict.fromkeys(each.part for each in group))
        missing = [part for part in parts if part not in measured]
        verdict = judge(group)
        if missing and verdict == "supported here":
            verdict = "not decided here"
        verdicts.append(verdict)
        for part in (*measured, *missing):
            mine = tuple(each for each in group if each.part == part)
            judged.append((experiment, part, judge(mine), mine))
        summaries.append(_experiment_summary(experiment, verdict, group, missing))
    summary = " ".join(summaries) if summaries else f"Not measured: this claim requires {requires}."
    verdict = combine_verdicts(verdicts)
    return Claim(number, statement, verdict, summary, tuple(judged), tuple(comparisons), tuple(notes), additional)


def _experiment_summary(experiment: str, verdict: Verdict, group: Sequence[Comparison], missing: Sequence[str]) -> str:
    pairs = max(each.pairs for each in group)
    outcomes = [each.result for each in group]
    kinds = [kind for kind in ("for it", "against it", "undecided") if kind in outcomes]
    counted = ", ".join(f"{outcomes.count(kind)} {kind}" for kind in kinds)
    number = f"{len(group)} comparison{'' if len(group) == 1 else 's'}"
    text = f"{experiment}: {verdict.removesuffix(' here')} ({number}: {counted}"
    if missing:
        text += f"; not measured: {', '.join(missing)}"
    if smallest_p(pairs) > ONE_SIDED_LEVEL:
        text += f"; with {pairs} seed{'' if pairs == 1 else 's'} the smallest possible p is {smallest_p(pairs):.3g}"
    return text + ")."
