"""Comparisons as sentences: a difference is stated only where it is detected."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lindley.measures.catalogue import METRICS
from lindley.study.comparison.contrasts import METRIC_OF, Contrast
from lindley.study.comparison.exact_tests import min_pairs_to_detect, smallest_two_sided_p
from lindley.study.plot_style import acquisition_title

_MEANS = {"mean_accuracy": "mean accuracy", "mean_nll": "mean NLL"}

_NO_LEVEL = (
    "Labels are not compared: there is no whole percent of accuracy that nearly all trials reach and keep and that "
    "some trial lacks at its start. Choose one, for example: lindley compare DIR --accuracy 90."
)


def verdicts(contrasts: Sequence[Contrast]) -> list[str]:
    """Return a sentence for each comparison; a limit that several comparisons share is stated once, before them."""
    sentences, few = [], dict[str, list[Contrast]]()
    for each in contrasts:
        if each.is_detected or each.detectable:
            sentences.append(f"{verdict(each)}.")
        else:
            few.setdefault(_too_few_seeds(each), []).append(each)
    if contrasts and not any(each.measure == "labels" for each in contrasts):
        sentences.append(_NO_LEVEL)
    for why, members in few.items():
        sentences.append(f"{why}. Measured:")
        sentences += [
            f"{_describe_pair(each)}, {_describe_measure(each)}: {format_estimate(each)}." for each in members
        ]
    return sentences


def summarise_detected(contrasts: Sequence[Contrast]) -> list[str]:
    """Return the detected differences, one sentence for each measure and direction."""
    found: dict[str, list[str]] = {}
    for each in contrasts:
        if each.is_detected:
            size = "" if _effect_size(each) is None else f" ({format_estimate(each, interval=False)})"
            found.setdefault(f"{_direction(each)} {_describe_measure(each)}", []).append(
                f"{acquisition_title(each.acquisition)}{size}"
            )
    return [
        f"Detected against {acquisition_title(contrasts[0].against)}: {difference}: {', '.join(names)}."
        for difference, names in found.items()
    ]


def verdict(contrast: Contrast) -> str:
    """Return the result: "BALD needs 38 % fewer labels than random to 95 % (95 % interval 29–46 %, 10 seeds)"."""
    if contrast.is_detected:
        return f"{_claim_text(contrast)} ({_evidence_text(contrast)})"
    if not contrast.detectable:
        subject = f"{_describe_pair(contrast)}, {_describe_measure(contrast)}"
        return f"{subject}: {_too_few_seeds(contrast)}; measured {format_estimate(contrast)}"
    about = f"{_describe_pair(contrast)}: no difference in {_describe_measure(contrast)} detected"
    if math.isinf(contrast.detectable_gain):
        return f"{about} ({_format_seeds(contrast)}; measured {format_estimate(contrast)})"
    if contrast.measure == "labels":
        loss = "" if math.isinf(contrast.detectable_loss) else f" or {_format_share(contrast.detectable_loss)} more"
        smallest = f"{_format_share(contrast.detectable_gain)} fewer{loss}"
    else:
        smallest = f"{display_scale(contrast) * contrast.detectable_gain:.2g} {_unit(contrast)}"
    return (
        f"{about} ({_format_seeds(contrast)}; minimum detectable difference: {smallest}; "
        f"measured {format_estimate(contrast)})"
    )


def format_estimate(contrast: Contrast, *, interval: bool = True) -> str:
    """Return the estimate with its interval, whether or not a difference was detected."""
    if contrast.estimate is None:
        unit = "labels" if contrast.measure == "labels" else _unit(contrast)
        return f"{contrast.median} and {contrast.median_against} {unit} in median"
    if contrast.measure == "mean_accuracy":
        found = f"{_format_points(100 * contrast.estimate)} points"
    elif contrast.measure == "mean_nll":
        found = (
            f"{_format_amount(contrast, abs(contrast.estimate))} bits {'lower' if contrast.estimate >= 0 else 'higher'}"
        )
    else:
        found = format_saving(contrast.estimate)
    return f"{found}{_describe_interval(contrast) if interval else ''}"


def format_contrast_level(contrast: Contrast) -> str:
    """Return the accuracy to which a contrast counts labels."""
    return format_level(contrast.accuracy or 0.0)


def format_level(accuracy: float) -> str:
    """Return an accuracy in percent with all its digits: "97.5 %"."""
    return f"{100 * accuracy:g} %"


def format_saving(share: float) -> str:
    """Return a share of labels that is saved: "38 % fewer", or "12 % more"."""
    return f"{_format_share(abs(share))} {'fewer' if share >= 0 else 'more'}"


def _describe_interval(contrast: Contrast) -> str:
    """Return ", 95 % interval 29–46 %", in the direction of the estimate; words distinguish ends of different signs."""
    if contrast.interval is None or not all(map(math.isfinite, contrast.interval)):
        return ""
    low, high = contrast.interval
    if contrast.measure == "mean_accuracy":
        return f", 95 % interval {_format_points(100 * low)} to {_format_points(100 * high)} points"
    near, far = sorted((abs(low), abs(high)))
    if contrast.measure == "mean_nll":
        if low < 0 < high:
            higher, lower = _format_amount(contrast, -low), _format_amount(contrast, high)
            return f", 95 % interval {higher} bits higher to {lower} lower"
        return f", 95 % interval {_format_amount(contrast, near)}–{_format_amount(contrast, far)} bits"
    if low < 0 < high:
        return f", 95 % interval {_format_share(-low)} more to {_format_share(high)} fewer"
    return f", 95 % interval {_format_share(near).removesuffix(' %')}–{_format_share(far)}"


def _claim_text(contrast: Contrast) -> str:
    first, second = acquisition_title(contrast.acquisition), acquisition_title(contrast.against)
    size, ahead = _effect_size(contrast), contrast.favours_first
    where = f" in {contrast.ahead if ahead else contrast.behind} of {_format_seeds(contrast)}" if size is None else ""
    if contrast.measure != "labels":
        by = "" if size is None else f"{_format_amount(contrast, size)} {_unit(contrast)} "
        mean = f"The {_MEANS[contrast.measure]} of {first}{_describe_range(contrast)}"
        return f"{mean} is {by}{_direction(contrast)} than that of {second}{where}"
    by = "" if size is None else f"{_format_share(size)} "
    return f"{first} needs {by}{_direction(contrast)} labels than {second} to {format_contrast_level(contrast)}{where}"


def _direction(contrast: Contrast) -> str:
    """Return the direction of the test: fewer or more labels, a higher or lower mean."""
    if contrast.measure == "labels":
        return "fewer" if contrast.favours_first else "more"
    return "higher" if contrast.favours_first == (METRICS[METRIC_OF[contrast.measure]].better == "higher") else "lower"


def _evidence_text(contrast: Contrast) -> str:
    if _effect_size(contrast) is None:
        return f"measured {format_estimate(contrast)}"
    return ", ".join([*filter(None, [_describe_interval(contrast).removeprefix(", ")]), _format_seeds(contrast)])


def _effect_size(contrast: Contrast) -> float | None:
    """Return the size of a difference; None where there is no estimate or it contradicts the direction of the test."""
    estimate = contrast.estimate
    return None if estimate is None or (estimate >= 0) != contrast.favours_first else abs(estimate)


def _too_few_seeds(contrast: Contrast) -> str:
    smallest = smallest_two_sided_p(contrast.decided)
    min_seeds = max(
        min_pairs_to_detect(max(contrast.effective_comparisons, contrast.family_pairs)), contrast.decided + 1
    )
    required = (
        f"1 comparison at 5 % needs {min_seeds} seeds"
        if contrast.family == 1
        else f"{contrast.family} comparisons at 5 % need {min_seeds} seeds or more"
    )
    reason = f"the smallest possible p is {smallest:.2g}; {required}"
    undecided = contrast.pairs - contrast.decided
    note = f" ({undecided} undecided)" if undecided else ""
    return f"{_format_seeds(contrast)}{note} cannot show a difference ({reason})"


def _describe_pair(contrast: Contrast) -> str:
    return f"{acquisition_title(contrast.acquisition)} and {acquisition_title(contrast.against)}"


def _describe_measure(contrast: Contrast) -> str:
    if contrast.measure == "labels":
        return f"labels to {format_contrast_level(contrast)}"
    return f"{_MEANS[contrast.measure]}{_describe_range(contrast)}"


def _describe_range(contrast: Contrast) -> str:
    return "" if contrast.up_to is None else f" up to {contrast.up_to} labels"


def _format_share(share: float) -> str:
    """Return a share in whole percent, or its first digit where that would be 0."""
    return f"{format_number(100 * share, 0)} %"


def display_scale(contrast: Contrast) -> float:
    """Return the factor from an estimate to the displayed unit: percent, points or bits."""
    return 100.0 if contrast.measure == "labels" else METRICS[METRIC_OF[contrast.measure]].unit.scale


def display_digits(contrast: Contrast) -> int:
    """Return the number of decimals in the displayed unit."""
    return 0 if contrast.measure == "labels" else METRICS[METRIC_OF[contrast.measure]].unit.digits


def _unit(contrast: Contrast) -> str:
    return "bits" if contrast.measure == "mean_nll" else "points"


def _format_amount(contrast: Contrast, value: float) -> str:
    """Return a difference of means in points or bits, without the unit."""
    return format_number(display_scale(contrast) * value, display_digits(contrast))


def format_number(value: float, digits: int) -> str:
    """Return a number with so many decimals, or its first digit where it would round to 0."""
    text = f"{value:z.{digits}f}"
    return text if value == 0 or float(text) != 0 else f"{value:.1g}"


def _format_points(points: float) -> str:
    return f"{'+' if points >= 0 else ''}{format_number(points, 2)}".replace("-", "−")


def _format_seeds(contrast: Contrast) -> str:
    return "1 seed" if contrast.pairs == 1 else f"{contrast.pairs} seeds"
