"""A Bayesian head: softmax regression on features, with draws from a Gaussian posterior of its weights.

The prior is N(0, 1 / prior_precision) on every class's weight of every feature, features measured in standard
deviations of the pool, and a broad one of its own on biases. Each draw is one set of weights, hence one function.
The Gaussian is the one nearest to the posterior; Laplace's is an option: with more weights than labels its draws are
far too unsure, even of the labels that they were fitted to.
Sources: MacKay 1992, "The evidence framework applied to classification networks"; Daxberger et al. 2021,
arXiv:2106.14806.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lindley.contracts import Categorical, Inputs, Labels, Pool, Posterior, TrainingData
from lindley.errors import InputError
from lindley.modes import isolated_torch_state
from lindley.noise import torch_generator
from lindley.posteriors.head.gaussian_weights import COVARIANCES, build_gaussian
from lindley.posteriors.head.head_coordinates import HeadCoordinates, standard_deviations
from lindley.posteriors.head.head_fit import APPROXIMATIONS, BIAS_PRECISION, HeadFit, fit_head
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, contrasts
from lindley.posteriors.state_checks import (
    POSITIVE,
    TensorSpec,
    check_settings,
    check_tensors,
    index_spec,
    is_count,
    is_device,
    is_positive,
    one_of,
)
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features, Scores
from lindley.training.network_calls import as_tensor

SCALE_ROWS = 1024
"""Rows of the pool, spread evenly over it, whose standard deviations are the features' units."""
_SETTINGS = {
    "num_classes": lambda value: is_count(value) and value >= 2,
    "covariance": one_of(("full", "kronecker")),
    "prior_precision": is_positive,
    "device": is_device,
}
_PARTS = {
    "design": TensorSpec("L J"),
    "classes": index_spec("L", below="C"),
    "sample_weight": TensorSpec("L", least=POSITIVE),
    "precision": TensorSpec("J", least=POSITIVE),
    "origin": TensorSpec("D"),
    "scale": TensorSpec("D", least=POSITIVE),
    "basis": TensorSpec("D R"),
    "coefficients": TensorSpec("J M"),
    "mean": TensorSpec("J M"),
    "curvature": TensorSpec("L M M"),
}
ReadFeatures = Callable[[Inputs], Tensor]
"""n inputs -> [n, D]; must pickle where draws go to other processes."""


@dataclass(frozen=True)
class BayesianHead:
    """A learner: the inputs are features (or images, read as long vectors), or `features` makes features of them."""

    features: ReadFeatures | None = None
    prior_precision: float | str = "evidence"
    """Of weights of features measured in the pool's standard deviations; "evidence" takes the best power of two."""
    bias_precision: float = BIAS_PRECISION
    covariance: str = "auto"
    """"full"; "kronecker"; or "auto", full up to gaussian_weights.FULL_LIMIT coefficients."""
    class_weights: Sequence[float] | None = None
    approximation: str = "variational"
    """Of the posterior: "variational", the nearest Gaussian, or "laplace", that of the most probable weights."""
    device: str = "cpu"
    """Where features are read and predictions computed; the fit itself runs on the CPU in float64."""

    def __post_init__(self) -> None:
        numbers = [self.bias_precision, 1.0 if self.prior_precision == "evidence" else self.prior_precision]
        if any(isinstance(number, str) or not 0 < number < float("inf") for number in numbers):
            raise InputError(
                'prior_precision must be "evidence" or a positive number, bias_precision a positive number; '
                f"got {self.prior_precision!r} and {self.bias_precision!r}"
            )
        if self.approximation not in APPROXIMATIONS:
            raise InputError(f"approximation must be one of {', '.join(APPROXIMATIONS)}; got {self.approximation!r}")
        if self.covariance not in COVARIANCES:
            raise InputError(f"covariance must be one of {', '.join(COVARIANCES)}; got {self.covariance!r}")

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> HeadPosterior:
        """Fit the head. Nothing in it is random: `seed` is ignored. A head as `previous` shortens the search."""
        check_supported(self, data, sample_weight=True)
        features = read_features(data.pool.read(data.labels.rows), self.features, self.device).cpu()  # [L, D]
        _check_finite(features, data.labels)
        fit = fit_head(
            features,
            data.labels.values.cpu(),
            num_classes=data.num_classes,
            scale=pool_scale(data.pool, self.features, self.device),
            sample_weight=label_weights(data, self.class_weights),
            prior_precision=self.prior_precision,
            bias_precision=self.bias_precision,
            covariance=self.covariance,
            approximation=self.approximation,
            previous=previous.fit_result if isinstance(previous, HeadPosterior) else None,
        )
        return HeadPosterior(fit, features=self.features, device=self.device)


