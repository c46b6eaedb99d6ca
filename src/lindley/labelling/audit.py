"""The audit of a project: fresh random items, labelled blind and judged once."""

from __future__ import annotations

import numpy as np
import torch

from lindley.errors import InputError
from lindley.labelling.fold import fold
from lindley.labelling.project import Project
from lindley.noise import row_uniforms


def draw_audit(project: Project, count: int) -> list[int]:
    """Move random items that were never labelled into the audit stream, and return them.

    They are drawn from all groups of items of which none was labelled, or is on somebody's screen: of those that the
    model was trained on it would know the copies. An audit that is under way goes on with new items.

    Args:
        project: The project.
        count: The number of items.

    Raises:
        InputError: If there are not so many fresh items.
    """
    store = project.store
    groups, streams = store.groups(), store.streams()
    known = {*fold(store.events()).standing, *store.items_on_lease(), *(streams == "audit").nonzero()[0].tolist()}
    used = {int(groups[item]) for item in known}
    first = np.unique(groups, return_index=True)[1]  # one item of each group
    fresh = torch.tensor([item for item in first.tolist() if int(groups[item]) not in used], dtype=torch.int64)
    if len(fresh) < count:
        raise InputError(argument="labels", expected=f"at most {len(fresh)}, the number of fresh items", got=count)
    order = row_uniforms(fresh, project.settings.seed, "audit", int((streams == "audit").sum())).argsort()
    return store.start_audit(fresh[order[:count]].tolist())
