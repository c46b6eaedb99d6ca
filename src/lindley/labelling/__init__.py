"""A labelling project: from a folder of data to labels, an honest accuracy and a model.

- records.py: items, entries of a source, classes, events and leases.
"""
