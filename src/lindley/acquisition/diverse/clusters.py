"""k-means, by scikit-learn: which rows of a feature matrix belong together."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from lindley.seeds import derive_seed
from lindley.shapes import Features

_MINI_BATCHES_ABOVE = 50  # clusters; as in the code of Hacohen et al. 2022, and its mini-batch of 5000
_MINI_BATCH = 5000


def k_means(points: Features, num_clusters: int, *, seed: int) -> Tensor:
    """The cluster of each point, 0..num_clusters-1, one seeded start by k-means++.  [N, D] -> [N] int64

    Above 50 clusters by mini-batches of 5000. A cluster may be empty where points coincide. One thread, so that sums,
    and with them the clusters, do not depend on the number of cores.
    """
    # scikit-learn takes a second to import: only who clusters waits for it.
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    options = {"n_clusters": num_clusters, "n_init": 1, "random_state": derive_seed(seed, "k-means") % 2**32}
    if num_clusters > _MINI_BATCHES_ABOVE:
        model = MiniBatchKMeans(batch_size=_MINI_BATCH, **options)
    else:
        model = KMeans(**options)
    with warnings.catch_warnings(), threadpool_limits(1):
        # Fewer distinct points than clusters: duplicates are no fault of the caller's.
        warnings.simplefilter("ignore", ConvergenceWarning)
        clusters = model.fit_predict(points.cpu().numpy())
    return torch.from_numpy(clusters).long()
