"""How much a label is expected to say: entropies, mutual information, label paths."""

from lindley.information.batch_epig import batch_epig, estimate_batch_epig
from lindley.information.entropy import bald, conditional_entropy, mean_log_probs, predictive_entropy
from lindley.information.epig import epig
from lindley.information.joint import (
    Estimate,
    estimate_joint_information,
    joint_entropy,
    joint_information,
)
from lindley.information.pairwise import pairwise_information
from lindley.information.paths import LabelPaths, no_labels, sample_paths

__all__ = [
    "Estimate",
    "LabelPaths",
    "bald",
    "batch_epig",
    "conditional_entropy",
    "epig",
    "estimate_batch_epig",
    "estimate_joint_information",
    "joint_entropy",
    "joint_information",
    "mean_log_probs",
    "no_labels",
    "pairwise_information",
    "predictive_entropy",
    "sample_paths",
]
