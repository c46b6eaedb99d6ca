"""Drawing an audit of a project: fresh random items, labelled blind and judged once."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch

from lindley.errors import DataError, InputError
from lindley.labelling.audit_records import check_no_audit, predict_audit
from lindley.labelling.project import Project
from lindley.noise import row_uniforms

_SPARE = 100  # drawn beside those wanted: a server may hand some out before the audit takes them


def draw_audit(project: Project, count: int) -> list[int]:
    """Begin an audit of random items that are fresh, and return them.

    They are drawn from all groups of which no item has ever had an event, or is on somebody's screen: the model would
    know the copies of those that it was trained on, also where the label was undone. The others of their groups are
    excluded from training.

    Args:
        project: The project.
        count: The number of items.

    Raises:
        InputError: If there are not so many fresh items, or an audit is under way.
    """
    store = project.store
    store.read(check_no_audit)
    groups, streams = store.groups(), store.streams()
    apart = np.isin(streams, ("audit", "excluded")).nonzero()[0].tolist()
    known = {*(each.item for each in store.events()), *store.items_on_lease(), *apart} - {None}
    used = {int(groups[item]) for item in known}
    first = np.unique(groups, return_index=True)[1]  # one item of each group
    fresh = torch.tensor([item for item in first.tolist() if int(groups[item]) not in used], dtype=torch.int64)
    if len(fresh) < count:
        raise InputError(argument="labels", expected=f"at most {len(fresh)}, the number of fresh items", got=count)
    order = row_uniforms(fresh, project.settings.seed, "audit", int((streams == "audit").sum())).argsort()
    drawn_first = fresh[order[: count + _SPARE]].tolist()
    drawn = store.start_audit(drawn_first, count=count, need=project.settings.people_per_item)
    with suppress(DataError):  # without the files of the newest model, the next one predicts the audit
        _predict(project)
    return drawn


def _predict(project: Project) -> None:
    epoch, probs = project.current_epoch(), project.probs()
    if epoch is not None and probs is not None:
        number, version, predicted = epoch.number, epoch.model_version, epoch.predicted(probs)
        project.store.write(lambda connection: predict_audit(connection, number, version, predicted))
