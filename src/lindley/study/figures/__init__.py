"""The six figures of a report, one file each.

- catalogue.py: the figures by number; style.py: their common style; plane.py: two-dimensional data.
- moons_surface.py (1), moons_terms.py (2): two moons; learning_curves.py (3): metrics against labels.
- information_growth.py (4): information by batch size; batch_comparison.py (5): BALD and BatchBALD.
- transfer_curves.py (6): other models on the same labels.
"""
