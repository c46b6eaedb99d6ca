"""
A labelling project
===================

This tutorial goes from a table of unlabelled data to labels, a measured accuracy and a model. On the command line,
``lindley init``, ``lindley label`` and ``lindley status`` do the same; here :class:`lindley.Project` does it in Python,
without a server.
"""

import csv
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from lindley import Project
from lindley.datasets.catalogue import load

# %%
# Data without labels
# -------------------
#
# The data are scikit-learn's digits as a table of 64 columns. Only the simulated person below knows the classes.

digits = load("digits")
rows = [[f"{value:g}" for value in digits.pool.read([row]).flatten().tolist()] for row in range(500)]
columns = [f"pixel_{place}" for place in range(len(rows[0]))]
home = Path(tempfile.mkdtemp())
with (home / "digits.csv").open("w", newline="") as file:
    csv.writer(file).writerows([columns, *rows])

# %%
# A project
# ---------
#
# ``Project.create`` reads the table: exact copies become one item, near-duplicates stay together, and a random fifth of
# the items is kept apart to measure the model. ``lindley init digits.csv --features … --classes 0,1,…`` does the same.

names = [str(digit) for digit in range(10)]
project = Project.create(home / "project", home / "digits.csv", classes=names, features=columns)
print(f"{project.num_items} items")

# %%
# Ask, tell, train
# ----------------
#
# ``ask`` returns items to label: every third one is a test item; the model chooses the others. ``tell`` stores
# the answers durably. ``train`` fits the model and chooses the next batch.

with project:
    for _ in range(8):
        leases = project.ask(15, person="ann")
        project.tell({lease.item: str(int(digits.classes[lease.item])) for lease in leases}, person="ann")
        project.train()

# %%
# How good is it?
# ---------------
#
# The accuracy comes from the test labels alone, and always has an interval. The next lines could run tomorrow in
# another process, since everything is in the folder.

project = Project.open(home / "project")
status = project.status()
accuracy = status.accuracy
print(f"accuracy {accuracy.share:.0%}, {accuracy.low:.0%} to {accuracy.high:.0%}, {accuracy.num_labels} test labels")
print("stop:", status.advice.stop, [sign.reason for sign in status.advice.signs])

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
labels = [point.num_labels for point in status.curve]
axes.fill_between(labels, [point.low for point in status.curve], [point.high for point in status.curve], alpha=0.2)
axes.plot(labels, [point.share for point in status.curve], "o-")
axes.set(title="digits, one simulated person", xlabel="labels", ylabel="accuracy, from test labels", ylim=(0, 1))
plt.show()

# %%
# The model
# ---------
#
# The newest model predicts new data of the same form: here two rows that were not in the table.

model = project.model()
new = [
    {name: float(value) for name, value in zip(columns, digits.pool.read([row]).flatten().tolist(), strict=True)}
    for row in (600, 601)
]
probs = model.predict(new)  # [2, 10]
print([model.class_names[best] for best in probs.argmax(1)], "true:", digits.classes[[600, 601]].tolist())
project.close()
