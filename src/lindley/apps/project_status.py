"""The status of a labelling project in plain words: the answer first, then tables. `lindley status DIR` prints it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.interrupts import program_name
from lindley.apps.printing import print_result
from lindley.labelling.project import Project
from lindley.labelling.status import ProjectStatus

FEW = 10
"""The number of test labels below which a class is marked: its recall says little."""
_CURVE_LINES = 12
_FULL_WIDTH = 1000


@dataclass(frozen=True)
class StatusTable:
    """A table of text cells under a title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def show_project_status(folder: Path, *, as_json: bool) -> None:
    """Print how far the project in a folder is."""
    with Project.open(folder) as project:
        status = project.status()
    if as_json:
        print_result(json.dumps(status.to_json(), indent=1, allow_nan=False))
        return
    console = PlainConsole()
    # Output that another program reads is not truncated.
    wide = console if console.is_terminal else PlainConsole(width=_FULL_WIDTH)
    for line in answer(status, folder):
        console.print(line, soft_wrap=True)
    for each in status_tables(status):
        console.print(f"\n{each.title}", soft_wrap=True)
        wide.print(_rich_table(each))
        if each.note:
            console.print(each.note, soft_wrap=True)


def answer(status: ProjectStatus, folder: Path) -> Iterator[str]:
    """Yield what a reader wants to know first, one sentence a line.

    Args:
        status: The status.
        folder: The folder of the project, for the commands that are proposed.
    """
    yield accuracy_line(status)
    yield labels_line(status)
    yield from audit_lines(status)
    yield from sentence_lines(status, folder)
    yield advice_line(status, folder)
    yield from (f"  - {sign.reason}" for sign in status.advice.signs)
    yield forecast_line(status)
    if status.failure:
        yield f"The last round of training failed, so the queue is that of the round before: {status.failure}"


def accuracy_line(status: ProjectStatus) -> str:
    """Return the accuracy now with its interval, or why there is none yet."""
    found = status.accuracy
    if status.model is None:
        return "Accuracy: not known yet. A model is trained on the first labels."
    if found.share is None:
        return "Accuracy: not known yet. It is measured by test labels, every third label, and there is none so far."
    labels = f"by {count(found.num_labels, 'random test label')}"
    return f"Accuracy: {percent(found.share)}, {interval(found.low, found.high)} (95 %, one look now), {labels}."


def labels_line(status: ProjectStatus) -> str:
    """Return the number of labels, and of what has none."""
    train, test, audit = (status.labels[name] for name in ("train", "test", "audit"))
    parts = [f"{train} to train on", f"{test} to test"] + [f"{audit} of the audit"] * bool(audit)
    line = f"Labels: {train + test + audit} of {status.num_items} items ({', '.join(parts)})"
    more = [f"{status.num_imported} imported"] if status.num_imported else []
    more += [f"{count(status.num_unused, 'imported label')} on test items, not used"] if status.num_unused else []
    skips = sum(status.undecided.values()) - status.num_disputed
    more += [f"{skips} skipped"] if skips > 0 else []
    more += [f"{status.num_disputed} disputed"] if status.num_disputed else []
    more += [f"{status.num_unreadable} unreadable"] if status.num_unreadable else []
    return "; ".join([line, *more]) + "."


def audit_lines(status: ProjectStatus) -> Iterator[str]:
    """Yield what the last judged audit says, and how far the one is that is under way."""
    judged = [each for each in status.audits if each.low is not None]
    for each in (*judged[-1:], *(each for each in status.audits if each.low is None)):
        name = "Audit" if len(status.audits) == 1 else f"Audit {each.number}"
        if each.low is not None and each.high is not None:
            share = f"{each.num_correct} of {each.num_labels} correct, of model {each.model_version}"
            looks = "" if each.number == 1 else f" It is look number {each.number}: report the earlier ones too."
            yield f"{name}: {interval(each.low, each.high)} (95 %, exact), {share}.{looks}"
        elif (done := each.num_labels + each.num_undecided) < each.num_items:
            yield f"{name}: {done} of {each.num_items} items are answered. It is judged once, when all are."
        else:
            yield f"{name}: it waits for a model, or for answers by more people. It is judged once, when all are there."


def sentence_lines(status: ProjectStatus, folder: Path) -> Iterator[str]:
    """Yield a line for each sentence about a class that misleads, with the command that changes it.

    Args:
        status: The status.
        folder: The folder of the project.
    """
    for each in status.sentences.classes if status.sentences else ():
        if each.misleads:
            command = f"{program_name()} class describe {shlex.quote(str(folder))} {shlex.quote(each.name)} TEXT"
            worse = f"{-each.gain:.1f} ± {each.standard_error:.1f} nats worse"
            own = f"Your sentence for {each.name} misleads: rewrite it"
            name = f"{each.name} has no sentence, and its name misleads: describe it"
            wrong = name if each.sentence == each.name else own
            yield f"{wrong} ({command}). With it the training labels are predicted {worse} than without."


