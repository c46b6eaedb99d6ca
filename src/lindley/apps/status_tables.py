"""The tables of a project's status, below its summary: cells of text, for the terminal, the report and the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lindley.labelling.accuracy import AdjustedAccuracy
from lindley.labelling.labels_saved import MIN_LABELS
from lindley.labelling.learning_curve import CurvePoint
from lindley.labelling.status_records import PeopleAgreement, PersonStatus, ProjectStatus
from lindley.labelling.suspects import MIN_CLASS_LABELS, MIN_TRAINING_LABELS, are_enough_labels
from lindley.text import count_noun

FEW = 10
"""The number of test labels below which a class is marked, since its recall is uncertain."""
DETAILS, UNREADABLE = "Details", "Unreadable entries"
SAVED, SUSPECTS = "Chosen labels against random labels", "Labels to check"
_CURVE_LINES = 12
_CONTENT_LENGTH = 80


@dataclass(frozen=True)
class StatusTable:
    """A table of text cells under a title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    is_text: bool = False
    """Whether all columns hold text, not the first alone."""


def status_tables(status: ProjectStatus) -> Iterator[StatusTable]:
    """Yield the tables that have rows."""
    tables = _recall, _curve, _calibration, _saved, _details, _people, _agreement, _suspects, _unreadable
    for make in tables:
        found = make(status)
        if found.rows:
            yield found


def describe_adjusted(found: AdjustedAccuracy) -> str:
    """Return the accuracy that is adjusted by the model's confidence, with its 95 % interval."""
    half = 1.96 * found.standard_error
    low, high = max(0.0, found.share - half), min(1.0, found.share + half)
    return f"{percent(found.share)} ({interval(low, high)}, 95 % interval)"


def describe_acquisition(name: str) -> str:
    """Return an acquisition's name, with what it chooses where the name alone does not say it.

    >>> describe_acquisition("typiclust"), describe_acquisition("margin")
    ('typical items of each cluster (TypiClust)', 'margin')
    """
    known = {
        "typiclust": "typical items of each cluster (TypiClust)",
        "batchbald": "BatchBALD",
        "u-herding": "uncertain items that stand for many others (uncertainty herding)",
    }
    return known.get(name, name)


def percent(share: float | None) -> str:
    """Return a share in percent, without decimals.

    >>> percent(0.125), percent(None)
    ('12 %', '–')
    """
    return "–" if share is None else f"{100 * share:.0f} %"


def interval(low: float, high: float) -> str:
    """Return an interval in percent.

    >>> interval(0.5, 0.75)
    '50 to 75 %'
    """
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _recall(status: ProjectStatus) -> StatusTable:
    rows = [
        (
            each.name,
            str(status.by_class.get(each.name, 0)),
            f"{each.num_labels}{' (few)' if each.num_labels < FEW else ''}",
            percent(each.share),
            interval(each.low, each.high),
        )
        for each in status.recall
    ]
    note = f"Classes with fewer than {FEW} test labels are marked (few): their recall is very uncertain."
    columns = "class", "training labels", "test labels", "recall", "95 % interval"
    return StatusTable("Recall by class", columns, tuple(rows), note)


def curve_points(status: ProjectStatus) -> list[CurvePoint]:
    """Return the learning curve, with one point for each number of labels: that of the last model."""
    return [*{each.num_labels: each for each in status.curve}.values()]


