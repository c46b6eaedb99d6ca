"""A comparison in a sentence that says no more than the seeds do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lindley.study.comparison.contrasts import Contrast
from lindley.study.comparison.exact_tests import fewest_pairs, smallest_two_sided_p
from lindley.study.looks import look

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
        visible = f"{100 * contrast.visible:.2g} points"
    return f"{about} ({_seeds(contrast)} could have seen ≥ {visible}; measured {measured(contrast)})"


def measured(contrast: Contrast) -> str:
    """The estimate with its interval, whether or not a difference was detected."""
    if contrast.estimate is None:
        return f"{contrast.seen[0]} and {contrast.seen[1]} labels in median"
    if contrast.measure == "area":
        found = f"{_signed(100 * contrast.estimate)} points"
    else:
        found = f"{_share(abs(contrast.estimate))} {'fewer' if contrast.estimate >= 0 else 'more'}"
    return f"{found}{_interval(contrast)}"


def level(contrast: Contrast) -> str:
    """The accuracy that has to be kept, to all the digits that were asked for: "97.5 %"."""
    return f"{100 * (contrast.accuracy or 0.0):g} %"


def _interval(contrast: Contrast) -> str:
    """ ", 95 % interval 29–46 %", in the direction of the estimate; ends of different signs are told apart in words."""
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return ""
    low, high = contrast.interval
    if contrast.measure == "area":
        return f", 95 % interval {_signed(100 * low)} to {_signed(100 * high)} points"
    if low < 0 < high:
        return f", 95 % interval {_share(-low)} more to {_share(high)} fewer"
    near, far = sorted((abs(low), abs(high)))
    return f", 95 % interval {_share(near).removesuffix(' %')}–{_share(far)}"


def _claim(contrast: Contrast) -> str:
    first, second = look(contrast.acquisition).title, look(contrast.against).title
    size, ahead = _size(contrast), contrast.for_first
    where = f" in {contrast.ahead if ahead else contrast.behind} of {_seeds(contrast)}" if size is None else ""
    if contrast.measure == "area":
        by = "" if size is None else f"{_points(size)} points "
        better = "higher" if ahead else "lower"
        return f"the mean accuracy of {first}{_up_to(contrast)} is {by}{better} than that of {second}{where}"
    by = "" if size is None else f"{_share(size)} "
    return f"{first} needs {by}{'fewer' if ahead else 'more'} labels than {second} to {level(contrast)}{where}"


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
    family = "1 comparison" if contrast.family == 1 else f"{contrast.family} comparisons"
    needs = f"{family} at 5 % need{'s' if contrast.family == 1 else ''} {fewest_pairs(contrast.family)} seeds"
    silent = contrast.pairs - contrast.telling
    told = f", {silent} of which do{'es' if silent == 1 else ''} not tell who was first," if silent else ""
    return f"{_seeds(contrast)}{told} cannot show a difference (no p below {least:.2g} is possible; {needs})"


def _pair(contrast: Contrast) -> str:
    return f"{look(contrast.acquisition).title} and {look(contrast.against).title}"


def _in_what(contrast: Contrast) -> str:
    return f"mean accuracy{_up_to(contrast)}" if contrast.measure == "area" else f"labels to {level(contrast)}"


def _up_to(contrast: Contrast) -> str:
    return "" if contrast.up_to is None else f" up to {contrast.up_to} labels"


def _share(share: float) -> str:
    """In whole percent; what would be 0 then, by its first digit."""
    return f"{shown(100 * share, 0)} %"


def _points(gain: float) -> str:
    return shown(100 * gain, 2)


def shown(value: float, digits: int) -> str:
    """With so many digits; what is not 0 and would be then, by its first."""
    text = f"{value:z.{digits}f}"
    return text if value == 0 or float(text) != 0 else f"{value:.1g}"


def _signed(points: float) -> str:
    return f"{'+' if points >= 0 else ''}{shown(points, 2)}".replace("-", "−")


def _seeds(contrast: Contrast) -> str:
    return "1 seed" if contrast.pairs == 1 else f"{contrast.pairs} seeds"
