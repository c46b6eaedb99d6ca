"""Acquisitions compared over seeds.

- labels_to_target.py: labels needed to reach an accuracy; curves.py: a metric over the labels, with its band.
- contrasts.py: every acquisition against one of them; verdicts.py: that in a sentence; outputs.py: as tables and JSON.
- label_ratio.py: how many of the labels of another are needed, as an interval.
- paired.py, signed_rank.py, exact_tests.py: tests paired by seed, and what so many seeds could detect.
- probabilities.py: NLL and Brier score; instability.py: fits that fall; selections.py: which rows were chosen.
"""
