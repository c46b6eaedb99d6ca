"""A comparison in a sentence that says no more than the seeds do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.contrasts import METRIC_OF, Contrast
from lindley.study.comparison.exact_tests import fewest_pairs, smallest_two_sided_p
from lindley.study.plot_style import look

_MEANS = {"mean_accuracy": "mean accuracy", "mean_nll": "mean NLL"}

_NO_LEVEL = (
    "Labels are not compared: no whole percent of accuracy is kept by nearly all trials without all having it from "
    "their start. Name one, as in lindley compare DIR --accuracy 90."
)


def verdicts(contrasts: Sequence[Contrast]) -> list[str]:
    """A sentence for each comparison; what too few seeds cannot show is said once, before what they measured."""
    said, few = [], dict[str, list[Contrast]]()
    for each in contrasts:
        if each.detected or each.detectable:
            said.append(f"{verdict(each)}.")
        else:
            few.setdefault(_too_few(each), []).append(each)
    if contrasts and not any(each.measure == "labels" for each in contrasts):
        said.append(_NO_LEVEL)
    for why, members in few.items():
        said.append(f"{why}. Measured:")
        said += [f"{_pair(each)}, {_in_what(each)}: {measured(each)}." for each in members]
    return said


def in_short(contrasts: Sequence[Contrast]) -> list[str]:
    """Say all that is detected in one sentence; none where nothing is."""
    found: dict[str, list[str]] = {}
    for each in contrasts:
        if each.detected:
            size = "" if _size(each) is None else f" ({measured(each, interval=False)})"
            found.setdefault(f"{_way(each)} {_in_what(each)}", []).append(f"{look(each.acquisition).title}{size}")
    told = "; ".join(f"{what}: {', '.join(names)}" for what, names in found.items())
    return [f"Detected against {look(contrasts[0].against).title}: {told}."] if told else []


def verdict(contrast: Contrast) -> str:
    """What there is to say: "BALD needs 38 % fewer labels than random to 95 % (95 % interval 29–46 %, 10 seeds)"."""
    if contrast.detected:
        return f"{_claim(contrast)} ({_evidence(contrast)})"
    if not contrast.detectable:
        return f"{_pair(contrast)}, {_in_what(contrast)}: {_too_few(contrast)}; measured {measured(contrast)}"
    about = f"{_pair(contrast)}: no difference in {_in_what(contrast)} detected"
    if math.isinf(contrast.visible):
        return f"{about} ({_seeds(contrast)}; measured {measured(contrast)})"
    if contrast.measure == "labels":
        loss = "" if math.isinf(contrast.visible_loss) else f" or {_share(contrast.visible_loss)} more"
        visible = f"{_share(contrast.visible)} fewer{loss}"
    else:
        visible = f"{scale(contrast) * contrast.visible:.2g} {_unit(contrast)}"
    return f"{about} ({_seeds(contrast)} could have seen ≥ {visible}; measured {measured(contrast)})"


def measured(contrast: Contrast, *, interval: bool = True) -> str:
    """The estimate with its interval, whether or not a difference was detected."""
    if contrast.estimate is None:
        unit = "labels" if contrast.measure == "labels" else _unit(contrast)
        return f"{contrast.seen[0]} and {contrast.seen[1]} {unit} in median"
    if contrast.measure == "mean_accuracy":
        found = f"{_signed(100 * contrast.estimate)} points"
    elif contrast.measure == "mean_nll":
        found = f"{_amount(contrast, abs(contrast.estimate))} bits {'lower' if contrast.estimate >= 0 else 'higher'}"
    else:
        found = saved_words(contrast.estimate)
    return f"{found}{_interval(contrast) if interval else ''}"


def level(contrast: Contrast) -> str:
    """The accuracy that has to be kept."""
    return level_words(contrast.accuracy or 0.0)


def level_words(accuracy: float) -> str:
    """An accuracy to all the digits that were asked for: "97.5 %"."""
    return f"{100 * accuracy:g} %"


def saved_words(share: float) -> str:
    """A share of labels that is saved: "38 % fewer", or "12 % more"."""
    return f"{_share(abs(share))} {'fewer' if share >= 0 else 'more'}"


def _interval(contrast: Contrast) -> str:
    """ ", 95 % interval 29–46 %", in the direction of the estimate; ends of different signs are told apart in words."""
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return ""
    low, high = contrast.interval
    if contrast.measure == "mean_accuracy":
        return f", 95 % interval {_signed(100 * low)} to {_signed(100 * high)} points"
    near, far = sorted((abs(low), abs(high)))
    if contrast.measure == "mean_nll":
        if low < 0 < high:
            return f", 95 % interval {_amount(contrast, -low)} bits higher to {_amount(contrast, high)} lower"
        return f", 95 % interval {_amount(contrast, near)}–{_amount(contrast, far)} bits"
    if low < 0 < high:
        return f", 95 % interval {_share(-low)} more to {_share(high)} fewer"
    return f", 95 % interval {_share(near).removesuffix(' %')}–{_share(far)}"


def _claim(contrast: Contrast) -> str:
    first, second = look(contrast.acquisition).title, look(contrast.against).title
    size, ahead = _size(contrast), contrast.for_first
    where = f" in {contrast.ahead if ahead else contrast.behind} of {_seeds(contrast)}" if size is None else ""
    if contrast.measure != "labels":
        by = "" if size is None else f"{_amount(contrast, size)} {_unit(contrast)} "
        mean = f"the {_MEANS[contrast.measure]} of {first}{_up_to(contrast)}"
        return f"{mean} is {by}{_way(contrast)} than that of {second}{where}"
    by = "" if size is None else f"{_share(size)} "
    return f"{first} needs {by}{_way(contrast)} labels than {second} to {level(contrast)}{where}"


def _way(contrast: Contrast) -> str:
    """What the first has of the measure, as the test leans."""
    if contrast.measure == "labels":
        return "fewer" if contrast.for_first else "more"
    return "higher" if contrast.for_first == (METRICS[METRIC_OF[contrast.measure]].better == "higher") else "lower"


def _evidence(contrast: Contrast) -> str:
    if _size(contrast) is None:
        return f"measured {measured(contrast)}"
    return ", ".join([*filter(None, [_interval(contrast).removeprefix(", ")]), _seeds(contrast)])


def _size(contrast: Contrast) -> float | None:
    """How large a difference is; None where it was not seen, or points the other way than the test does."""
    estimate = contrast.estimate
    return None if estimate is None or (estimate >= 0) != contrast.for_first else abs(estimate)


def _too_few(contrast: Contrast) -> str:
    least = smallest_two_sided_p(contrast.telling)
    fewest = max(fewest_pairs(max(contrast.counts_as, contrast.family_pairs)), contrast.telling + 1)
    one = contrast.family == 1
    needs = (
        f"1 comparison at 5 % needs {fewest} seeds"
        if one
        else f"{contrast.family} comparisons at 5 % need {fewest} seeds or more"
    )
    silent = contrast.pairs - contrast.telling
    told = f", {silent} of which do{'es' if silent == 1 else ''} not tell who was first," if silent else ""
    return f"{_seeds(contrast)}{told} cannot show a difference (no p below {least:.2g} is possible; {needs})"


def _pair(contrast: Contrast) -> str:
    return f"{look(contrast.acquisition).title} and {look(contrast.against).title}"


def _in_what(contrast: Contrast) -> str:
    if contrast.measure == "labels":
        return f"labels to {level(contrast)}"
    return f"{_MEANS[contrast.measure]}{_up_to(contrast)}"


def _up_to(contrast: Contrast) -> str:
    return "" if contrast.up_to is None else f" up to {contrast.up_to} labels"


def _share(share: float) -> str:
    """In whole percent; what would be 0 then, by its first digit."""
    return f"{shown(100 * share, 0)} %"


def scale(contrast: Contrast) -> float:
    """What turns an estimate into the unit that people read: percent, points or bits."""
    return 100.0 if contrast.measure == "labels" else METRICS[METRIC_OF[contrast.measure]].unit.scale


def digits(contrast: Contrast) -> int:
    """Decimals in that unit."""
    return 0 if contrast.measure == "labels" else METRICS[METRIC_OF[contrast.measure]].unit.digits


def _unit(contrast: Contrast) -> str:
    return "bits" if contrast.measure == "mean_nll" else "points"


def _amount(contrast: Contrast, value: float) -> str:
    """A mean's difference in points or bits, without the unit."""
    return shown(scale(contrast) * value, digits(contrast))


def shown(value: float, digits: int) -> str:
    """With so many digits; what is not 0 and would be then, by its first."""
    text = f"{value:z.{digits}f}"
    return text if value == 0 or float(text) != 0 else f"{value:.1g}"


def _signed(points: float) -> str:
    return f"{'+' if points >= 0 else ''}{shown(points, 2)}".replace("-", "−")


def _seeds(contrast: Contrast) -> str:
    return "1 seed" if contrast.pairs == 1 else f"{contrast.pairs} seeds"
