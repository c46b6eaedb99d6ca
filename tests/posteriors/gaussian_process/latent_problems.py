"""Small problems of Gaussian process classification, dense and by hand."""

import torch

from lindley.posteriors.gaussian_process.kernels import correlation
from lindley.posteriors.gaussian_process.latent_laplace import LatentClassifier

IMPORTANCE = (0.5, 1.5, 1.0, 0.7, 1.3, 1.0, 1.0)


def problem(amplitude=2.0, num_classes=3, num_labels=7):
    """A classifier of seven points of a plane, and the points."""
    points = torch.randn(7, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)[:num_labels]
    covariance = amplitude**2 * correlation("rbf", points, points)
    classes = torch.tensor([0, 1, 2, 0, 1, 2, 0])[:num_labels] % num_classes
    sample_weight = torch.tensor(IMPORTANCE, dtype=torch.float64)[:num_labels]
    return LatentClassifier(covariance, classes, sample_weight, num_classes), points


def dense_curvature(classifier, values):
    """W of the softmax as one matrix, label after label.  [L, C] -> [L C, L C]"""
    probs = values.softmax(1)
    blocks = [w * (p.diag() - p.outer(p)) for w, p in zip(classifier.sample_weight, probs, strict=True)]
    return torch.block_diag(*blocks)


def dense_covariance(matrix, num_classes):
    """K for each class, label after label.  [n, m] -> [n C, m C]"""
    return torch.kron(matrix, torch.eye(num_classes, dtype=torch.float64))
