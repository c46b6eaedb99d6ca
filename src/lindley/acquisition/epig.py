"""EPIG: the rows whose labels are expected to say most about predictions at the targets.

Source: Bickford Smith et al. 2023, "Prediction-oriented Bayesian active learning", arXiv:2304.08151.
"""

from __future__ import annotations

import torch

from lindley.acquisition.checks import checked_chunks, needed_targets
from lindley.contracts import Context, Predictions
from lindley.information import epig
from lindley.shapes import Scores, TargetLogProbs


def epig_scores(context: Context) -> Scores:
    """Mean information between a candidate's label and a target's, both under the same draws.  -> [N] nats

    Candidates are read chunk by chunk; the targets are held, [T, K, C]. Raises InputError without targets, or with
    targets of other draws.
    """
    targets = held_targets(context)
    chunks = checked_chunks(context.candidates, context.task.num_classes)
    return torch.cat([epig(chunk, targets.to(chunk)).cpu() for chunk in chunks])


def held_targets(context: Context) -> TargetLogProbs:
    """The targets' predictions, checked and read once."""
    targets: Predictions = needed_targets(context)
    return torch.cat(list(checked_chunks(targets, context.task.num_classes)))
