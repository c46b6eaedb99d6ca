"""Axis letters and tensor aliases: the one place that says what a shape means.

N rows of a pool, K posterior draws, C classes, B batch, T targets, L labels, D features, M configurations.
Log-probabilities are natural logarithms (nats), axes always in the order [N, K, C].
"""

from __future__ import annotations

from jaxtyping import Float, Int64, Shaped
from torch import Tensor

LogProbs = Float[Tensor, "N K C"]
"""One log-probability per row, draw and class; over the classes they sum to one (as probabilities)."""
BatchLogProbs = Float[Tensor, "B K C"]
"""Log-probabilities of the rows of one batch."""
TargetLogProbs = Float[Tensor, "T K C"]
"""Log-probabilities of inputs on which predictions should improve, under the same draws."""
MeanLogProbs = Float[Tensor, "N C"]
"""The predictive distribution: the log of the average over draws."""
Scores = Float[Tensor, "N"]
"""One number per row; larger is queried first."""
Rows = Int64[Tensor, "rows"]
"""Indices into the pool, stable for ever."""
Positions = Int64[Tensor, "positions"]
"""Places within the candidates."""
ClassIndices = Int64[Tensor, "rows"]
"""One class per row, 0 to C-1."""
LabelValues = Shaped[Tensor, "rows"]
"""One label per row: a class (int64) or a target (floating point)."""
SampleWeights = Float[Tensor, "rows"]
"""One weight per row: how many labels it counts for."""
Features = Float[Tensor, "N D"]
"""One vector per row."""
LabelledRows = Int64[Tensor, "labelled"]
"""Rows that are labelled already."""
LabelledFeatures = Float[Tensor, "L D"]
"""One vector per labelled row."""
LabelledGains = Float[Tensor, "L C"]
"""One number per labelled row and class."""