class HeadPosterior:
    """Weights of a softmax regression, with a Gaussian posterior.

    `covariance` is "full" or "kronecker", `prior_precision` a number, `log_evidence` in nats.
    """

    def __init__(self, fit: HeadFit, *, features: ReadFeatures | None = None, device: str = "cpu") -> None:
        self.fit_result = fit
        self.covariance = fit.gaussian.kind
        self.prior_precision = fit.prior_precision
        self.log_evidence = fit.log_evidence
        self._features = features
        self._device = device

    def draw(self, num_draws: int, *, seed: int) -> HeadDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        if num_draws < 1:
            raise InputError(f"num_draws must be at least 1; got {num_draws}")
        return self._functions(draw_weights(self.fit_result, num_draws, seed=seed))

    def point(self) -> HeadDraws:
        """Return the most probable weights as one draw."""
        return self._functions(self.fit_result.coordinates.to_features(self.fit_result.coefficients)[None])

    def features(self, inputs: Inputs) -> Features:
        """Return what the head reads: centred, in standard deviations of the pool.  n inputs -> [n, D] float32"""
        given = read_features(inputs, self._features, self._device)
        coordinates = self.fit_result.coordinates
        return ((given.cpu().double() - coordinates.origin) / coordinates.scale).float().to(given.device)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the head without it, approximately (`HeadFit`).  [L] nats"""
        return self.fit_result.leave_one_out()

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return all that `from_state_dict` requires but the features' function; the labelled features are rotated."""
        regression, coordinates = self.fit_result.regression, self.fit_result.coordinates
        tensors = {
            "design": regression.design,
            "classes": regression.classes,
            "sample_weight": regression.sample_weight,
            "precision": regression.precision,
            "origin": coordinates.origin,
            "scale": coordinates.scale,
            "basis": coordinates.basis,
            "coefficients": self.fit_result.coefficients,
            "mean": self.fit_result.mean,
            "curvature": self.fit_result.curvature,
        }
        settings = {
            "num_classes": regression.num_classes,
            "covariance": self.covariance,
            "prior_precision": self.prior_precision,
            "device": self._device,
            "features": self._features is not None,
        }
        return {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}, settings

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        features: ReadFeatures | None = None,
        device: str | None = None,
    ) -> HeadPosterior:
        """Return the posterior that was saved; `features` is the function that its learner had.

        Raises InputError where it is missing, or given to a posterior that had none.
        """
        refuse_other_features(features, settings)
        check_settings(settings, _SETTINGS)
        num_classes = settings["num_classes"]
        check_tensors(tensors, _PARTS, C=num_classes, M=num_classes - 1)
        if tensors["design"].shape[1] != tensors["basis"].shape[1] + 1:
            raise InputError("the tensor 'design' must have one column more than 'basis'")
        regression = SoftmaxRegression(
            tensors["design"],
            tensors["classes"],
            tensors["sample_weight"],
            tensors["precision"],
            num_classes,
        )
        coordinates = HeadCoordinates(tensors["origin"], tensors["scale"], tensors["basis"])
        coefficients, mean, curvature = (tensors[name] for name in ("coefficients", "mean", "curvature"))
        gaussian = build_gaussian(regression, curvature, settings["covariance"])
        fit = HeadFit(regression, coordinates, coefficients, mean, curvature, gaussian, settings["prior_precision"])
        return cls(fit, features=features, device=device or settings["device"])

    def _functions(self, weights: Tensor) -> HeadDraws:
        coordinates = self.fit_result.coordinates
        return HeadDraws(weights, coordinates.origin, coordinates.scale, features=self._features, device=self._device)


class HeadDraws:
    """K softmax regressions, computed as one matrix product."""

    def __init__(
        self, weights: Tensor, origin: Tensor, scale: Tensor, *, features: ReadFeatures | None, device: str
    ) -> None:
        """Weights of scaled features and the bias below them, in contrasts.  [K, D + 1, M], [D], [D]"""
        self.num_draws = len(weights)
        of_classes = weights @ contrasts(weights.shape[2] + 1).T  # [K, D + 1, C]
        self._num_classes = of_classes.shape[2]
        # Classes before draws: a softmax over the last axis of a few classes takes ten times as long (measured).
        columns = of_classes.permute(1, 2, 0).flatten(1)  # [D + 1, C K]
        self._weights = (columns[:-1] / scale[:, None]).float().to(device)
        self._bias = columns[-1].float().to(device)
        self._origin = origin.float().to(device)
        self._features = features
        self._device = device
        self.id = f"head-{_fingerprint(self._weights, self._bias, self._origin)}-{self.num_draws}"

    def predict(self, inputs: Inputs) -> Categorical:
        """Predict n inputs, in float32."""
        with isolated_torch_state(self._device):
            features = read_features(inputs, self._features, self._device).float()
            if features.shape[1] != len(self._origin):
                raise InputError(
                    f"this head was fitted on {len(self._origin)} features; these inputs have {features.shape[1]}"
                )
            logits = torch.addmm(self._bias, features - self._origin, self._weights)  # [n, C K]
            by_class = logits.view(len(features), self._num_classes, self.num_draws)
            return Categorical(by_class.log_softmax(1).transpose(1, 2).contiguous())  # [n, K, C]


