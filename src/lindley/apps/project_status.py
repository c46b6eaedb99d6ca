"""The status of a labelling project as text: a summary, then tables. `lindley status DIR` prints it."""

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
from lindley.labelling.accuracy import AdjustedAccuracy
from lindley.labelling.advice import MIN_TEST_LABELS
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.labels_saved import MIN_LABELS
from lindley.labelling.learning_curve import CurvePoint
from lindley.labelling.project import Project
from lindley.labelling.status_records import PersonStatus, ProjectStatus
from lindley.labelling.suspects import MIN_CLASS_LABELS, MIN_TRAINING_LABELS, are_enough_labels

FEW = 10
"""The number of test labels below which a class is marked, since its recall is uncertain."""
SIGN = "  - "
"""The beginning of the lines that list the signs to stop."""
DETAILS, UNREADABLE = "Details", "Unreadable entries"
SAVED, SUSPECTS = "Chosen labels against random labels", "Labels to check"
_CURVE_LINES = 12
_FULL_WIDTH = 1000
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


def show_project_status(folder: Path, *, as_json: bool) -> None:
    """Print the status of the project in a folder."""
    with Project.open(folder) as project:
        status = project.status()
    if as_json:
        print_result(json.dumps(status.to_json(), indent=1, allow_nan=False))
        return
    console = PlainConsole()
    # Output that another program reads is not truncated.
    wide = console if console.is_terminal else PlainConsole(width=_FULL_WIDTH)
    for line in summary_lines(status, folder):
        console.print(line, soft_wrap=True)
    for each in status_tables(status):
        console.print(f"\n{each.title}", soft_wrap=True)
        wide.print(_rich_table(each))
        if each.note:
            console.print(each.note, soft_wrap=True)


def summary_lines(status: ProjectStatus, folder: Path) -> Iterator[str]:
    """Yield the summary of a project, the accuracy first, one sentence a line.

    Args:
        status: The status.
        folder: The folder of the project, for the commands that are proposed.
    """
    audit = [*audit_lines(status)]
    yield from (*audit, accuracy_line(status)) if headline_audit(status) else (accuracy_line(status), *audit)
    yield labels_line(status)
    yield from sentence_lines(status, folder)
    yield advice_line(status, folder)
    yield from sign_lines(status)
    yield from forecast_lines(status)
    if status.failure:
        yield f"The last round of training failed: {status.failure}. The queue of the round before is still in use."


def headline_audit(status: ProjectStatus) -> AuditStatus | None:
    """Return the last audit that is complete where it judged the newest model; None where it says nothing of that."""
    complete = [each for each in status.audits if each.low is not None]
    is_current = complete and status.model is not None and complete[-1].model_version == status.model.version
    return complete[-1] if is_current else None


def accuracy_line(status: ProjectStatus) -> str:
    """Return the accuracy by the test labels with its interval, or why it is not known yet."""
    found = status.accuracy
    name = "Accuracy by the test labels" if headline_audit(status) else "Accuracy"
    if found.share is None or status.model is None:
        return f"{name}: not known yet. {unknown_reason(status)}"
    labels = f"from {count(found.num_labels, 'random test label')}"
    return f"{name}: {percent(found.share)} ({interval(found.low, found.high)}, 95 % interval), {labels}."


def unknown_reason(status: ProjectStatus) -> str:
    """Return why the accuracy by the test labels is not known yet."""
    if status.model is None:
        return "There is no model."
    return "There are no test labels; every third item that you label becomes one."


def describe_adjusted(found: AdjustedAccuracy) -> str:
    """Return the accuracy that is adjusted by the model's confidence, with its 95 % interval."""
    half = 1.96 * found.standard_error
    low, high = max(0.0, found.share - half), min(1.0, found.share + half)
    return f"{percent(found.share)} ({interval(low, high)}, 95 % interval)"


