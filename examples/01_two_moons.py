"""
Active learning in one loop
===========================

Two interleaved half circles, ten labels, and a small network with dropout. Each round fits the network, freezes a
hundred draws of its dropout masks, asks for the five labels that are expected to say most about it (BALD), and adds
them.
"""

import matplotlib.pyplot as plt
import torch

from lindley import Context, Labels, TrainingData
from lindley.acquisition import acquisition_named
from lindley.datasets.catalogue import load
from lindley.information import bald, mean_log_probs
from lindley.networks.catalogue import build_network
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.seeds import derive_seed, numpy_generator
from lindley.session.pool_predictions import PoolPredictions
from lindley.training.config import TrainingConfig

# %%
# The data
# --------
#
# A data set is a pool of inputs, the classes that an oracle would answer (here they are known, so that we can play the
# person who labels), and a test set. We begin with ten rows chosen at random. Every random number comes from a named
# seed, so this page looks the same each time it is made.

seed = 2
moons = load("two-moons", seed=seed)
start = torch.from_numpy(numpy_generator(seed, "initial").permutation(len(moons.pool))[:10])
labels = Labels(start, moons.classes[start])
print(f"{len(moons.pool)} inputs to choose from, {len(labels)} of them labelled, {len(moons.test_inputs)} to test on")

# %%
# The loop
# --------
#
# A *learner* turns labels into a *posterior*; the posterior gives *draws*, each one a fixed function; the draws predict
# every candidate, ``[N, K, C]`` log-probabilities; an *acquisition* looks at these and nothing else, and selects rows.

learner = MCDropout(build_network("moons-mlp", input_shape=(2,), num_classes=2), TrainingConfig(steps=400))
choose = acquisition_named("bald")
history = []

for round_number in range(6):
    posterior = learner.fit(TrainingData(moons.pool, labels, moons.task), seed=derive_seed(seed, round_number, "fit"))
    draws = posterior.draw(100, seed=derive_seed(seed, round_number, "draw"))

    predicted = mean_log_probs(draws.predict(moons.test_inputs).log_probs).argmax(1)  # [T]
    accuracy = (predicted == moons.test_classes).double().mean().item()
    history.append((len(labels), accuracy))

    unlabelled = torch.ones(len(moons.pool), dtype=torch.bool)
    unlabelled[labels.rows] = False
    candidates = PoolPredictions(moons.pool, unlabelled.nonzero().flatten(), draws, num_classes=2)
    context = Context(candidates=candidates, labelled=labels.rows, task=moons.task, round=round_number)
    asked = choose(context, 5, seed=derive_seed(seed, round_number, "acquire")).rows

    print(f"{len(labels):2d} labels: accuracy {accuracy:.3f}; next, rows {asked.tolist()}")
    if round_number < 5:
        labels = labels.concatenate(asked, moons.classes[asked])

# %%
# What was asked, and what the model believes
# -------------------------------------------
#
# On the left the average of the hundred draws; the number on a point is the round that asked for it, 0 the start. In
# the middle BALD itself: what the next label is expected to say about the model, in nats. It is large where the draws
# contradict each other, and small where all of them agree that the classes overlap.

xs, ys = torch.linspace(-1.8, 2.8, 80), torch.linspace(-1.4, 1.9, 80)
grid = torch.cartesian_prod(xs, ys)  # [6400, 2]
log_probs = draws.predict(grid).log_probs  # [6400, K, 2]
probability = mean_log_probs(log_probs).exp()[:, 1].reshape(80, 80).T
disagreement = bald(log_probs).reshape(80, 80).T
asked_inputs = moons.pool.read(labels.rows)
asked_in_round = [0] * 10 + [1 + place // 5 for place in range(len(labels) - 10)]

figure, (belief, score, curve) = plt.subplots(1, 3, figsize=(15, 4.2), width_ratios=(1.4, 1.2, 1), layout="constrained")
surface = belief.contourf(xs, ys, probability, levels=11, cmap="RdBu_r", vmin=0, vmax=1, alpha=0.7)
figure.colorbar(surface, ax=belief, label="mean probability of the lower moon")
belief.scatter(*moons.pool.read(torch.arange(len(moons.pool))).T, s=4, color="0.5")
for (x, y), number in zip(asked_inputs.tolist(), asked_in_round, strict=True):
    belief.text(x, y, str(number), ha="center", va="center", size=9, weight="bold")
belief.set(title=f"after {len(labels)} labels", xlabel="x", ylabel="y")

surface = score.contourf(xs, ys, disagreement, levels=11, cmap="viridis")
figure.colorbar(surface, ax=score, label="nats")
score.set(title="BALD: where a label would say most", xlabel="x", ylabel="y")

curve.plot(*zip(*history, strict=True), marker="o")
curve.set(title="one seed, one curve", xlabel="labels", ylabel="test accuracy")
plt.show()

# %%
# One run proves nothing: another seed gives another curve. ``lindley run two-moons`` runs five seeds of five
# acquisitions and draws the bands.
