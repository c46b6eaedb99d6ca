"""A labelling project: from a folder of data to labels, an honest accuracy and a model.

- records.py: items, entries of a source, classes, events and leases.
- sources/: what a project reads: folders of images, tables, vectors.
- groups.py: near-duplicates; near_texts.py, near_vectors.py: how they are found.
- streams.py: which items measure the model, and when.
- fold.py: the state after some events; class_events.py: classes added, renamed, merged.
- consensus.py: one label from several people, and how far they agree.
- suspects.py: labels that a model finds unlikely.
"""
