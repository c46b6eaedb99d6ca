"""Labels from the files of other tools: Prodigy, doccano, Argilla.

- tool_records.py: the records of a file, and the item that a record names.
- prodigy.py, doccano.py, argilla.py: what a record of each tool says.
- reading.py: the lines of a file of any of them.
"""
