"""A Gaussian process classifier, with draws that are functions of any input.

Read in this order:
- classifier.py: GaussianProcess, the learner, its posterior and its draws.
- kernels.py: kernels, random features, and functions drawn from the prior and led through the labels.
- latent_laplace.py: the mode of the latent values, their curvature and the evidence.
- latent_variational.py: the Gaussian nearest to the posterior of the latent values.
- kernel_evidence.py: lengthscales and amplitude by evidence.
- latent_functions.py: the fit, and latent functions sampled from it.
"""
