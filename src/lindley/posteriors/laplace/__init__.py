"""Laplace's approximation over all weights of a network (extra `laplace`).

Read in this order:
- full_laplace.py: FullLaplace, the learner, and its posterior.
- network_gaussian.py: Gaussians over all weights, diagonal or Kronecker-factored.
- linearised.py: draws of the network made linear in its weights.
- laplace_package.py: curvature and evidence by laplace-torch; the one file that imports it.
"""
