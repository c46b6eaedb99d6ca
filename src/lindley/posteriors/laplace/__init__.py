"""Laplace's approximation over all weights of a network (extra `laplace`)."""
