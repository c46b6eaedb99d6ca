"""Comparison of acquisitions over seeds.

- labels_to_target.py: labels to reach an accuracy; curves.py: a metric against labels, with its band.
- signed_rank.py, exact_tests.py: exact paired tests, their correction, and the minimum detectable difference.
- label_ratio.py: the ratio of labels that two acquisitions need, with its interval.
- paired_labels.py: labels to an accuracy of two acquisitions, pair by pair.
- contrasts.py: every acquisition against a reference; verdicts.py: a contrast as a sentence.
- probabilities.py: NLL, Brier score and the average of the draws; selections.py: queried rows.
- instability.py: fits whose accuracy drops; outputs.py: the comparison of a study as text, tables, CSV and JSON.
- paired.py: one-sided tests for the claims of a report.
"""
