"""
Why BatchBALD: double counting
==============================

BALD scores rows one by one. When five labels are asked for at a time, the five best rows are often neighbours that say
the same thing five times. BatchBALD scores the batch: the information that its labels carry *together*.
"""

import math

import matplotlib.pyplot as plt
import torch

from lindley import Context, Labels, TrainingData
from lindley.acquisition import acquisition_named
from lindley.datasets.catalogue import load
from lindley.information import bald, joint_information
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.seeds import numpy_generator
from lindley.session.pool_predictions import PoolPredictions
from lindley.training.config import TrainingConfig

# %%
# A row and its copy
# ------------------
#
# Four draws predict one row; two say class 0 and two say class 1, each with 95 %. Its label is worth about half a nat.
# The label of an exact copy is worth as much if it is asked alone, but after the first there is little left to learn:
# each is only the other's second opinion. The sum of scores does not know that.

sure = torch.tensor([[0.95, 0.05], [0.95, 0.05], [0.05, 0.95], [0.05, 0.95]]).log()  # [K, C]
for copies in (1, 2, 3):
    batch = torch.stack([sure] * copies)  # [B, K, C]
    print(
        f"{copies} copies: sum of BALD scores {bald(batch).sum():.3f} nats, "
        f"joint information {joint_information(batch):.3f} nats"
    )

# %%
# Two batches of twelve
# ---------------------
#
# The same on two moons: a network that has seen ten labels, a hundred frozen draws, and the batches that random choice,
# BALD and BatchBALD ask for. With two classes there are 4,096 ways in which twelve rows can be answered, so the joint
# information is exact here: every way is enumerated.

seed, batch_size = 1, 12
moons = load("two-moons", seed=seed)
start = torch.from_numpy(numpy_generator(seed, "initial").permutation(len(moons.pool)))
labels = Labels(start[:10], moons.classes[start[:10]])
learner = MCDropout(build_network("moons-mlp", input_shape=(2,), num_classes=2), TrainingConfig(steps=400))
draws = learner.fit(TrainingData(moons.pool, labels, moons.task), seed=seed).draw(100, seed=seed)
candidates = PoolPredictions(moons.pool, start[10:].sort().values, draws, num_classes=2)
context = Context(candidates=candidates, labelled=labels.rows, task=moons.task)

picks = {name: acquisition_named(name)(context, batch_size, seed=seed).rows for name in ("random", "bald", "batchbald")}
growth = {}
for name, rows in picks.items():
    batch = draws.predict(moons.pool.read(rows)).log_probs  # [12, K, 2]
    joint = [joint_information(batch[:size]) for size in range(1, batch_size + 1)]
    growth[name] = (bald(batch).cumsum(0).tolist(), joint)
    print(f"{name:9s}: sum of scores {growth[name][0][-1]:.2f} nats, joint information {joint[-1]:.2f} nats")

# %%
# BALD's sum is the largest and promises what the batch cannot keep: its joint information grows slowly. A hundred
# draws can be told apart by log 100 = 4.6 nats at most, whatever the batch, and nothing that is computed from them can
# measure more.

colours = {"random": "0.45", "bald": "tab:orange", "batchbald": "tab:blue"}
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
sizes = range(1, batch_size + 1)
for name, (summed, joint) in growth.items():
    axes[0].plot(sizes, joint, color=colours[name], label=f"{name}: joint")
    axes[0].plot(sizes, summed, color=colours[name], linestyle=":", label=f"{name}: sum of scores")
axes[0].axhline(math.log(100), color="black", linewidth=0.8)
axes[0].text(batch_size, math.log(100), "log K", va="bottom", ha="right")
axes[0].set(title="information of a batch", xlabel="labels asked for", ylabel="nats", ylim=(0, 5))
axes[0].legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, 0.91))
everything = moons.pool.read(torch.arange(len(moons.pool)))
for panel, name in zip(axes[1:], ("bald", "batchbald"), strict=True):
    panel.scatter(*everything.T, s=4, color="0.75")
    panel.scatter(*moons.pool.read(labels.rows).T, marker="x", color="black", label="already labelled")
    panel.scatter(*moons.pool.read(picks[name]).T, color=colours[name], label=f"asked by {name}")
    panel.set(title=name, xlabel="x", ylabel="y")
    panel.legend(fontsize=7)
plt.show()
