"""What a study says, read and checked before anything runs.

- schema.py: every table and key, with its type, default and limits.
- study_files.py: a packaged name or a TOML file becomes a Study.
- validation.py: what one key says against another, and names that no catalogue has.
- errors.py: unknown keys and wrong values, in words.
- resolved.py: what a file leaves to the machine is decided once.
"""
