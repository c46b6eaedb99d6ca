"""Bayesian softmax regression on features, or on those of a network."""
