"""Forests and bags of scikit-learn's classifiers.

Read in this order:
- tables.py: inputs as scikit-learn reads them.
- smoothing.py: class probabilities smoothed by a pseudo-count.
- forest.py: Forest, the learner, its posterior and its draws.
- trees.py: decision trees as arrays.
- bagging.py: Bagging, the learner for any classifier, its posterior and its draws.
- estimators.py: one estimator: what is required of it, its fit to a bootstrap, its probabilities.
- training_sets.py: labelled inputs of any kind, their bootstraps, and their tensors.
"""
