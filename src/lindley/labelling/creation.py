"""A new project by its options: everything that can be checked is checked first, and its features belong to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lindley.errors import ConfigurationError, InputError
from lindley.labelling.initialise import Additions, make_project
from lindley.labelling.item_features import feature_method, item_features
from lindley.labelling.postgresql import check_url
from lindley.labelling.project import Project
from lindley.labelling.records import Kind
from lindley.labelling.settings import DEFAULT_ACQUISITIONS, ProjectSettings, build_settings
from lindley.labelling.sources.images import check_subfolders
from lindley.labelling.sources.open_source import open_source
from lindley.names import suggest_name
from lindley.session.import_paths import is_import_path

READING, LEARNING, FEATURES = "Reading", "Learning features", "Features"
_ARGUMENTS = {"people_per_item": "overlap", "double_share": "double", "features": "encoder", "columns": "features"}
"""The settings whose arguments have another name."""


@dataclass(frozen=True, kw_only=True)
class ProjectOptions:
    """The options of a new project; see `Project.create`."""

    classes: Sequence[str]
    text: str | None = None
    features: Sequence[str] | None = None
    label: str | None = None
    id: str | None = None
    keys: Sequence[str] | None = None
    describe: Mapping[str, str] = field(default_factory=dict)
    encoder: str | None = None
    acquisition: str | None = None
    test_labels: int = 60
    target: float | None = None
    overlap: int = 1
    double: float = 0.0
    seed: int = 0
    database: str | None = None


def create_project(
    folder: Path,
    path: Path,
    options: ProjectOptions,
    *,
    on_stage: Callable[[str, int], None] = lambda stage, count: None,
    on_found: Callable[[Project, Additions], None] = lambda project, found: None,
) -> None:
    """Make a project with its features, or nothing where an error comes. Nothing of the source is changed.

    Args:
        folder: The folder of the project, which must be missing or empty.
        path: The source: a folder of images, or a file.
        options: The options.
        on_stage: Called with a stage, READING, LEARNING or FEATURES, and how many there are in it so far.
        on_found: Called with the project and what was found, before its features are computed.

    Raises:
        InputError: If an option cannot be used, the folder holds something, or nothing can be labelled.
    """
    _check_descriptions(options)
    source = open_source(
        path, text=options.text, features=options.features, label=options.label, id=options.id, classes=options.classes
    )
    if source.kind == "images" and options.label is not None:
        check_subfolders(path)
    settings = _settings(source.kind, options)
    _check_encoder(settings, options.encoder)

    def finish(project: Project, found: Additions) -> None:
        on_found(project, found)
        item_features(project, on_progress=lambda done, total: on_stage(FEATURES if done else LEARNING, done))

    make_project(
        folder,
        source,
        options.classes,
        settings,
        keys=options.keys,
        descriptions=options.describe,
        on_progress=lambda count: on_stage(READING, count),
        finish=finish,
    )


def _check_descriptions(options: ProjectOptions) -> None:
    if isinstance(options.classes, str):
        raise InputError(argument="classes", expected="a list of names", got=options.classes)
    for name, sentence in options.describe.items():
        if name not in options.classes:
            raise InputError(
                f"There is no class {name!r} to describe; the classes are {', '.join(options.classes)}."
                f"{suggest_name(name, options.classes)}",
                argument="describe",
                got=name,
            )
        if not isinstance(sentence, str):
            raise InputError(argument="describe", expected=f"a sentence for {name!r}", got=sentence)


def _settings(kind: Kind, options: ProjectOptions) -> ProjectSettings:
    encoder = options.encoder or ""
    values = {
        "kind": kind,
        "seed": options.seed,
        "text": options.text or "",
        "columns": tuple(options.features or ()),
        "label": options.label or "",
        "id": options.id or "",
        "features": encoder if not encoder or is_import_path(encoder) else f"encoder:{encoder}",
        "acquisition": options.acquisition or DEFAULT_ACQUISITIONS[kind],
        "test_labels": options.test_labels,
        "target": options.target,
        "people_per_item": options.overlap,
        "double_share": options.double,
        "database": check_url(options.database) if options.database is not None else "",
    }
    try:
        return build_settings(values)
    except ConfigurationError as error:
        first = error.errors[0]
        name = _ARGUMENTS.get(first.argument, first.argument)
        raise InputError(f"{name}{str(first).removeprefix(first.argument)}", argument=name, got=first.got) from None


def _check_encoder(settings: ProjectSettings, encoder: str | None) -> None:
    """Raise InputError where an encoder is not there, before anything is made."""
    if encoder is None:
        return
    try:
        _ = feature_method(settings).version
    except InputError as error:
        raise InputError(*error.parts, argument="encoder", got=encoder) from None
