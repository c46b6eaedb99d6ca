"""Forests and bags of scikit-learn's classifiers."""
