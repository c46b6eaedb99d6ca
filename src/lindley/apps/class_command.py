"""`lindley class list|add|rename|merge|describe|split|hotkey|retire DIR`."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from lindley.apps.console import PlainConsole
from lindley.apps.printing import print_result
from lindley.errors import InputError
from lindley.labelling.project import Project
from lindley.labelling.records import ClassAction, ClassRecord
from lindley.labelling.store import ClassValue
from lindley.names import suggest_name


def show(folder: Path) -> None:
    """Print the classes of a project."""
    with Project.open(folder) as project:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
        for name in ("id", "name", "key", "description"):
            table.add_column(name)
        for each in project.classes():
            table.add_row(str(each.id), each.name, each.hotkey or "", each.description)
    console = PlainConsole()
    console.print(table)


def add(folder: Path, name: str, key: str | None, description: str) -> None:
    """Add a class to a project.

    Args:
        folder: The folder of the project.
        name: The name of the class.
        key: The key that chooses it.
        description: A sentence that says what it is.
    """
    with Project.open(folder) as project:
        number = project.store.add_class(name, hotkey=key, description=description)
    print_result(f"Added {name} as class {number}.")


def change(folder: Path, action: ClassAction, name: str, new: ClassValue) -> None:
    """Change a class of a project.

    Args:
        folder: The folder of the project.
        action: The change.
        name: The name of the class.
        new: The new name, description or key, the name of the class into which it is merged, or those of a split.
    """
    with Project.open(folder) as project:
        found = _find(project, name)
        value = _find(project, str(new)).id if action == "merge" else new
        project.store.change_class(found.id, action, value)
    told = ", ".join(new) if isinstance(new, list) else new
    print_result(_DONE[action].format(name=name, new=told))


_DONE = {
    "rename": "Renamed {name} to {new}.",
    "merge": "Merged {name} into {new}.",
    "split": "Split {name} into {new}: its items are labelled again, before others.",
    "describe": "Described {name}: {new}",
    "hotkey": "The key of {name} is now {new}.",
    "retire": "Retired {name}: its labels no longer count.",
}


def _find(project: Project, name: str) -> ClassRecord:
    classes = {each.name: each for each in project.classes()}
    if name not in classes:
        raise InputError(
            f"There is no class {name!r}; the classes are {', '.join(classes)}.{suggest_name(name, classes)}",
            argument="name",
            got=name,
        )
    return classes[name]
