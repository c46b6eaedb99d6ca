"""The commands that change the classes of a project: arguments and options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lindley.apps.command_classes import Command, Commands
from lindley.apps.interrupts import exit_on_interrupt
from lindley.apps.shared_options import Dir

if TYPE_CHECKING:
    from lindley.labelling.records import ClassAction
    from lindley.labelling.store import ClassValue

commands = typer.Typer(cls=Commands, help="List or change the classes of a project.", rich_markup_mode=None)


@commands.command("list", cls=Command, epilog="Example: lindley class list questions-labels")
def list_classes(folder: Dir) -> None:
    """List the classes."""
    with exit_on_interrupt():
        from lindley.apps.class_command import show

    show(folder)


@commands.command("add", cls=Command, epilog="Example: lindley class add questions-labels snake")
def add_class(
    folder: Dir,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the class.", show_default=False)],
    key: Annotated[str | None, typer.Option(metavar="KEY", help="Set its key.  [default: the next free one]")] = None,
    description: Annotated[str, typer.Option(metavar="TEXT", help="Describe it in a sentence.")] = "",
) -> None:
    """Add a class."""
    with exit_on_interrupt():
        from lindley.apps.class_command import add as run

    run(folder, name, key, description)


Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the class.", show_default=False)]


@commands.command("rename", cls=Command, epilog="Example: lindley class rename pets-labels cat kitten")
def rename_class(
    folder: Dir,
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
) -> None:
    """Rename a class and keep its labels."""
    _change(folder, "rename", name, new)


@commands.command("merge", cls=Command, epilog="Example: lindley class merge pets-labels puppy dog")
def merge_class(
    folder: Dir,
    name: Name,
    into: Annotated[
        str, typer.Argument(metavar="INTO", help="The class that takes over its labels.", show_default=False)
    ],
) -> None:
    """Merge a class into another one.

    Its labels then count for that class.
    """
    _change(folder, "merge", name, into)


@commands.command("split", cls=Command, epilog="Example: lindley class split pets-labels dog puppy 'adult dog'")
def split_class(
    folder: Dir,
    name: Name,
    new: Annotated[
        list[str], typer.Argument(metavar="NEW NEW ...", help="The classes that take its place.", show_default=False)
    ],
) -> None:
    """Split a class into new ones.

    Its labels no longer count: their items are labelled again, before all others.
    """
    _change(folder, "split", name, new)


@commands.command("describe", cls=Command, epilog='Example: lindley class describe pets-labels cat "a small feline"')
def describe_class(
    folder: Dir,
    name: Name,
    sentence: Annotated[
        str, typer.Argument(metavar="TEXT", help="A sentence that says what the class is.", show_default=False)
    ],
) -> None:
    """Describe a class in a sentence."""
    _change(folder, "describe", name, sentence)


@commands.command("hotkey", cls=Command, epilog="Example: lindley class hotkey pets-labels cat c")
def change_hotkey(
    folder: Dir,
    name: Name,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="A letter, digit or mark; not s, u, ? or /.", show_default=False)
    ],
) -> None:
    """Change the key of a class."""
    _change(folder, "hotkey", name, key)


@commands.command("retire", cls=Command, epilog="Example: lindley class retire questions-labels snake")
def retire_class(folder: Dir, name: Name) -> None:
    """Retire a class; its labels no longer count."""
    _change(folder, "retire", name, None)


def _change(folder: Path, action: ClassAction, name: str, new: ClassValue) -> None:
    with exit_on_interrupt():
        from lindley.apps.class_command import change

    change(folder, action, name, new)
