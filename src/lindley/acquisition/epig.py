"""EPIG: the rows whose labels are expected to say most about predictions at the targets.

Source: Bickford Smith et al. 2023, "Prediction-oriented Bayesian active learning", arXiv:2304.08151.
"""

from __future__ import annotations

from functools import partial

from lindley.acquisition.checks import checked_log_probs, checks_its_values, needed_targets
from lindley.acquisition.scan import scan_predictions
from lindley.contracts import Context
from lindley.information import epig
from lindley.shapes import LogProbs, Scores, TargetLogProbs


def epig_scores(context: Context) -> Scores:
    """Mean information between a candidate's label and a target's, both under the same draws.  -> [N] nats

    Candidates are read chunk by chunk; the targets are held, [T, K, C]. Raises InputError without targets, or with
    targets of other draws.
    """
    return scan_predictions(context, partial(_epig_of, held_targets(context)))


def held_targets(context: Context) -> TargetLogProbs:
    """The targets' predictions, checked and read once."""
    targets = needed_targets(context)
    return checked_log_probs(
        targets.take(targets.rows), context.task.num_classes, only_shape=checks_its_values(targets)
    )


def _epig_of(targets: TargetLogProbs, log_probs: LogProbs) -> Scores:
    return epig(log_probs, targets.to(log_probs)).cpu()