def draw_weights(fit: HeadFit, num_draws: int, *, seed: int) -> Tensor:
    """Sample weights of scaled features, and the bias below them, from the posterior.  [K, D + 1, M]"""
    coordinates = fit.coordinates
    shape = len(coordinates.origin) + 1, fit.mean.shape[1]
    noise = torch.stack(
        [
            torch.randn(shape, generator=torch_generator(seed, "head weights", draw), dtype=torch.float64)
            for draw in range(num_draws)
        ]
    )  # [K, D + 1, M]
    inside = torch.cat([coordinates.basis.T @ noise[:, :-1], noise[:, -1:]], dim=1)  # [K, R + 1, M]
    sampled = fit.mean + fit.gaussian.colour(inside)
    # Where no labelled row reaches, the prior is left: the same noise, less what was used inside.
    outside = (noise[:, :-1] - coordinates.basis @ inside[:, :-1]) / fit.prior_precision**0.5
    return torch.cat([coordinates.basis @ sampled[:, :-1] + outside, sampled[:, -1:]], dim=1)


def read_features(inputs: Inputs, features: ReadFeatures | None, device: str) -> Tensor:
    """Return the features of n inputs, [n, D] on the device. Raises InputError unless they are one vector per input."""
    if features is None:
        given = as_tensor(inputs).to(device)
        return given.flatten(1) if given.dim() > 1 else given[:, None]
    with isolated_torch_state(device):
        made = features(inputs)
    if not isinstance(made, Tensor) or made.dim() != 2:
        got = [*made.shape] if isinstance(made, Tensor) else type(made).__name__
        raise InputError(f"features must return a tensor [n, D], one vector per input; got {got}")
    return made.detach().to(device)


def refuse_other_features(features: ReadFeatures | None, settings: Mapping[str, Any]) -> None:
    """Raise InputError where a saved posterior had a function for its features and none is given, or the reverse."""
    had = bool(settings.get("features", features is not None))
    if had != (features is not None):
        told = (
            "read its inputs through a function: give features=, as its learner had"
            if had
            else ("read its inputs as they are: leave features= out")
        )
        raise InputError(f"the posterior that was saved {told}")


def pool_scale(pool: Pool, features: ReadFeatures | None, device: str) -> Tensor:
    """Standard deviations of the pool's features, from SCALE_ROWS rows at even distances.  [D] float64

    Raises InputError where one of these rows is not finite.
    """
    rows = torch.linspace(0, len(pool) - 1, min(len(pool), SCALE_ROWS), dtype=torch.float64).round().long()
    given = read_features(pool.read(rows), features, device).cpu()
    bad = ~given.isfinite().all(1)
    if bool(bad.any()):
        raise InputError(f"features must be finite; those of the pool's rows {rows[bad][:10].tolist()} are not")
    return standard_deviations(given)


def label_weights(data: TrainingData, class_weights: Sequence[float] | None) -> Tensor:
    """Return the weight of each label's loss: its sample_weight times that of its class, the latter 1 on average.

    [L] float64. A label of sample_weight 2 counts as two labels do.
    """
    labels, num_classes = data.labels, data.num_classes
    given = None if labels.sample_weight is None else labels.sample_weight.cpu().double()
    if class_weights is None:
        return torch.ones(len(labels), dtype=torch.float64) if given is None else given
    weights = torch.tensor(class_weights, dtype=torch.float64)
    if len(weights) != num_classes or not bool(((weights > 0) & weights.isfinite()).all()):
        raise InputError(f"class_weights must be {num_classes} positive numbers, one per class; got {[*class_weights]}")
    each = weights[labels.values.cpu()]
    return each / each.mean() if given is None else given * each * (given.sum() / (given @ each))


def _check_finite(features: Tensor, labels: Labels) -> None:
    bad = ~features.isfinite().all(1)
    if bool(bad.any()):
        rows = labels.rows[bad.to(labels.rows.device)][:10].tolist()
        raise InputError(f"features must be finite; those of the labelled rows {rows} are not. Look at these inputs.")


def _fingerprint(*tensors: Tensor) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
