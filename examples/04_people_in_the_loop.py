"""
People in the loop
==================

A :class:`lindley.Session` chooses rows, asks for their labels and takes the answers: from a function, from a program of
your own, or from a spreadsheet that somebody filled in. Everything that happens is kept in a folder, so that the same
lines, run again tomorrow, go on where they were stopped.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from lindley import Answer, Session
from lindley.datasets.catalogue import load
from lindley.posteriors import Forest

digits = load("digits")
folder = Path(tempfile.mkdtemp())

# %%
# The whole loop
# --------------
#
# ``ask`` says which rows wait for a label, ``tell`` takes some or all of the answers, ``step`` fits a model to what is
# known and queries the next rows. Here a function answers; a web form, a colleague's script or a measuring instrument
# would do as well.


def label(rows: list[int]) -> dict[int, int]:
    """Whoever knows the labels."""
    return {row: int(digits.classes[row]) for row in rows}


def test_accuracy(posterior: Forest) -> float:
    """The share of test digits that the average over 50 draws gets right."""
    log_probs = posterior.draw(50, seed=0).predict(digits.test_inputs).log_probs  # [T, K, C]
    return float((log_probs.logsumexp(1).argmax(1) == digits.test_classes).float().mean())


curve = []
with Session(
    digits.pool, Forest(), "bald", task=digits.task, store=folder, initial_labels=20, batch_size=10
) as session:
    session.tell(label(session.ask().rows.tolist()))
    while session.state.num_labels < 100:
        result = session.step()
        curve.append((result.num_labels, test_accuracy(result.posterior)))
        session.tell(label(session.ask().rows.tolist()))

# %%
# Stopped, and continued
# ----------------------
#
# The folder holds a journal. A session on the same folder knows all that was told, whatever ended the first one.

session = Session(digits.pool, Forest(), "bald", task=digits.task, store=folder, initial_labels=20, batch_size=10)
print(f"{session.state.num_labels} labels, {len(session.state.rounds)} rounds")
session.step()
print("waiting for", session.ask().rows.tolist())

# %%
# In part, at odds, and undone
# ----------------------------
#
# Answers may come in any order and from several people. Where they disagree the row waits for one more opinion;
# a row may be skipped, or be of none of the classes; and any answer can be withdrawn.

first, second, third = session.ask().rows.tolist()[:3]
truth = int(digits.classes[first])
session.tell([Answer(first, truth, annotator="ann"), Answer(first, (truth + 1) % 10, annotator="bob")])
session.tell([Answer(second, outcome="skip", annotator="ann", reason="smudged")])
print("still waiting:", first in session.state.pending, second in session.state.pending)
session.tell([Answer(first, truth, annotator="cem")])
session.withdraw([first])
print("waiting again:", first in session.state.pending)

# %%
# In a spreadsheet
# ----------------
#
# ``export`` writes what waits, one line a row, with an empty column ``label``; ``tell_csv`` reads the file back. A line
# without a label is left for later, and reading a file twice takes nothing twice.

path = folder / "ask.csv"
session.export(path, items=[f"digit-{row}.png" for row in range(len(digits.pool))])
header, *lines = path.read_text(encoding="utf-8-sig").splitlines()
filled = [line.replace(",,,", f",{int(digits.classes[int(line.split(',')[0])])},,") for line in lines[:5]]
path.write_text("\n".join([header, *filled, *lines[5:]]))
print("taken:", session.tell_csv(path, annotator="dora"), "and again:", session.tell_csv(path, annotator="dora"))
session.close()

# %%
# What the labels brought
# -----------------------

figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(*zip(*curve, strict=True), "o-")
axes.set(title="digits, a forest, BALD, one seed", xlabel="labels", ylabel="test accuracy")
plt.show()

# %%
# One seed is an illustration: the test labels were not among the 100, and whether BALD beats random here is a question
# for a study (``lindley run digits``).
