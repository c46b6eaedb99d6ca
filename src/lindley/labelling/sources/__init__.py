"""The sources of a labelling project: folders of images, tables of texts or rows, and vectors. Nothing is ever written.

All stream: one thing is in memory at a time, and one that cannot be read is named with its reason, and passed over.

- open_source.py: a source by its path and options.
- images.py: the images of a folder; folder_walk.py: its files, links and hidden files.
- texts.py, rows.py: records of a table as items; vectors.py: rows of .npy and Parquet files.
- table.py: a table and its columns; delimited.py, jsonl.py, parquet_table.py: its forms.
- known_labels.py: labels and ids that a source has.
"""
