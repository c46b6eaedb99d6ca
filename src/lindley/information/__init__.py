"""How much a label is expected to say: entropies, mutual information, label paths."""

from lindley.information.entropy import bald, conditional_entropy, mean_log_probs, predictive_entropy
from lindley.information.joint import (
    Estimate,
    estimate_joint_information,
    joint_entropy,
    joint_information,
)
from lindley.information.paths import LabelPaths, no_labels, sample_paths

__all__ = [
    "Estimate",
    "LabelPaths",
    "bald",
    "conditional_entropy",
    "estimate_joint_information",
    "joint_entropy",
    "joint_information",
    "mean_log_probs",
    "no_labels",
    "predictive_entropy",
    "sample_paths",
]
