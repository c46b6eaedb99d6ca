"""The configuration of a study, read and checked before anything runs.

- schema.py: every table and key, with its type, default and limits.
- study_files.py: a packaged name or a TOML file becomes a Study.
- errors.py: unknown keys and wrong values become errors.
- validation.py: names that no catalogue has, and keys that contradict each other.
- resolution.py: what a file leaves to the machine is decided once.
"""
