"""
Bring your own model
====================

An acquisition looks at predictions only: log-probabilities ``[N, K, C]`` of N rows under K draws for C classes.
Whatever gives several opinions about a row will do. Here they are the trees of a scikit-learn forest, each grown on
its own bootstrap sample of the labels.
"""

import matplotlib.pyplot as plt
import torch
from sklearn.ensemble import RandomForestClassifier

from lindley import Context, Labels
from lindley.acquisition import TensorCandidates, acquisition_named
from lindley.datasets.catalogue import load
from lindley.seeds import derive_seed, numpy_generator

digits = load("digits")
num_classes = digits.task.num_classes

# %%
# From trees to ``[N, K, C]``
# ---------------------------
#
# Two things need care. A class that nobody has labelled yet is unknown to the forest, but the task has it: the columns
# are put where they belong, and the missing ones stay at probability 0, which is the logarithm -inf; lindley takes that
# as it is. And a tree grown to the end is always certain; leaves of two rows or more leave it some doubt.


def fit(labels: Labels, seed: int) -> RandomForestClassifier:
    """A forest of fifty trees on the labelled rows."""
    forest = RandomForestClassifier(50, min_samples_leaf=2, random_state=seed % 2**32)
    return forest.fit(digits.pool.read(labels.rows).numpy(), labels.values.numpy())


def log_probs(forest: RandomForestClassifier, inputs: torch.Tensor) -> torch.Tensor:
    """What each tree says of each input, in nats.  [n, D] -> [n, K, C]"""
    each = [torch.from_numpy(tree.predict_proba(inputs.numpy())) for tree in forest.estimators_]
    probs = torch.zeros(len(inputs), len(each), num_classes, dtype=torch.float64)
    probs[:, :, torch.from_numpy(forest.classes_)] = torch.stack(each, dim=1)
    return probs.log()


# %%
# The loop
# --------
#
# The loop is yours; ``TensorCandidates`` says which pool row each prediction is of.


def learn(acquisition: str, *, seed: int, num_labels: int = 120) -> list[tuple[int, float]]:
    """Twenty labels at random, then ten a round: (labels, test accuracy) after each fit."""
    choose = acquisition_named(acquisition)
    start = torch.from_numpy(numpy_generator(seed, "initial").permutation(len(digits.pool))[:20])
    labels = Labels(start, digits.classes[start])
    history = []
    while True:
        forest = fit(labels, derive_seed(seed, len(labels), "fit"))
        accuracy = forest.score(digits.test_inputs.numpy(), digits.test_classes.numpy())
        history.append((len(labels), accuracy))
        if len(labels) == num_labels:
            return history
        unlabelled = torch.ones(len(digits.pool), dtype=torch.bool)
        unlabelled[labels.rows] = False
        rows = unlabelled.nonzero().flatten()
        candidates = TensorCandidates(log_probs(forest, digits.pool.read(rows)), rows)
        context = Context(candidates=candidates, labelled=labels.rows, task=digits.task)
        asked = choose(context, 10, seed=derive_seed(seed, len(labels), "acquire")).rows
        labels = labels.concatenate(asked, digits.classes[asked])


colours = {"random": "0.45", "margin": "tab:green", "bald": "tab:orange"}
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
for name, colour in colours.items():
    for seed in range(2):
        curve = learn(name, seed=seed)
        axes.plot(*zip(*curve, strict=True), color=colour, label=name if seed == 0 else None)
        print(f"{name:6s} seed {seed}: accuracy {curve[-1][1]:.3f} at {curve[-1][0]} labels")
axes.set(title="digits, a forest of fifty trees, two seeds", xlabel="labels", ylabel="test accuracy")
axes.legend()
plt.show()

# %%
# Two seeds are an illustration. For a comparison use a study: ``lindley run digits`` takes ten, and shows the spread.
