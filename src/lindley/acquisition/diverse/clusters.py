"""k-means clusters of the rows of a feature matrix, by scikit-learn."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from lindley.seeds import derive_seed
from lindley.shapes import Features

_MINI_BATCHES_ABOVE = 50  # clusters; as in the code of Hacohen et al. 2022, and its mini-batch of 5000
_MINI_BATCH = 5000


def k_means(points: Features, num_clusters: int, *, seed: int) -> Tensor:
    """Return the cluster of each point, from one seeded start by k-means++.

    More than 50 clusters are found by mini-batches of 5000. A cluster may be empty where points coincide. It runs in
    one thread, so that sums, and with them the clusters, do not depend on the number of cores.

    Args:
        points: The points to cluster, [N, D].
        num_clusters: Number of clusters, at most N.
        seed: Seed of the start and of the mini-batches.

    Returns:
        A number from 0 to num_clusters - 1 for each point, [N] int64.
    """
    # scikit-learn takes a second to import, so it is imported when it is needed.
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    options = {"n_clusters": num_clusters, "n_init": 1, "random_state": derive_seed(seed, "k-means") % 2**32}
    if num_clusters > _MINI_BATCHES_ABOVE:
        model = MiniBatchKMeans(batch_size=_MINI_BATCH, **options)
    else:
        model = KMeans(**options)
    with warnings.catch_warnings(), threadpool_limits(1):
        # Fewer distinct points than clusters: the caller is not at fault for duplicates.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = model.fit_predict(points.cpu().numpy())
    return torch.from_numpy(clusters).long()
