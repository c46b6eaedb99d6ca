"""The options of acquisitions: frozen dataclasses that refuse a wrong value. Nothing heavy is imported.

The function of an acquisition takes the same names with the same defaults, and makes one of these to check them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from lindley.errors import InputError


@dataclass(frozen=True)
class NoOptions:
    """The options of an acquisition that has none."""


@dataclass(frozen=True)
class PowerOptions:
    """Options of the acquisitions that draw rows with weight score^beta."""

    beta: float = 4.0
    """Sharpness, above 0. Near 0 the draw is uniform; far above, it is the top scores."""

    def __post_init__(self) -> None:
        _check_positive("beta", self.beta)


@dataclass(frozen=True)
class SoftmaxOptions:
    """Options of the acquisitions that draw rows with weight exp(beta * score)."""

    beta: float = 8.0
    """Sharpness, above 0, in units of one over the score."""

    def __post_init__(self) -> None:
        _check_positive("beta", self.beta)


@dataclass(frozen=True)
class SoftrankOptions:
    """Options of the acquisitions that draw rows with weight rank^-beta."""

    beta: float = 1.0
    """Sharpness, above 0. At 4 the first pick is the largest score 92 times of 100: hardly a draw any more."""

    def __post_init__(self) -> None:
        _check_positive("beta", self.beta)


@dataclass(frozen=True)
class BatchBALDOptions:
    """Options of batchbald and batchbald-logdet."""

    num_configurations: int = 4096
    """Sampled configurations, at most, on which candidates are compared; at least 2."""
    tolerance: float = 0.0
    """Nats by which a candidate must be able to beat the leader to stay in the race; at least 0."""

    def __post_init__(self) -> None:
        _check_whole_number("num_configurations", self.num_configurations, least=2)
        if not (_is_number(self.tolerance) and self.tolerance >= 0):
            raise InputError(argument="tolerance", expected="a number of nats, 0 or more", got=self.tolerance)


@dataclass(frozen=True)
class BatchEPIGOptions:
    """Options of batch-epig."""

    num_configurations: int = 100
    """Configurations up to which all are enumerated, and which are sampled afterwards; at least 2."""

    def __post_init__(self) -> None:
        _check_whole_number("num_configurations", self.num_configurations, least=2)


@dataclass(frozen=True)
class LogDetOptions:
    """Options of logdet."""

    kernel: str = "draws"
    """The covariance between rows: that of the "draws", or of a model that is linear in the "features"."""
    noise: float | None = None
    """Variance of an observation, above 0; None: by the BALD score of each row, or 1 for the kernel "features"."""

    def __post_init__(self) -> None:
        if self.kernel not in ("draws", "features"):
            raise InputError(argument="kernel", expected="'draws' or 'features'", got=self.kernel)
        if self.noise is not None:
            _check_positive("noise", self.noise)


@dataclass(frozen=True)
class BaitOptions:
    """Options of bait."""

    regularisation: float = 1.0
    """Added to the diagonal of the information matrix; above 0."""
    num_components: int | None = None
    """Principal components on which features are projected, at least 1; None: features as they are."""

    def __post_init__(self) -> None:
        _check_positive("regularisation", self.regularisation)
        if self.num_components is not None:
            _check_whole_number("num_components", self.num_components, least=1)


@dataclass(frozen=True)
class TypiClustOptions:
    """Options of typiclust."""

    max_clusters: int = 500
    """Clusters at most, at least 1."""
    num_neighbours: int = 20
    """Neighbours, at most, whose mean distance is the typicality of a row; at least 1."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        _check_whole_number("max_clusters", self.max_clusters, least=1)
        _check_whole_number("num_neighbours", self.num_neighbours, least=1)
        _check_bool("normalise", self.normalise)


@dataclass(frozen=True)
class ProbCoverOptions:
    """Options of probcover."""

    delta: float | str = "auto"
    """Radius of the balls, above 0; "auto": the largest at which a share `purity` of the balls is pure."""
    purity: float = 0.95
    """Share of balls that hold one pseudo-label, between 0 and 1; read where delta is "auto"."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        _check_positive_or_auto("delta", self.delta)
        if not (_is_number(self.purity) and 0 < self.purity < 1):
            raise InputError(argument="purity", expected="a number between 0 and 1", got=self.purity)
        _check_bool("normalise", self.normalise)


@dataclass(frozen=True)
class MaxHerdingOptions:
    """Options of max-herding."""

    sigma: float = 1.0
    """Bandwidth of the kernel, above 0."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        _check_positive("sigma", self.sigma)
        _check_bool("normalise", self.normalise)


@dataclass(frozen=True)
class UHerdingOptions:
    """Options of u-herding."""

    sigma: float | str = "auto"
    """Bandwidth of the kernel, above 0; "auto": the smallest distance above 0 between labelled rows."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        _check_positive_or_auto("sigma", self.sigma)
        _check_bool("normalise", self.normalise)


def _is_number(value: object) -> bool:
    """Whether a value is a finite number, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _check_positive(name: str, value: float) -> None:
    if not (_is_number(value) and value > 0):
        raise InputError(argument=name, expected="a positive, finite number", got=value)


def _check_positive_or_auto(name: str, value: float | str) -> None:
    if value != "auto" and not (_is_number(value) and float(value) > 0):
        raise InputError(argument=name, expected="a positive, finite number or 'auto'", got=value)


def _check_whole_number(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(argument=name, expected=f"a whole number of at least {least}", got=value)


def _check_bool(name: str, value: bool) -> None:
    if not isinstance(value, bool):
        raise InputError(argument=name, expected="True or False", got=value)
