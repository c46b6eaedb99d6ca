"""Features of images without a trained network: their small patches, compared with those that are typical of the pool.

Patches of 6 x 6 pixels are normalised in contrast, whitened, and compared with 256 centres that k-means finds in the
pool. A centre responds where it is nearer than the centres are on average; its responses are averaged over each quarter
of the image. On small images this is as good as features of networks of its time, and it is learnt in seconds.
Source: Coates, Ng and Lee 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning".
"""

from __future__ import annotations

import math
import warnings
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lindley.errors import InputError
from lindley.features.components import principal_components, restore_components
from lindley.features.image_files import read_image
from lindley.features.method import (
    Contents,
    Kind,
    LearntState,
    Transform,
    block_bounds,
    method_version,
)
from lindley.features.state import state_array
from lindley.seeds import derive_seed, numpy_generator
from lindley.value_checks import check_whole_number

if TYPE_CHECKING:
    from torch import Tensor

_CONTRAST = 10.0
"""Is added to the variance of a patch, of pixels from 0 to 255: flat patches stay flat (Coates et al.)."""
_WHITENING = 0.1
"""Is added to the variances of normalised patches before they are divided by (Coates et al.)."""
_EVENNESS = 0.3
"""How far the responses are scaled to one deviation before their components are taken (measured on MNIST, CIFAR-10)."""
_K_MEANS_STEPS = 25
_TOGETHER = 5
"""Images whose patches are in memory at once: 4 MB, so that a cache holds them; 50 take 1.5 times as long each."""


@dataclass(frozen=True)
class Patches:
    """Learns typical patches of a pool of images, and the principal components of their 4 · num_centres responses."""

    size: int = 32
    """The width and height in pixels to which images are scaled, without regard to their proportions."""
    patch_size: int = 6
    stride: int = 1
    """Pixels from one patch to the next; 2 takes a fifth of the time, and costs about a point of accuracy."""
    num_centres: int = 256
    num_patches: int = 20_000
    """The number of random patches in which the centres are searched for."""
    num_components: int | None = 128
    """The largest number of features, D; None keeps all 4 · num_centres responses."""
    fit_rows: int = 2_000
    """The largest number of images from which it learns."""
    seed: int = 0

    kind: ClassVar[Kind] = "images"
    block_rows: ClassVar[int] = 500

    def __post_init__(self) -> None:
        check_whole_number("patch_size", self.patch_size, least=2)
        check_whole_number("stride", self.stride, least=1)
        check_whole_number("size", self.size, least=self.patch_size + self.stride)
        check_whole_number("num_centres", self.num_centres, least=2)
        check_whole_number("num_patches", self.num_patches, least=self.num_centres)
        check_whole_number("fit_rows", self.fit_rows, least=1)
        if self.num_components is not None:
            check_whole_number("num_components", self.num_components, least=1)

    @property
    def version(self) -> str:
        """See FeatureMethod."""
        return method_version(
            "patches", asdict(self), revision=1, packages=("numpy", "pillow", "scikit-learn", "torch")
        )

    def fit(self, contents: Contents) -> LearntState:
        """Learn the whitening, the centres and the components; the patches of grey images have one channel."""
        if not len(contents):
            raise InputError(argument="contents", expected="at least one image", got=0)
        with _one_thread():
            return self._fit(self._read(contents))

    def _fit(self, pixels: np.ndarray) -> LearntState:
        coloured = bool((pixels != pixels[..., :1]).any())
        patches = _normalise(self._sample(_channels(pixels, coloured)))
        mean, whitening = _fit_whitening(patches)
        white = (patches - mean) @ whitening
        centres = _k_means(white, min(self.num_centres, len(white)), derive_seed(self.seed, "patch centres"))
        state = LearntState({"mean": mean, "whitening": whitening, "centres": centres}, {"coloured": coloured})
        if self.num_components is None:
            return state
        responses = self._restore_responses(state)(pixels)
        components = principal_components(responses, self.num_components, even=_EVENNESS)
        return replace(state, arrays={**state.arrays, **components})

    def restore(self, state: LearntState) -> Transform:
        """See FeatureMethod."""
        responses = self._restore_responses(state)
        return responses if self.num_components is None else restore_components(state, responses)

    def _restore_responses(self, state: LearntState) -> Transform:
        """Return the function from images to the responses of the centres.  n images -> [n, 4 K]"""
        coloured = state.settings.get("coloured") is True
        length = self.patch_size**2 * (3 if coloured else 1)
        mean = state_array(state, "mean", (length,))
        whitening = state_array(state, "whitening", (length, length))
        centres = state_array(state, "centres", (None, length))

        def transform(contents: Contents) -> np.ndarray:
            bounds = block_bounds(0, len(contents), _TOGETHER)
            parts = [_channels(self._read(contents[start:stop]), coloured) for start, stop in bounds]
            with _one_thread():
                return np.concatenate([self._responses(part, mean, whitening, centres) for part in parts])

        return transform

    def _responses(
        self, pixels: np.ndarray, mean: np.ndarray, whitening: np.ndarray, centres: np.ndarray
    ) -> np.ndarray:
        """Return the square roots of the mean responses in each quarter of the images.  [n, h, w, c] -> [n, 4 K]

        Few centres respond strongly; the root keeps them from deciding alone: 2 to 4 points on MNIST (measured).
        """
        import torch

        images = torch.from_numpy(np.ascontiguousarray(pixels)).float().permute(0, 3, 1, 2)  # [n, c, h, w]
        unfolded = torch.nn.functional.unfold(images, self.patch_size, stride=self.stride).transpose(1, 2)
        patches = torch.from_numpy(_normalise(unfolded.flatten(0, 1).numpy()))  # [n places, c patch²]
        white = (patches - torch.from_numpy(mean)) @ torch.from_numpy(whitening)
        nearness = torch.cdist(white, torch.from_numpy(centres)).neg_()  # [n places, K]
        responses = nearness.sub_(nearness.mean(1, keepdim=True)).clamp_(min=0)
        quarters = _quarters(unfolded.shape[1]) @ responses.unflatten(0, unfolded.shape[:2])  # [n, 4, K]
        features: np.ndarray = quarters.flatten(1).sqrt().numpy()
        return features

    def _read(self, contents: Contents) -> np.ndarray:
        """Return images, scaled.  -> [n, size, size, 3] uint8"""
        return np.stack([read_image(each, size=(self.size, self.size)) for each in contents])

    def _sample(self, pixels: np.ndarray) -> np.ndarray:
        """Return random patches.  [n, size, size, c] -> [P, patch_size² c]"""
        generator, edge = numpy_generator(self.seed, "patches"), self.patch_size
        images = generator.integers(len(pixels), size=self.num_patches)
        tops, lefts = generator.integers(self.size - edge + 1, size=(2, self.num_patches))
        patches = np.empty((self.num_patches, edge * edge * pixels.shape[3]), dtype=np.float32)
        for place, (image, top, left) in enumerate(zip(images, tops, lefts, strict=True)):
            patch = pixels[image, top : top + edge, left : left + edge]
            patches[place] = patch.transpose(2, 0, 1).reshape(-1)  # channels first, as unfold has them
        return patches


