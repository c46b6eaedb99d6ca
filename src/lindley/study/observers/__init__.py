"""The observers: what is measured in every round, one observer a file.

- build.py: the observers of a trial, by name.
- test_set.py: every metric of `lindley.measures.catalogue` on the test set.
- queried.py: what kinds of rows the labels were spent on, where the pool is corrupted.
- grid.py: what a model of two-dimensional data predicts everywhere.
- information.py: how the information of a batch grows with its size.
- transfer.py: what other models learn from the same labels.

Nothing here imports torch, so that tables and figures can read the names below.
"""

INFORMATION_PICKERS = ("bald", "batchbald", "random")
"""The acquisitions whose batches [observe.information] measures, on the same candidates and draws."""