def _curve(status: ProjectStatus) -> StatusTable:
    points = curve_points(status)
    step = max(1, -(-len(points) // _CURVE_LINES))
    rows = [
        (str(each.num_labels), str(each.num_train), percent(each.share), interval(each.low, each.high))
        for each in points[::-1][::step][::-1]
    ]
    tests = status.curve[-1].num_test if status.curve else 0
    note = f"Every model is measured with all {count_noun(tests, 'test label')} of today, later ones included."
    columns = "labels", "training labels", "accuracy", "95 % interval"
    return StatusTable("Learning curve", columns, tuple(rows), note)


def _calibration(status: ProjectStatus) -> StatusTable:
    columns = "confidence", "accuracy", "95 % interval", "test labels"
    if status.calibration is None:
        return StatusTable("Calibration", columns, ())
    rows = [
        (percent(each.confidence), percent(each.share), interval(each.low, each.high), str(each.num_labels))
        for each in status.calibration.bins
    ]
    error, chance = 100 * status.calibration.error, 100 * status.calibration.chance_error
    note = (
        "A model is calibrated if it is right as often as it is confident. Expected calibration error: "
        f"{error:.0f} points; with so few test labels, a calibrated model would show about {chance:.0f} by chance."
    )
    return StatusTable("Calibration", columns, tuple(rows), note)


def _saved(status: ProjectStatus) -> StatusTable:
    found = status.saved
    if found is None:
        reason = [("labels saved", _saved_reason(status))] * (status.model is not None)
        return StatusTable(SAVED, ("", ""), tuple(reason), is_text=True)
    difference = f"{100 * found.gain:.0f} points ({100 * found.low:.0f} to {100 * found.high:.0f}, 95 % interval)"
    saved = f"{found.saved:.0f} of {found.num_random} ({found.saved_low:.0f} to {found.saved_high:.0f}, 95 % interval)"
    rows = (
        (f"accuracy with {found.num_random} random labels", percent(found.random_share)),
        (f"accuracy with {found.num_random} chosen labels", percent(found.chosen_share)),
        ("difference", difference),
        ("labels saved", saved),
    )
    note = (
        "A model of the test labels alone, which are random, is compared with the project's own models; each test "
        "label is predicted from the others. Labels saved: how many fewer chosen labels reach the accuracy of the "
        "random ones; below 0, choosing cost labels. This holds for so many labels, not for later ones, and the "
        "interval ends where the learning curve ends."
    )
    return StatusTable(SAVED, ("", ""), rows, note, is_text=True)


def _saved_reason(status: ProjectStatus) -> str:
    """Return why it cannot be estimated how many labels were saved."""
    if status.num_imported:
        return "not estimable: there are imported labels, which nobody chose"
    if status.labels["test"] < MIN_LABELS:
        return f"not estimable yet: it takes {MIN_LABELS} test labels, and there are {status.labels['test']}"
    return "not estimable yet: it comes with a later model"


def _suspects(status: ProjectStatus) -> StatusTable:
    if status.model is not None and not status.suspects and not are_enough_labels(status.by_class.values()):
        reason = (
            f"not listed yet: they take {MIN_TRAINING_LABELS} training labels, {MIN_CLASS_LABELS} or more in each of "
            f"two classes, and there are {status.labels['train']}"
        )
        return StatusTable(SUSPECTS, ("", ""), (("suspects", reason),), is_text=True)
    rows = tuple((each.place, _shorten(each.content)) for each in status.suspects)
    note = (
        "A model that learned from all other labels finds another class likelier. These labels may be wrong, or the "
        "items are unusual. Both classes stay hidden, so that you can judge again without them."
    )
    return StatusTable(SUSPECTS, ("entry", "content"), rows, note, is_text=True)


def _shorten(content: str) -> str:
    line = " ".join(content.split())
    return line if len(line) <= _CONTENT_LENGTH else f"{line[: _CONTENT_LENGTH - 1]}…"


def _details(status: ProjectStatus) -> StatusTable:
    found, rows = status.accuracy, []
    if found.share is not None:
        always = interval(found.always_low, found.always_high)
        rows.append(("accuracy, 95 % interval that is valid however often you look", always))
    if status.adjusted is not None:
        rows.append(("accuracy, adjusted by the model's confidence", describe_adjusted(status.adjusted)))
    if found.num_undecided:
        name = "test items without a label (wrong in the lower end of the intervals, right in the upper end)"
        rows.append((name, str(found.num_undecided)))
    if status.information_bits is not None:
        limit = f"at most {status.information_limit_bits:.2f} can be measured"
        rows.append(("information in the labels of the next batch", f"{status.information_bits:.2f} bits ({limit})"))
    if status.sentences is not None:
        weight = f"{status.sentences.weight:g} (1 before the first label; at 0 they are ignored)"
        rows.append(("weight of the class sentences", weight))
    if status.seconds_per_label is not None:
        rows.append(("median time per label", f"{status.seconds_per_label:.1f} s"))
    if status.model is not None:
        behind = f"; {count_noun(status.model.num_behind, 'answer')} since" if status.model.num_behind else ""
        trained = f"{status.model.version}, trained on {count_noun(status.model.num_train, 'label')}{behind}"
        rows.append(("model", trained))
        rows.append(("acquisition of the next batch", describe_acquisition(status.model.acquisition)))
    return StatusTable(DETAILS, ("", ""), tuple(rows), is_text=True)


def _agreement(status: ProjectStatus) -> StatusTable:
    rows = [
        (
            " and ".join(each.people),
            str(each.num_items),
            percent(each.observed),
            _describe_kappa(each),
        )
        for each in status.agreement
    ]
    note = "Where people disagree, no model can agree with all of them: this limits the accuracy that you can measure."
    columns = "people", "items", "agreement", "Cohen's kappa (95 % interval)"
    return StatusTable("Agreement between people", columns, tuple(rows), note)


def _describe_kappa(each: PeopleAgreement) -> str:
    if each.kappa is None:
        return "–"
    interval = f"{each.low:.2f} to {each.high:.2f}" if each.low is not None else "too few items for an interval"
    return f"{each.kappa:.2f} ({interval})"


def _people(status: ProjectStatus) -> StatusTable:
    rows = [(each.person, f"{each.num_labels:,}", f"{each.num_skips:,}", _pace(each)) for each in status.people]
    return StatusTable("People", ("person", "labels", "skips", "median time per label"), tuple(rows))


def _pace(found: PersonStatus) -> str:
    return "–" if found.seconds_per_label is None else f"{found.seconds_per_label:.1f} s"


def _unreadable(status: ProjectStatus) -> StatusTable:
    rows = tuple((each.place, each.reason or "") for each in status.unreadable)
    more = status.num_unreadable - len(rows)
    return StatusTable(UNREADABLE, ("entry", "reason"), rows, f"… and {more} more." if more > 0 else "", is_text=True)
