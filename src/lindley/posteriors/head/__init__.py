"""Bayesian softmax regression on features, or on the features of a network.

Read in this order:
- head.py: BayesianHead, the learner on features, its posterior and its draws.
- input_features.py: the features that it reads of inputs.
- head_fit.py: the fit, with the prior chosen by evidence.
- head_coordinates.py: centred and scaled features, in the directions that the labelled rows span.
- prior_mean.py: prior means of the weights, from sentences or a teacher, and what each class's is worth.
- softmax_regression.py: the density of the weights, its gradient, its curvature and its mode.
- gaussian_weights.py: Gaussians over the weights, with a full or a Kronecker covariance.
- calibration.py: the temperature of the predictions that people see.
- variational_weights.py: the Gaussian nearest to the posterior.
- log_determinant.py: the determinant in the evidence, exact or estimated.
- last_layer.py: LastLayerLaplace, a head on the features of a trained network.
- tuned_learner.py: TunedLearner, hyperparameters by evidence.
"""
