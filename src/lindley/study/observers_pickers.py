"""Whose batches [observe.information] measures, on the same candidates and draws. A file of its own: no torch here."""

INFORMATION_PICKERS = ("bald", "batchbald", "random")
