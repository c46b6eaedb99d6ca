"""Pools: where the inputs are. A pool has a length, and reads the inputs of some rows.

Read in this order:
- memory.py: a pool in memory, and the check of rows.
- subset.py: some of the rows of another pool.
- joined.py: two pools as one.
- repeated.py: a pool that repeats each input with noise.
"""
