"""The status of a labelling project as text: a summary, then the tables. `lindley status DIR` prints it."""

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
from lindley.apps.status_tables import StatusTable, interval, percent, status_tables
from lindley.labelling.advice import MIN_TEST_LABELS
from lindley.labelling.audit_verdict import AuditStatus
from lindley.labelling.project import Project
from lindley.labelling.status_records import ProjectStatus
from lindley.text import count_noun

SIGN = "  - "
"""The beginning of the lines that list the signs to stop."""
_FULL_WIDTH = 1000


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
    labels = f"from {count_noun(found.num_labels, 'random test label')}"
    return f"{name}: {percent(found.share)} ({interval(found.low, found.high)}, 95 % interval), {labels}."


def unknown_reason(status: ProjectStatus) -> str:
    """Return why the accuracy by the test labels is not known yet."""
    if status.model is None:
        return "There is no model."
    return "There are no test labels; every third item that you label becomes one."


def labels_line(status: ProjectStatus) -> str:
    """Return the number of labels by their use, and the number of items without one."""
    parts = [f"{status.labels[name]} {name_of}" for name, name_of in (("train", "training"), ("test", "test"))]
    parts += [f"{status.labels['audit']} audit"] * bool(status.labels["audit"])
    line = f"Labels: {sum(status.labels.values()):,} of {count_noun(status.num_items, 'item')} ({', '.join(parts)})"
    more = [f"{status.num_imported} imported"] if status.num_imported else []
    more += [f"{count_noun(status.num_unused, 'imported label')} on test items, not used"] if status.num_unused else []
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
        name = f"Audit{number} at {count_noun(audit.num_train or 0, 'training label')}"
        correct += "" if status.model is None else f"; today's model is {status.model.version}"
    if audit.num_undecided:
        undecided = count_noun(audit.num_undecided, "item")
        correct += f"; {undecided} without a label: wrong in the lower end, right in the upper end"
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


def _rich_table(given: StatusTable) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="", show_header=any(given.columns))
    for place, name in enumerate(given.columns):
        text = place == 0 or given.is_text
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for row in given.rows:
        table.add_row(*row)
    return table
