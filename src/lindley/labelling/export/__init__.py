"""Labels in files, with where each comes from; `importing.py` reads them back.

- lines.py: one line for each entry of the sources, with the label that counts and all events of its item.
- columns.py: the columns of a line, and their values as text.
- csv_file.py, jsonl_file.py, parquet_file.py, label_studio.py: the formats, one each, both ways.
- hugging_face.py: the same as a folder, which `datasets.load_dataset` of Hugging Face reads.
- writing.py: lines into a file of any format, and exporting a project.
"""
