"""The acquisitions of this folder: for each the options and the entry. Nothing heavy is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lindley.acquisition.acquisition_spec import AcquisitionSpec
from lindley.errors import InputError
from lindley.value_checks import (
    check_bool,
    check_positive,
    check_positive_or_auto,
    check_whole_number,
    is_number,
)

_HOME = "lindley.acquisition.diverse."
_FEATURES = frozenset({"features", "labelled_features"})


@dataclass(frozen=True)
class BaitOptions:
    """Options of bait."""

    regularisation: float = 1.0
    """Added to the diagonal of the information matrix; above 0."""
    num_components: int | None = None
    """Principal components on which features are projected, at least 1; None: features as they are."""

    def __post_init__(self) -> None:
        check_positive("regularisation", self.regularisation)
        if self.num_components is not None:
            check_whole_number("num_components", self.num_components, least=1)


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
        check_whole_number("max_clusters", self.max_clusters, least=1)
        check_whole_number("num_neighbours", self.num_neighbours, least=1)
        check_bool("normalise", self.normalise)


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
        check_positive_or_auto("delta", self.delta)
        if not (is_number(self.purity) and 0 < self.purity < 1):
            raise InputError(argument="purity", expected="a number between 0 and 1", got=self.purity)
        check_bool("normalise", self.normalise)


@dataclass(frozen=True)
class MaxHerdingOptions:
    """Options of max-herding."""

    sigma: float = 1.0
    """Bandwidth of the kernel, above 0."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        check_positive("sigma", self.sigma)
        check_bool("normalise", self.normalise)


@dataclass(frozen=True)
class UHerdingOptions:
    """Options of u-herding."""

    sigma: float | str = "auto"
    """Bandwidth of the kernel, above 0; "auto": the smallest distance above 0 between labelled rows."""
    normalise: bool = True
    """Whether features are divided by their length."""

    def __post_init__(self) -> None:
        check_positive_or_auto("sigma", self.sigma)
        check_bool("normalise", self.normalise)


SPECS: tuple[AcquisitionSpec, ...] = (
    AcquisitionSpec(
        "badge",
        _HOME + "badge:badge",
        "BADGE",
        "Ash et al. 2020, arXiv:1906.03671",
        "passes",
        bounds=(0.0, math.inf),
        requires=frozenset({"features"}),
        joint=True,
        descending=False,
    ),
    AcquisitionSpec(
        "coreset",
        _HOME + "coreset:coreset",
        "CoreSet",
        "Sener, Savarese 2018, arXiv:1708.00489",
        "passes",
        bounds=(0.0, math.inf),
        requires=_FEATURES,
        joint=True,
        prediction_free=True,
    ),
    AcquisitionSpec(
        "typiclust",
        _HOME + "typiclust:typiclust",
        "TypiClust",
        "Hacohen et al. 2022, arXiv:2202.02794",
        "subset",
        bounds=(0.0, 1e5),
        options=TypiClustOptions,
        requires=_FEATURES,
        joint=True,
        descending=False,
        prediction_free=True,
    ),
    AcquisitionSpec(
        "probcover",
        _HOME + "probcover:probcover",
        "ProbCover",
        "Yehuda et al. 2022, arXiv:2205.11320",
        "subset",
        bounds=(0.0, 1.0),
        unit="N",
        options=ProbCoverOptions,
        requires=_FEATURES,
        joint=True,
        prediction_free=True,
    ),
    AcquisitionSpec(
        "bait",
        _HOME + "bait:bait",
        "BAIT",
        "Ash et al. 2021, arXiv:2106.09675",
        "sums",
        bounds=(0.0, math.inf),
        options=BaitOptions,
        requires=_FEATURES,
        joint=True,
    ),
    AcquisitionSpec(
        "max-herding",
        _HOME + "max_herding:max_herding",
        "MaxHerding",
        "Bae et al. 2024, arXiv:2407.12212",
        "subset",
        bounds=(0.0, 1.0),
        options=MaxHerdingOptions,
        requires=_FEATURES,
        joint=True,
        prediction_free=True,
    ),
    AcquisitionSpec(
        "u-herding",
        _HOME + "u_herding:u_herding",
        "UHerding",
        "Bae et al. 2025, arXiv:2412.20644",
        "subset",
        bounds=(0.0, 1.0),
        options=UHerdingOptions,
        requires=_FEATURES,
        joint=True,
    ),
)
