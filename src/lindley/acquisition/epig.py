"""EPIG: the rows whose labels are expected to say most about predictions at the targets.

Source: Bickford Smith et al. 2023, "Prediction-oriented Bayesian active learning", arXiv:2304.08151.
"""

from __future__ import annotations

from functools import partial

from lindley.acquisition.checks import require_targets, validate_log_probs, validates_values
from lindley.acquisition.scan import scan_predictions
from lindley.contracts import Context
from lindley.information import epig
from lindley.shapes import LogProbs, Scores, TargetLogProbs


def epig_scores(context: Context) -> Scores:
    """Return the mean information between a candidate's label and a target's, under the same draws.  -> [N] nats

    Candidates are read chunk by chunk; the targets are held, [T, K, C].

    Raises:
        InputError: If there are no targets, or they are under other draws.
    """
    return scan_predictions(context, partial(_epig_on_cpu, read_targets(context)))


def read_targets(context: Context) -> TargetLogProbs:
    """Return the targets' predictions, checked and read once.  [T, K, C]"""
    targets = require_targets(context)
    chunk = targets.take(targets.rows)
    return validate_log_probs(chunk, context.task.num_classes, only_shape=validates_values(targets))


def _epig_on_cpu(targets: TargetLogProbs, log_probs: LogProbs) -> Scores:
    return epig(log_probs, targets.to(log_probs)).cpu()
