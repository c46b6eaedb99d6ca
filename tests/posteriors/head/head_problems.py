"""Small regressions that several test files fit."""

import torch

from lindley.posteriors.head.head_fit import fit_head
from lindley.posteriors.head.softmax_regression import SoftmaxRegression


def normals(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def regression(num_labels=12, num_features=3, num_classes=3, *, precision=0.7, seed=0):
    """Random labels, a design with ones in its last column, labels of unequal sample_weight."""
    generator = torch.Generator().manual_seed(seed)
    design = torch.cat([normals(num_labels, num_features, seed=seed), torch.ones(num_labels, 1)], dim=1)
    classes = torch.randint(num_classes, (num_labels,), generator=generator)
    sample_weight = 0.5 + torch.rand(num_labels, dtype=torch.float64, generator=generator)
    prior = torch.tensor([precision] * num_features + [0.1], dtype=torch.float64)
    return SoftmaxRegression(design, classes, sample_weight, prior, num_classes)


def zeros(problem):
    return torch.zeros(problem.design.shape[1], problem.num_classes - 1, dtype=torch.float64)


def log_density(problem, coefficients):
    """Written down again, in the weights of all classes, and so that autograd can read it."""
    of_classes = coefficients @ problem.contrasts.T  # [J, C]
    log_probs = (problem.design @ of_classes).log_softmax(1)
    likelihood = (problem.sample_weight * log_probs.gather(1, problem.classes[:, None])[:, 0]).sum()
    return likelihood - 0.5 * (problem.precision[:, None] * of_classes.square()).sum()


def labelled_features(num_labels, num_features, num_classes, *, seed=0):
    """Features of classes that overlap, and the classes."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(num_classes, (num_labels,), generator=generator)
    centres = normals(num_classes, num_features, seed=seed + 1)
    return centres[classes] + 2 * normals(num_labels, num_features, seed=seed + 2), classes


def fitted(num_labels=15, num_features=4, num_classes=3, **options):
    features, classes = labelled_features(num_labels, num_features, num_classes)
    scale = torch.ones(num_features, dtype=torch.float64)
    return fit_head(features, classes, num_classes=num_classes, scale=scale, **options)