def labels_line(status: ProjectStatus) -> str:
    """Return the number of labels by their use, and the number of items without one."""
    parts = [f"{status.labels[name]} {name_of}" for name, name_of in (("train", "training"), ("test", "test"))]
    parts += [f"{status.labels['audit']} audit"] * bool(status.labels["audit"])
    line = f"Labels: {sum(status.labels.values()):,} of {count(status.num_items, 'item')} ({', '.join(parts)})"
    more = [f"{status.num_imported} imported"] if status.num_imported else []
    more += [f"{count(status.num_unused, 'imported label')} on test items, not used"] if status.num_unused else []
    skips = sum(status.undecided.values()) - status.num_disputed
    more += [f"{skips} skipped"] if skips > 0 else []
    more += [f"{status.num_disputed} disputed"] if status.num_disputed else []
    more += [f"{status.num_unreadable} unreadable"] if status.num_unreadable else []
    return "; ".join([line, *more]) + "."


def audit_lines(status: ProjectStatus) -> Iterator[str]:
    """Yield the result of the last audit that is complete, and the progress of one that is under way."""
    complete = [each for each in status.audits if each.low is not None]
    for each in (*complete[-1:], *(each for each in status.audits if each.low is None)):
        number = "" if len(status.audits) == 1 else f" {each.number}"
        if each.low is not None and each.high is not None and each.num_correct is not None:
            yield _verdict_line(status, each, number)
        elif (done := each.num_labels + each.num_undecided) < each.num_items:
            yield f"Audit{number}: {done} of {each.num_items} items answered. The result comes when all are."
        else:
            yield f"Audit{number}: all items answered. The result comes with the next model, or more people's answers."


def _verdict_line(status: ProjectStatus, audit: AuditStatus, number: str) -> str:
    assert audit.num_correct is not None
    assert audit.low is not None
    assert audit.high is not None
    name = f"Accuracy in audit{number}" if number else "Audited accuracy"
    correct = f"{audit.num_correct} of {audit.num_labels} labels agree with model {audit.model_version}"
    if headline_audit(status) is None:
        name = f"Audit{number} at {count(audit.num_train or 0, 'training label')}"
        correct += "" if status.model is None else f"; today's model is {status.model.version}"
    if audit.num_undecided:
        correct += (
            f"; {count(audit.num_undecided, 'item')} without a label: wrong in the lower end, right in the upper end"
        )
    share = percent(audit.num_correct / audit.num_labels) if audit.num_labels else percent(None)
    looks = "" if audit.number == 1 else f" This is look number {audit.number}: report the earlier ones too."
    return f"{name}: {share} ({interval(audit.low, audit.high)}, exact 95 % interval). {correct}.{looks}"


def sentence_lines(status: ProjectStatus, folder: Path) -> Iterator[str]:
    """Yield a line for each sentence about a class that misleads, with the command that changes it.

    Args:
        status: The status.
        folder: The folder of the project.
    """
    for each in status.sentences.classes if status.sentences else ():
        if each.misleads:
            command = f"{program_name()} class describe {shlex.quote(str(folder))} {shlex.quote(each.name)} TEXT"
            lower = f"{-each.gain:.1f} ± {each.standard_error:.1f} nats lower"
            own = f"Your sentence for {each.name} misleads the model. Rewrite it: {command}"
            name = f"The name of {each.name} misleads the model. Describe the class: {command}"
            wrong = name if each.sentence == each.name else own
            yield f"{wrong} (it makes the log-likelihood of the training labels {lower})"


@dataclass(frozen=True)
class NextStep:
    """The step that comes next in a project."""

    verb: str
    """The command's name, such as "label"; "" where nothing is left to do."""
    task: str = ""
    """A few words that name the step."""
    command: str = ""
    before: str = ""
    """The sentence before it, "" where there is none."""
    after: str = ""
    """The sentence after it; where it ends with a colon, the signs to stop follow."""


def next_step(status: ProjectStatus, folder: Path) -> NextStep:
    """Return the step that comes next, by the advice whether to stop.

    Args:
        status: The status.
        folder: The folder of the project.
    """
    holding, total = sum(sign.holds for sign in status.advice.signs), len(status.advice.signs)

    def step(verb: str, task: str, options: str = "", **sentences: str) -> NextStep:
        command = f"{program_name()} {verb} {shlex.quote(str(folder))}{options}"
        return NextStep(verb, task, command, **sentences)

    if _is_all_answered(status):
        return step("export", "Export the labels", " --out labels.csv", before="Every item has an answer.")
    if status.model is None and sum(status.labels.values()) > 0:
        return step("train", "Train a model on the labels that you have")
    if status.model is None:
        return step("label", "Start labelling")
    if any(each.low is None for each in status.audits):
        return step(
            "label", "Finish the audit", after=f"{holding or 'None'} of {total} signs to stop {_verb(holding)}:"
        )
    if not status.advice.stop:
        now = f"{holding or 'none'} {_verb(holding)}{' yet' * (not holding)}"
        return step("label", "Keep labelling", after=f"Two of three signs are needed to stop; {now}:")
    signs = f"You can stop: {holding} of {total} signs hold."
    if status.audits:
        return NextStep("", before=signs)
    return step("audit", "Audit the accuracy on fresh items", " --labels 60", before=signs)


