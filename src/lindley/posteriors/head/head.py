"""A Bayesian head: softmax regression on features, with draws from a Gaussian posterior of its weights.

The prior is N(0, 1 / prior_precision) on every class's weight of every feature, features measured in one deviation of
the pool or each in its own, and a broad prior of their own on biases. The prior's mean may be a teacher's weights
instead of 0. Each draw is one set of weights, hence one function.
The Gaussian is the one nearest to the posterior. Laplace's is an option: with more weights than labels its draws are
far too unsure, even of the labels that they were fitted to.
Sources: MacKay 1992, "The evidence framework applied to classification networks"; Daxberger et al. 2021,
arXiv:2106.14806.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lindley.arrays import ArrayLike
from lindley.arrays import as_tensor as read_array
from lindley.contracts import Categorical, Inputs, Posterior, TrainingData
from lindley.errors import InputError
from lindley.noise import torch_generator
from lindley.posteriors.head.gaussian_weights import COVARIANCES, build_gaussian
from lindley.posteriors.head.head_coordinates import HeadCoordinates, common_deviation, standard_deviations
from lindley.posteriors.head.head_fit import APPROXIMATIONS, BIAS_PRECISION, HeadFit, fit_head
from lindley.posteriors.head.input_features import ReadFeatures, read_features, refuse_other_features, sample_features
from lindley.posteriors.head.prior_mean import prior_gains
from lindley.posteriors.head.softmax_regression import SoftmaxRegression, contrasts
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.option_checks import check_choice, check_finite, check_positive
from lindley.posteriors.state_checks import (
    POSITIVE,
    TensorSpec,
    check_settings,
    check_tensors,
    index_spec,
    is_count,
    is_device,
    is_number,
    is_positive,
    one_of,
)
from lindley.posteriors.supported_data import check_supported
from lindley.shapes import Features, LabelledGains, Scores
from lindley.torch_state import isolated_torch_state

UNITS: Mapping[str, Callable[[Tensor], Tensor]] = {"common": common_deviation, "feature": standard_deviations}
"""The units of the features by name: one deviation for all, or each feature's own.  [n, D] -> [D]"""
PRECISION_CHOICES = ("auto", "evidence", "leave-one-out")
_SETTINGS = {
    "num_classes": lambda value: is_count(value) and value >= 2,
    "covariance": one_of(("full", "kronecker")),
    "prior_precision": is_positive,
    "prior_scale": lambda value: value is None or (is_number(value) and value >= 0),
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


@dataclass(frozen=True)
class BayesianHead:
    """A learner on features: the inputs themselves (images are read as long vectors), or what `features` returns."""

    features: ReadFeatures | None = None
    prior_precision: float | str = "auto"
    """The prior precision of the weights of scaled features.

    "evidence" takes the power of two with the largest evidence, "leave-one-out" the one with which the labels are
    predicted best, each by the others, which is better with few labels and takes longer; "auto" is the latter where
    there is a prior mean, else the former.
    """
    bias_precision: float = BIAS_PRECISION
    covariance: str = "auto"
    """"full"; "kronecker"; or "auto", full up to gaussian_weights.FULL_LIMIT coefficients."""
    class_weights: Sequence[float] | None = None
    approximation: str = "variational"
    """"variational", the Gaussian nearest to the posterior, or "laplace", about the most probable weights."""
    device: str = "cpu"
    """Device of the features and predictions; the fit itself runs on the CPU in float64."""
    scale: str = "evidence"
    """The units of the features: "common", one deviation for all; "feature", each one's own; or "evidence".

    "evidence" takes those with the larger evidence: mostly "common" where the features are principal components, LSA
    or embeddings, whose variances mean something, and "feature" where columns have units of their own.
    """
    prior_mean: ArrayLike | None = None
    """The mean of the prior of the classes' weights of unscaled features, [D, C], or [D + 1, C] with biases below.

    It is what a teacher believes who is linear in the features, such as sentences that describe the classes, embedded
    as the inputs are. With it a head can be fitted without labels.
    """
    prior_scale: float | str = "leave-one-out"
    """The number by which the prior mean is multiplied, 1 without labels.

    "leave-one-out" takes the one of head_fit.PRIOR_SCALES, 0 among them, with which the labels are predicted best, each
    by the others.
    """

    def __post_init__(self) -> None:
        if isinstance(self.prior_precision, str):
            check_choice("prior_precision", self.prior_precision, PRECISION_CHOICES)
        else:
            check_positive("prior_precision", self.prior_precision)
        check_positive("bias_precision", self.bias_precision)
        check_choice("approximation", self.approximation, APPROXIMATIONS)
        check_choice("covariance", self.covariance, COVARIANCES)
        check_choice("scale", self.scale, ("evidence", *UNITS))
        if self.prior_scale != "leave-one-out":
            check_positive("prior_scale", self.prior_scale)

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> HeadPosterior:
        """See Learner.fit. Nothing is random: `seed` is ignored. A head as `previous` shortens the search."""
        check_supported(self, data, sample_weight=True, no_labels=self.prior_mean is not None)
        sample = sample_features(data.pool, self.features, self.device)
        features = sample[:0]  # [L, D]
        if len(data.labels):
            features = read_features(data.pool.read(data.labels.rows), self.features, self.device).cpu()
            check_finite("features", features, data.labels.rows)
        prior_mean = self.prior_mean
        if prior_mean is not None:
            prior_mean = read_prior_mean(prior_mean, sample.shape[1], data.num_classes)
        fit = fit_head(
            features,
            data.labels.values.cpu(),
            num_classes=data.num_classes,
            scale=self._units(sample),
            sample_weight=label_weights(data, self.class_weights),
            prior_precision=self._precision(),
            bias_precision=self.bias_precision,
            covariance=self.covariance,
            approximation=self.approximation,
            previous=previous.fit_result if isinstance(previous, HeadPosterior) else None,
            prior_mean=prior_mean,
            prior_scale=self.prior_scale,
            origin=sample.double().mean(0),
        )
        return HeadPosterior(fit, features=self.features, device=self.device)

    def _precision(self) -> float | str:
        if self.prior_precision != "auto":
            return self.prior_precision
        return "evidence" if self.prior_mean is None else "leave-one-out"

    def _units(self, sample: Tensor) -> Tensor:
        """Return the units that the fit chooses from, equal ones once.  [n, D] -> [S, D]"""
        names = UNITS if self.scale == "evidence" else (self.scale,)
        several = torch.stack([UNITS[name](sample) for name in names])
        return several[:1] if bool((several == several[0]).all()) else several


class HeadPosterior:
    """Weights of a softmax regression, with a Gaussian posterior.

    `covariance` is "full" or "kronecker", `prior_precision` a number, `log_evidence` in nats; `scale` is "common" where
    the features have one unit, else "feature"; `prior_scale` is the number by which the prior mean was multiplied, None
    without one.
    """

    def __init__(self, fit: HeadFit, *, features: ReadFeatures | None = None, device: str = "cpu") -> None:
        self.fit_result = fit
        self.covariance = fit.gaussian.kind
        self.prior_precision = fit.prior_precision
        self.prior_scale = None if fit.prior_mean is None else fit.prior_scale
        self.log_evidence = fit.log_evidence
        units = fit.coordinates.scale
        self.scale = "common" if bool((units == units[0]).all()) else "feature"
        self._features = features
        self._device = device

    @property
    def setting(self) -> Mapping[str, Any]:
        """Return the hyperparameters that the fit chose or was given."""
        chosen = {"scale": self.scale, "prior_precision": self.prior_precision}
        return chosen if self.prior_scale is None else {**chosen, "prior_scale": self.prior_scale}

    def draw(self, num_draws: int, *, seed: int) -> HeadDraws:
        """Return K functions; draw k is the same function whatever num_draws is."""
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        return self._build_draws(draw_weights(self.fit_result, num_draws, seed=seed))

    def point(self) -> HeadDraws:
        """Return the most probable weights as one draw."""
        return self._build_draws(self.fit_result.weights[None])

    def features(self, inputs: Inputs) -> Features:
        """Return the centred features in the units of the head.  n inputs -> [n, D] float32"""
        given = read_features(inputs, self._features, self._device)
        coordinates = self.fit_result.coordinates
        return ((given.cpu().double() - coordinates.origin) / coordinates.scale).float().to(given.device)

    def leave_one_out(self) -> Scores:
        """Log-probability of each label by the head without it, approximately (`HeadFit`).  [L] nats"""
        return self.fit_result.leave_one_out()

    def prior_gains(self) -> LabelledGains:
        """Log-likelihood that each left-out label gains by each class's part of the prior mean.  [L, C] nats

        Where the sum over the labels is below 0 it misleads, see `prior_mean.prior_gains`.
        """
        return prior_gains(self.fit_result)

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
        if self.fit_result.prior_mean is not None:
            tensors["prior_mean"] = self.fit_result.prior_mean
        settings = {
            "num_classes": regression.num_classes,
            "covariance": self.covariance,
            "prior_precision": self.prior_precision,
            "prior_scale": self.prior_scale,
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
        """Return the posterior that was saved.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            features: The function that its learner had.
            device: Where features are read and predictions computed; None is the device that was saved.

        Raises:
            InputError: If `features` is missing, or given to a posterior that had none.
        """
        refuse_other_features(features, settings)
        check_settings(settings, _SETTINGS)
        num_classes = settings["num_classes"]
        prior_mean, prior_scale = tensors.get("prior_mean"), settings["prior_scale"]
        parts = _PARTS if prior_scale is None else {**_PARTS, "prior_mean": TensorSpec("P M")}
        check_tensors(tensors, parts, C=num_classes, M=num_classes - 1)
        if tensors["design"].shape[1] != tensors["basis"].shape[1] + 1:
            raise InputError(
                argument="the tensor 'design'",
                expected="one column wider than 'basis'",
                got=[*tensors["design"].shape],
            )
        if prior_mean is not None and len(prior_mean) != len(tensors["origin"]) + 1:
            raise InputError(
                argument="the tensor 'prior_mean'", expected="one line longer than 'origin'", got=[*prior_mean.shape]
            )
        regression = SoftmaxRegression(
            tensors["design"],
            tensors["classes"],
            tensors["sample_weight"],
            tensors["precision"],
            num_classes,
        )
        coordinates = HeadCoordinates(tensors["origin"], tensors["scale"], tensors["basis"])
        if prior_mean is not None:
            inside = coordinates.from_features(prior_mean, coordinates.origin, coordinates.scale)
            regression = replace(regression, prior_mean=prior_scale * inside)
        coefficients, mean, curvature = (tensors[name] for name in ("coefficients", "mean", "curvature"))
        gaussian = build_gaussian(regression, curvature, settings["covariance"])
        precision = settings["prior_precision"]
        fit = HeadFit(
            regression,
            coordinates,
            coefficients,
            mean,
            curvature,
            gaussian,
            precision,
            prior_mean,
            0.0 if prior_scale is None else prior_scale,
        )
        return cls(fit, features=features, device=device or settings["device"])

    def _build_draws(self, weights: Tensor) -> HeadDraws:
        coordinates = self.fit_result.coordinates
        return HeadDraws(weights, coordinates.origin, coordinates.scale, features=self._features, device=self._device)


class HeadDraws:
    """K softmax regressions, computed as one matrix product."""

    def __init__(
        self, weights: Tensor, origin: Tensor, scale: Tensor, *, features: ReadFeatures | None, device: str
    ) -> None:
        """Take the weights of scaled features, in contrasts.

        Args:
            weights: [K, D + 1, M], the biases below the weights.
            origin: [D], the origin of the features.
            scale: [D], their units.
            features: The function that makes features of inputs.
            device: Where predictions are computed.
        """
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
                    "Give inputs like those that the head was fitted to.",
                    argument="inputs",
                    expected=f"rows of {len(self._origin)} features",
                    got=[*features.shape],
                )
            logits = torch.addmm(self._bias, features - self._origin, self._weights)  # [n, C K]
            by_class = logits.view(len(features), self._num_classes, self.num_draws)
            return Categorical(by_class.log_softmax(1).transpose(1, 2).contiguous())  # [n, K, C]


def draw_weights(fit: HeadFit, num_draws: int, *, seed: int) -> Tensor:
    """Sample weights of scaled features, and the bias below them, from the posterior.  -> [K, D + 1, M]

    Args:
        fit: The fitted head.
        num_draws: K.
        seed: Seed of the noise; draw k has noise of its own.
    """
    coordinates = fit.coordinates
    shape = len(coordinates.origin) + 1, fit.mean.shape[1]
    noise = torch.stack(
        [
            torch.randn(shape, generator=torch_generator(seed, "head weights", draw), dtype=torch.float64)
            for draw in range(num_draws)
        ]
    )  # [K, D + 1, M]
    inside = torch.cat([coordinates.basis.T @ noise[:, :-1], noise[:, -1:]], dim=1)  # [K, R + 1, M]
    sampled = fit.mean + fit.gaussian.multiply_covariance_root(inside)
    # Outside the span of the labelled rows is the prior: the same noise, less the part inside.
    outside = (noise[:, :-1] - coordinates.basis @ inside[:, :-1]) / fit.prior_precision**0.5
    if fit.scaled_prior_mean is not None:
        outside = outside + coordinates.outside(fit.scaled_prior_mean)
    return torch.cat([coordinates.basis @ sampled[:, :-1] + outside, sampled[:, -1:]], dim=1)


def read_prior_mean(prior_mean: ArrayLike, num_features: int, num_classes: int) -> Tensor:
    """Return a prior mean in float64 on the CPU.

    Args:
        prior_mean: [D, C], or [D + 1, C] with biases below.
        num_features: D.
        num_classes: C.

    Raises:
        InputError: If it is of another shape, or not of finite floating point numbers.
    """
    mean = read_array(prior_mean, "prior_mean", floats=True)
    if mean.shape not in {(num_features, num_classes), (num_features + 1, num_classes)}:
        expected = f"[{num_features}, {num_classes}], or one line of biases more"
        raise InputError(argument="prior_mean", expected=expected, got=[*mean.shape])
    if not bool(mean.isfinite().all()):
        raise InputError(argument="prior_mean", expected="finite", got="numbers that are not finite")
    return mean.cpu().double()


def _fingerprint(*tensors: Tensor) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
