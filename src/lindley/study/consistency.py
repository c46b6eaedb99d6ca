"""What one key of a panel says against another, and names that no catalogue has."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lindley.acquisition.catalogue import METHODS, acquisition_named
from lindley.errors import InputError
from lindley.networks.catalogue import NETWORKS
from lindley.posteriors.catalogue import POSTERIORS
from lindley.study.complaints import Complaint, not_allowed
from lindley.study.schema import Options, Panel


def unusable_names(panel: Panel) -> Iterator[Complaint]:
    """Names that neither a catalogue has nor look like a user's own "module:name"."""
    chosen = (
        (("data", "name"), panel.data.name, _data_sets(), 'or your own "module:function"'),
        (("model", "network"), panel.model.network, NETWORKS, 'or your own "module:factory"'),
        (("model", "posterior"), panel.model.posterior, POSTERIORS, ""),
    )
    for path, name, allowed, own in chosen:
        if name not in allowed and not (own and _is_own(name)):
            yield Complaint(path, not_allowed(name, allowed, or_else=own and f", {own}"))
    for name, options in panel.acquisitions.items():
        if text := unknown_acquisition(name):
            yield Complaint(("acquisitions", name), text)
        elif name in METHODS:
            yield from _unusable_options(name, options)


def unknown_acquisition(name: str) -> str:
    """What is wrong with this name of an acquisition; nothing where it is a known one or "module:name"."""
    if name in METHODS or _is_own(name):
        return ""
    return not_allowed(name, METHODS, or_else=', or your own "module:name"')


def contradictions(panel: Panel) -> Iterator[Complaint]:
    """Keys that are each allowed, but not together."""
    schedule = panel.schedule
    if schedule.max_labels < schedule.initial_labels:
        text = f"must be at least schedule.initial_labels = {schedule.initial_labels}; got {schedule.max_labels}."
        yield Complaint(("schedule", "max_labels"), text)
    if 0 < schedule.candidates < schedule.batch_size:
        text = f"must be 0 (all) or at least schedule.batch_size = {schedule.batch_size}; got {schedule.candidates}."
        yield Complaint(("schedule", "candidates"), text)
    yield from _information(panel)


def _unusable_options(name: str, options: Options) -> Iterator[Complaint]:
    try:
        acquisition_named(name, options)
    except InputError as error:
        yield Complaint(("acquisitions", name), f"cannot be used: {error}.")


def _information(panel: Panel) -> Iterator[Complaint]:
    """Information that would never be measured is a mistake, not a wish."""
    information, schedule = panel.observe.information, panel.schedule
    if information is None:
        return
    if information.acquisition not in panel.acquisitions:
        text = not_allowed(information.acquisition, panel.acquisitions)
        yield Complaint(("observe", "information", "acquisition"), text)
    reached = [schedule.labels_at(round) for round in range(schedule.num_rounds)]
    missed = sorted(set(information.labels) - set(reached))
    if missed:
        text = f"names {missed}, where no round is; the rounds are at {reached} labels."
        yield Complaint(("observe", "information", "labels"), text)


def _is_own(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    return bool(colon) and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _data_sets() -> Collection[str]:
    return ("two-moons", "digits", "mnist", "fashion-mnist", "repeated-mnist")