def advice_line(status: ProjectStatus, folder: Path) -> str:
    """Return the advice whether to stop, with the command that comes next.

    Args:
        status: The status.
        folder: The folder of the project.
    """
    step = next_step(status, folder)
    task = f"{step.task}: {step.command}{'.' * bool(step.after)}" if step.verb else ""
    return " ".join(part for part in (step.before, task, step.after) if part)


def sign_lines(status: ProjectStatus) -> Iterator[str]:
    """Yield the signs to stop, each with whether it holds, once there is a model and something to label."""
    if status.model is not None and not _is_all_answered(status):
        yield from (f"{SIGN}{'Holds' if sign.holds else 'Not yet'}: {sign.reason}" for sign in status.advice.signs)


def forecast_lines(status: ProjectStatus) -> Iterator[str]:
    """Yield the accuracy that the next labels are expected to add, where more can be given."""
    found = status.forecast
    if status.model is None or _is_all_answered(status):
        return
    if found is None:
        yield f"Forecast: not known yet. It takes {MIN_TEST_LABELS} test labels and a longer learning curve."
        return
    gain = f"{100 * found.gain:.1f} points of accuracy"
    points = f"80 % interval {100 * found.low:.1f} to {100 * found.high:.1f}"
    yield f"The next {found.num_more} training labels are expected to add about {gain} ({points})."


def _is_all_answered(status: ProjectStatus) -> bool:
    return sum(status.labels.values()) + sum(status.undecided.values()) >= status.num_items


def _verb(number: int) -> str:
    return "holds" if number <= 1 else "hold"


def status_tables(status: ProjectStatus) -> Iterator[StatusTable]:
    """Yield the tables that have rows."""
    tables = _recall, _curve, _calibration, _saved, _details, _people, _agreement, _suspects, _unreadable
    for make in tables:
        found = make(status)
        if found.rows:
            yield found


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


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "label"), count(5381, "label")
    ('1 label', '5,381 labels')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


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
    note = f"Every model is measured with all {count(tests, 'test label')} of today, later ones included."
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
    if status.model is not None and not are_enough_labels(status.by_class.values()):
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
        behind = f"; {count(status.model.num_behind, 'answer')} since" if status.model.num_behind else ""
        trained = f"{status.model.version}, trained on {count(status.model.num_train, 'label')}{behind}"
        rows.append(("model", trained))
        rows.append(("acquisition of the next batch", describe_acquisition(status.model.acquisition)))
    return StatusTable(DETAILS, ("", ""), tuple(rows), is_text=True)


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
    note = "Where people disagree, no model can agree with all of them: this limits the accuracy that you can measure."
    columns = "people", "items", "agreement", "Cohen's kappa (95 % interval)"
    return StatusTable("Agreement between people", columns, tuple(rows), note)


def _people(status: ProjectStatus) -> StatusTable:
    rows = [(each.person, f"{each.num_labels:,}", f"{each.num_skips:,}", _pace(each)) for each in status.people]
    return StatusTable("People", ("person", "labels", "skips", "median time per label"), tuple(rows))


def _pace(found: PersonStatus) -> str:
    return "–" if found.seconds_per_label is None else f"{found.seconds_per_label:.1f} s"


def _unreadable(status: ProjectStatus) -> StatusTable:
    rows = tuple((each.place, each.reason or "") for each in status.unreadable)
    more = status.num_unreadable - len(rows)
    return StatusTable(UNREADABLE, ("entry", "reason"), rows, f"… and {more} more." if more > 0 else "", is_text=True)


def _rich_table(given: StatusTable) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="", show_header=any(given.columns))
    for place, name in enumerate(given.columns):
        text = place == 0 or given.is_text
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for row in given.rows:
        table.add_row(*row)
    return table
