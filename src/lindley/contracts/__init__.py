"""Every protocol and record. READ FIRST: this is what the parts of lindley say to each other.

pool -> learner.fit(data) -> posterior -> draws -> predictions [N, K, C] -> acquisition -> selection

- labels.py: `Labels`, and the tasks that say what a label is.
- data.py: `Inputs`, the `Pool` that holds them, and `TrainingData`.
- predictive.py: what a model predicts, `Categorical` or `Gaussian`.
- model.py: `Learner`, `Posterior` and `Draws`.
- candidates.py: what an acquisition reads, `Candidates` in their `Context`, and the `Selection` that it returns.
"""

from lindley.contracts.candidates import (
    FEATURE_PARTS,
    OPTIONAL_PARTS,
    Acquisition,
    Candidates,
    Chunk,
    Context,
    Diagnostics,
    Score,
    Selection,
    T,
    ValidatesValues,
)
from lindley.contracts.data import Inputs, Pool, TrainingData
from lindley.contracts.labels import Classification, Labels, Regression, Task
from lindley.contracts.model import Draws, FeatureExtractor, HasComputePath, HasHyperparameters, Learner, Posterior
from lindley.contracts.predictive import Categorical, Gaussian, Predictive, as_categorical

__all__ = [
    "FEATURE_PARTS",
    "OPTIONAL_PARTS",
    "Acquisition",
    "Candidates",
    "Categorical",
    "Chunk",
    "Classification",
    "Context",
    "Diagnostics",
    "Draws",
    "FeatureExtractor",
    "Gaussian",
    "HasComputePath",
    "HasHyperparameters",
    "Inputs",
    "Labels",
    "Learner",
    "Pool",
    "Posterior",
    "Predictive",
    "Regression",
    "Score",
    "Selection",
    "T",
    "Task",
    "TrainingData",
    "ValidatesValues",
    "as_categorical",
]
