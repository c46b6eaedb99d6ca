"""Under what a study was run: settings, versions, data, and what is not finished, as tables and sentences."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lindley.session.manifest import describe_changes
from lindley.study.config.schema import CorruptedPool
from lindley.study.plot_style import look
from lindley.study.report.tables import Table
from lindley.study.results import PanelResults, StudyResults, TrialResults


def settings(results: StudyResults) -> Table:
    """Every setting of every panel: one column a panel."""
    columns = [_settings_of(panel) for panel in results.panels]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = tuple((name, *(column.get(name, "–") for column in columns)) for name in names)
    titles = ("setting", *(panel.title for panel in results.panels))
    return Table("settings", "Settings", titles, rows, "candidates = 0: the whole unlabelled pool, every round.")


def environments(results: StudyResults) -> Table:
    """What the manifests say: versions, code, machine, data; all values where trials differ."""
    rows = []
    for panel in results.panels:
        manifests = [trial.manifest for trial in panel.trials]
        if not manifests:
            continue
        for name in dict.fromkeys(key for manifest in manifests for key in manifest["versions"]):
            rows.append((panel.title, name, _all([manifest["versions"].get(name) for manifest in manifests])))
        for name in ("code", "device", "threads", "precision", "platform", "cpu", "num_rows", "num_test"):
            rows.append((panel.title, name, _all([manifest.get(name) for manifest in manifests])))
        paths = [each.fit.compute_path for trial in panel.trials for each in trial.rounds if each.fit.compute_path]
        if paths:
            rows.append((panel.title, "draws computed", _all(paths)))
        if chosen := [
            each.fit.hyperparameters for trial in panel.trials for each in trial.rounds if each.fit.hyperparameters
        ]:
            rows.append((panel.title, "settings chosen", _counted(chosen)))
        for name in dict.fromkeys(key for manifest in manifests for key in manifest["data_hashes"]):
            hashes = {manifest["data_hashes"].get(name) for manifest in manifests}
            shown = str(hashes.pop()) if len(hashes) == 1 else f"{len(hashes)} different ones (generated per seed)"
            rows.append((panel.title, f"data: {name}", shown))
    return Table("environments", "Versions, machine and data", ("panel", "what", "value"), tuple(rows))


def unfinished(results: StudyResults) -> list[str]:
    """One sentence for each trial that is not finished, and for those of an acquisition that were not started."""
    said = []
    for panel in results.panels:
        target = panel.config["schedule"]["max_labels"]
        for trial in panel.trials:
            if not trial.complete:
                reached = f"{trial.labels[-1]} of {target} labels so far"
                failed = _failed(panel, trial.acquisition, trial.seed)
                said.append(
                    f"{panel.title}, {_name(trial)}: not finished, {reached}. It is shown as far as it goes.{failed}"
                )
        without: dict[tuple[str, str], list[int]] = {}
        for name, seed in panel.missing:
            without.setdefault((name, _failed(panel, name, seed)), []).append(seed)
        said += [
            f"{panel.title}, {look(name).title}, {_seeds(seeds)}: no round yet.{failed}"
            for (name, failed), seeds in without.items()
        ]
    return said


def left_out(results: StudyResults) -> list[str]:
    """One sentence for each trial in the folder that does not count, being of other settings, damaged or of other data,
    and for each panel that the study does not have."""
    named = ", ".join(panel.name for panel in results.panels)
    foreign = [
        f"trials/{name}: left out, the study has no panel of that name; it has {named}." for name in results.foreign
    ]
    return [said for panel in results.panels for said in panel.set_aside] + foreign


def unlike_beginnings(results: StudyResults) -> list[str]:
    """One sentence for each set of seeds whose trials begin with the same labels, but not with the same fit."""
    said = []
    for panel in results.panels:
        unlike: dict[tuple[tuple[str, ...], ...], list[int]] = {}
        for seed in sorted({trial.seed for trial in panel.trials}):
            alike: dict[tuple[Any, Any], list[str]] = {}
            for trial in (each for each in panel.trials if each.seed == seed):
                alike.setdefault(trial.first_fit, []).append(look(trial.acquisition).title)
            if len(alike) > 1:
                unlike.setdefault(tuple(map(tuple, alike.values())), []).append(seed)
        said += [
            f"{panel.title}, {_seeds(seeds)}: trials begin with the "
            "same labels but not with the same fit, as on another processor or under other code: "
            f"{' | '.join(', '.join(names) for names in groups)} (alike between the bars). Pairs of others hold that "
            "difference too."
            for groups, seeds in unlike.items()
        ]
    return said


def changes(results: StudyResults) -> list[str]:
    """One sentence for each trial that was continued under other code, versions, machine or threads."""
    return [
        f"{panel.title}, {_name(trial)}, from round {event.round} on: " + describe_changes(event.changes, arrow="→")
        for panel in results.panels
        for trial in panel.trials
        for event in trial.resumed
    ]


def label_counting(results: StudyResults) -> list[str]:
    """How the labels are counted, for these settings."""
    stopped = [panel for panel in results.panels if panel.config["schedule"].get("validation_labels")]
    further = (
        "Validation labels, which stop a fit early, are counted too. No further labels were used within a trial. "
        if stopped
        else "No further labels were used within a trial, neither for stopping nor for choosing settings. "
    )
    said = [
        "Every number of labels counts all labels that the model was trained on, the initial ones included. "
        f"{further}How the recipe of "
        "a packaged study was chosen stands in its file: that of the MNIST studies in a pilot on other seeds, by "
        "accuracy on the test set."
    ]
    said += [
        f"{panel.title}: {panel.config['schedule']['validation_labels']} of the labels are validation labels, drawn at "
        "random before the first round."
        for panel in stopped
    ]
    balanced = [panel for panel in results.panels if panel.config["schedule"]["initial"] == "balanced"]
    if balanced:
        said.append(
            f"The start is balanced on {', '.join(panel.title for panel in balanced)}: as many initial labels of each "
            "class as possible. That uses labels one does not have: a person would have to label more rows to find "
            "such a set, and those are not counted here."
        )
    subset = [panel for panel in results.panels if panel.config["schedule"]["candidates"]]
    said += [
        f"{panel.title}: each round chose from a random subset of about "
        f"{panel.config['schedule']['candidates']:,} candidates (copies of an image come together), not from the whole "
        "pool."
        for panel in subset
    ]
    said += [text for panel in results.panels for text in _corrupted_pool(panel)]
    return said


def _corrupted_pool(panel: PanelResults) -> list[str]:
    """Say how corruptions of the pool change what a label is."""
    pool, said = panel.config["pool"], []
    if (added := pool["out_of_distribution"]) is not None:
        said.append(
            f"{panel.title}: {100 * added['share']:g} % of the pool’s rows are of {added['data']}, "
            "of none of the classes. A label asked of one counts like any other, and the model is not trained on it."
        )
    if pool["label_noise"]:
        said.append(
            f"{panel.title}: of each row the oracle answers wrongly with probability {pool['label_noise']:g}; the test "
            "set has the true classes."
        )
    return said


def _settings_of(panel: PanelResults) -> dict[str, str]:
    flat: dict[str, str] = {}
    plain = CorruptedPool().model_dump(mode="json")
    for table in ("data", "pool", "model", "training", "schedule", "observe"):
        for key, value in panel.config[table].items():
            if table != "pool" or value != plain[key]:
                flat[f"{table}.{key}"] = _value(value)
    flat["seeds"] = ", ".join(str(seed) for seed in sorted({trial.seed for trial in panel.trials})) or "none yet"
    flat["acquisitions"] = ", ".join(
        look(name).title + (f" {_value(options)}" if options else "")
        for name, options in panel.config["acquisitions"].items()
    )
    return flat


def _value(value: Any) -> str:
    if value in (None, {}, []):
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def _all(values: list[Any]) -> str:
    """All different ones; early versions did not record all of them."""
    known = sorted({str(value) for value in values if value is not None})
    unknown = values.count(None)
    text = ", ".join(known) or "–"
    return f"{text}; not recorded for {unknown} of {len(values)} trials" if known and unknown else text


def _counted(settings: Sequence[Mapping[str, Any]]) -> str:
    """Each setting with the number of fits that chose it, the commonest first."""
    texts = Counter(", ".join(f"{key} = {value}" for key, value in setting.items()) for setting in settings)
    return "; ".join(f"{text}: {count} fits" for text, count in texts.most_common())


def _failed(panel: PanelResults, acquisition: str, seed: int) -> str:
    message = panel.failures.get((acquisition, seed))
    return "" if message is None else f" It failed: {message}"


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _name(trial: TrialResults) -> str:
    return f"{look(trial.acquisition).title}, seed {trial.seed}"