def advice_line(status: ProjectStatus, folder: Path) -> str:
    """Return whether to stop, and the command that comes next.

    Args:
        status: The status.
        folder: The folder of the project.
    """
    holding = sum(sign.holds for sign in status.advice.signs)
    where = shlex.quote(str(folder))
    if not status.advice.stop:
        return f"Go on: {program_name()} label {where}. Two signs to stop are wanted, {holding or 'none'} is there:"
    if not status.audits:
        return (
            f"You may stop. For the last word: {program_name()} audit {where} --labels 60. {holding} signs are there:"
        )
    return f"You may stop: {holding} signs are there:"


def forecast_line(status: ProjectStatus) -> str:
    """Return what the next labels should bring."""
    found = status.forecast
    if found is None:
        return "What the next labels should bring cannot be said yet: four rounds and 20 test labels are needed."
    gain = f"{100 * found.gain:.1f} points of accuracy ({100 * found.low:.1f} to {100 * found.high:.1f}, 80 %)"
    return f"The next {found.num_more} training labels should bring about {gain}, if the curve goes on as it did."


def status_tables(status: ProjectStatus) -> Iterator[StatusTable]:
    """Yield the tables that have something to say."""
    tables = _recall, _curve, _calibration, _more_numbers, _agreement, _unreadable
    for make in tables:
        found = make(status)
        if found.rows:
            yield found


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


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "label"), count(2, "label")
    ('1 label', '2 labels')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
    note = f"By the number of labels to train on and to test. Fewer than {FEW} to test are marked: they say little."
    columns = "class", "train", "test", "recall", "95 %"
    return StatusTable("Recall by class", columns, tuple(rows), note)


def _curve(status: ProjectStatus) -> StatusTable:
    last = {each.num_labels: each for each in status.curve}
    points = [*last.values()]
    step = max(1, -(-len(points) // _CURVE_LINES))
    rows = [
        (str(each.num_labels), str(each.num_train), percent(each.share), interval(each.low, each.high))
        for each in points[::-1][::step][::-1]
    ]
    tests = status.curve[-1].num_test if status.curve else 0
    note = f"Each model is judged by the same {count(tests, 'test label')}, also those that came after it."
    return StatusTable("Learning curve", ("labels", "train", "accuracy", "95 %"), tuple(rows), note)


def _calibration(status: ProjectStatus) -> StatusTable:
    columns = "sure", "right", "95 %", "test"
    if status.calibration is None:
        return StatusTable("Calibration", columns, ())
    rows = [
        (percent(each.confidence), percent(each.share), interval(each.low, each.high), str(each.num_labels))
        for each in status.calibration.bins
    ]
    error, chance = 100 * status.calibration.error, 100 * status.calibration.chance_error
    note = (
        "How sure the model is, and how often it is right. "
        f"Expected calibration error: {error:.0f} points; with so few labels a calibrated model shows {chance:.0f}."
    )
    return StatusTable("Calibration", columns, tuple(rows), note)


def _more_numbers(status: ProjectStatus) -> StatusTable:
    found, rows = status.accuracy, []
    if found.share is not None:
        rows.append(("accuracy, looked at any number of times (95 %)", interval(found.always_low, found.always_high)))
    if status.adjusted is not None:
        half = 1.96 * status.adjusted.standard_error
        low, high = max(0.0, status.adjusted.share - half), min(1.0, status.adjusted.share + half)
        rows.append(
            (
                "accuracy, adjusted by the model's confidence",
                f"{percent(status.adjusted.share)}, {interval(low, high)}",
            )
        )
    if found.num_undecided:
        rows.append(
            ("test items without a label that counts: wrong and right in the intervals", str(found.num_undecided))
        )
    if status.information_bits is not None:
        limit = f"of at most {status.information_limit_bits:.2f} that its draws can show"
        rows.append(("information of the next batch", f"{status.information_bits:.2f} bits, {limit}"))
    if status.sentences is not None:
        scale = f"{status.sentences.weight:g} (1 without labels, 0 where they are left out)"
        rows.append(("weight of the sentences about the classes", scale))
    if status.seconds_per_label is not None:
        rows.append(("time for a label, median", f"{status.seconds_per_label:.1f} s"))
    if status.model is not None:
        rows.append(("model", f"{status.model.version}, {count(status.model.num_train, 'label')}"))
        rows.append(("the next batch is chosen by", status.model.acquisition))
    return StatusTable("More numbers", ("", ""), tuple(rows))


def _agreement(status: ProjectStatus) -> StatusTable:
    rows = [
        (
            " and ".join(each.people),
            str(each.num_items),
            percent(each.observed),
            "–" if each.kappa is None else f"{each.kappa:.2f} ({each.low:.2f} to {each.high:.2f})",
        )
        for each in status.agreement
    ]
    note = "Accuracy is agreement with these people: a model cannot be measured better than they agree."
    return StatusTable(
        "Agreement between people", ("people", "items", "agree", "Cohen's kappa (95 %)"), tuple(rows), note
    )


def _unreadable(status: ProjectStatus) -> StatusTable:
    rows = tuple((each.place, each.reason or "") for each in status.unreadable)
    more = status.num_unreadable - len(rows)
    return StatusTable("Unreadable entries", ("entry", "reason"), rows, f"… and {more} more." if more > 0 else "")


def _rich_table(given: StatusTable) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="", show_header=any(given.columns))
    for place, name in enumerate(given.columns):
        text = place == 0 or given.title in ("More numbers", "Unreadable entries")
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for row in given.rows:
        table.add_row(*row)
    return table
