"""Gaussian process classifiers whose draws are functions."""