def _one_thread() -> AbstractContextManager[object]:
    """Return a context of one thread: sums have one order, and threads do not wait for each other on busy cores."""
    import torch  # noqa: F401 - its own pool of threads is limited only once it is loaded
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _channels(pixels: np.ndarray, coloured: bool) -> np.ndarray:
    """Return the channels that the centres have; what has colours is read as grey where the pool was grey."""
    if coloured:
        return pixels
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = (pixels == pixels[..., :1]).all((1, 2, 3))
    return np.where(grey[:, None, None], pixels[..., 0], luma)[..., None]


def _normalise(patches: np.ndarray) -> np.ndarray:
    centred = patches - patches.mean(1, keepdims=True)
    normalised: np.ndarray = centred / np.sqrt(centred.var(1, keepdims=True) + _CONTRAST)
    return normalised


def _fit_whitening(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of patches and the matrix that makes their directions equally wide (ZCA)."""
    values, vectors = np.linalg.eigh(np.cov(patches.T, bias=True))
    whitening = (vectors / np.sqrt(values.clip(min=0) + _WHITENING)) @ vectors.T
    return patches.mean(0), whitening.astype(np.float32)


def _k_means(points: np.ndarray, num_centres: int, seed: int) -> np.ndarray:
    # scikit-learn takes a second to import, so it is imported when it is needed.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(num_centres, n_init=1, max_iter=_K_MEANS_STEPS, random_state=seed % 2**32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct patches than centres: plain images
        centres: np.ndarray = model.fit(points).cluster_centers_
    return centres.astype(np.float32)


def _quarters(num_places: int) -> Tensor:
    """Return the matrix that takes the means over the quarters of a square of places.  -> [4, places]"""
    import torch

    across = math.isqrt(num_places)
    half = (torch.arange(across) >= (across + 1) // 2).long()
    quarter = (2 * half[:, None] + half).flatten()
    members = torch.nn.functional.one_hot(quarter, 4).float()  # [places, 4]
    return (members / members.sum(0)).T
