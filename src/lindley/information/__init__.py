"""The information of labels about draws and about other labels, as pure functions of log-probabilities, in nats.

Read in this order:
- entropy.py: entropies of predictions, and BALD.
- pairwise.py: mutual information of two labels, by likelihood ratios.
- epig.py: mutual information with the labels of targets.
- configurations.py: the configurations of a batch's labels, enumerated or sampled.
- joint.py: joint entropy and joint information of a batch.
- batch_epig.py: the information of a batch about targets.
- layouts.py: arrays of others, checked and converted to log-probabilities [n, K, C].
"""

from lindley.information.batch_epig import batch_epig, estimate_batch_epig
from lindley.information.configurations import Configurations, empty_configurations, sample_configurations
from lindley.information.entropy import bald, conditional_entropy, mean_log_probs, predictive_entropy
from lindley.information.epig import epig
from lindley.information.joint import (
    Estimate,
    estimate_joint_information,
    joint_entropy,
    joint_information,
)
from lindley.information.pairwise import pairwise_information

__all__ = [
    "Configurations",
    "Estimate",
    "bald",
    "batch_epig",
    "conditional_entropy",
    "empty_configurations",
    "epig",
    "estimate_batch_epig",
    "estimate_joint_information",
    "joint_entropy",
    "joint_information",
    "mean_log_probs",
    "pairwise_information",
    "predictive_entropy",
    "sample_configurations",
]
