"""Every acquisition by name. Adding one is a function, and an entry here, or in diverse/specs.py, with its options.

Options are frozen dataclasses that refuse a wrong value. The function takes the same names with the same defaults, and
makes one of these to check them. Nothing heavy is imported. Conformance tests, docs tables, plot styles and the command
line read the entries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lindley.acquisition.acquisition_spec import AcquisitionSpec
from lindley.acquisition.diverse.specs import SPECS as DIVERSE
from lindley.errors import InputError
from lindley.value_checks import check_positive, check_whole_number, is_number


@dataclass(frozen=True)
class PowerOptions:
    """Options of the acquisitions that draw rows with weight score^beta."""

    beta: float = 4.0
    """Sharpness, above 0. Near 0 the draw is uniform; far above, it is the top scores."""

    def __post_init__(self) -> None:
        check_positive("beta", self.beta)


@dataclass(frozen=True)
class SoftmaxOptions:
    """Options of the acquisitions that draw rows with weight exp(beta * score)."""

    beta: float = 8.0
    """Sharpness, above 0, in units of one over the score."""

    def __post_init__(self) -> None:
        check_positive("beta", self.beta)


@dataclass(frozen=True)
class SoftrankOptions:
    """Options of the acquisitions that draw rows with weight rank^-beta."""

    beta: float = 1.0
    """Sharpness, above 0. At 4 the first pick is the largest score 92 times of 100: hardly a draw any more."""

    def __post_init__(self) -> None:
        check_positive("beta", self.beta)


@dataclass(frozen=True)
class BatchBALDOptions:
    """Options of batchbald and batchbald-logdet."""

    num_configurations: int = 4096
    """Sampled configurations, at most, on which candidates are compared; at least 2."""
    tolerance: float = 0.0
    """Nats by which a candidate must be able to beat the leader to stay in the race; at least 0."""

    def __post_init__(self) -> None:
        check_whole_number("num_configurations", self.num_configurations, least=2)
        if not (is_number(self.tolerance) and self.tolerance >= 0):
            raise InputError(argument="tolerance", expected="a number of nats, 0 or more", got=self.tolerance)


@dataclass(frozen=True)
class BatchEPIGOptions:
    """Options of batch-epig."""

    num_configurations: int = 100
    """Configurations up to which all are enumerated, and which are sampled afterwards; at least 2."""

    def __post_init__(self) -> None:
        check_whole_number("num_configurations", self.num_configurations, least=2)


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
            check_positive("noise", self.noise)


_HOME = "lindley.acquisition."
_TARGETS = frozenset({"targets"})
_FEATURES = frozenset({"features", "labelled_features"})
_INFORMATION: dict[str, Any] = {"bounds": (0.0, 1.0), "unit": "log C", "disagreement_based": True}
"""Of scores that are the information of one label, at most log C nats."""


def _score(name: str, title: str, reference: str, **others: Any) -> AcquisitionSpec:
    """The rows with the largest scores, by the function of that name in `scores` unless others say so."""
    others = {"scorer": _HOME + "top_k:pointwise", "score": f"{_HOME}scores:{name.replace('-', '_')}", **others}
    return AcquisitionSpec(name, _HOME + "top_k:top_k_batch", title, reference, "scores", **others)


SCORES: tuple[AcquisitionSpec, ...] = (
    _score("margin", "Margin", "Scheffer et al. 2001", bounds=(-1.0, 0.0)),
    _score("entropy", "Entropy", "Shannon 1948; Gal et al. 2017, arXiv:1703.02910", bounds=(0.0, 1.0), unit="log C"),
    _score("least-confidence", "Least confidence", "Lewis, Gale 1994", bounds=(0.0, 1.0), unit="1 - 1/C"),
    _score(
        "variation-ratios",
        "Variation ratios",
        "Freeman 1965; Gal et al. 2017, arXiv:1703.02910",
        bounds=(0.0, 1.0),
        unit="1 - 1/C",
    ),
    _score(
        "mean-std",
        "Mean STD",
        "Kampffmeyer et al. 2016; Gal et al. 2017",
        bounds=(0.0, 0.5),
        disagreement_based=True,
    ),
    _score("bald", "BALD", "Houlsby et al. 2011, arXiv:1112.5745", **_INFORMATION),
    _score(
        "epig",
        "EPIG",
        "Bickford Smith et al. 2023, arXiv:2304.08151",
        scorer=_HOME + "epig:epig_scores",
        score="",
        requires=_TARGETS,
        **_INFORMATION,
    ),
)
"""Scores of single rows: taken from the top, or drawn by weight."""

STOCHASTIC: Mapping[str, type[Any]] = {"power": PowerOptions, "softmax": SoftmaxOptions, "softrank": SoftrankOptions}
"""The ways in which rows are drawn by weight, and their options."""


def _stochastic_variant(kind: str, spec: AcquisitionSpec) -> AcquisitionSpec:
    """The same score, by which rows are drawn."""
    return replace(
        spec,
        name=f"{kind}-{spec.name}",
        path=f"{_HOME}stochastic:{kind}_batch",
        title=f"{kind.capitalize()} {spec.title}",
        reference=f"Kirsch et al. 2023, arXiv:2106.12059; {spec.reference}",
        options=STOCHASTIC[kind],
        stochastic=True,
        descending=False,
    )


_SPECS: tuple[AcquisitionSpec, ...] = (
    AcquisitionSpec(
        "random",
        _HOME + "top_k:random_rows",
        "Random",
        "uniform, without replacement",
        "rows",
        bounds=(0.0, 1.0),
        prediction_free=True,
    ),
    *SCORES,
    # A power of a negative score has no meaning.
    *(
        _stochastic_variant(kind, spec)
        for spec in SCORES
        for kind in STOCHASTIC
        if kind != "power" or spec.bounds[0] >= 0
    ),
    AcquisitionSpec(
        "batchbald",
        _HOME + "batchbald.batchbald:batchbald",
        "BatchBALD",
        "Kirsch et al. 2019, arXiv:1906.08158",
        "greedy",
        options=BatchBALDOptions,
        joint=True,
        exact=False,
        descending=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "batchbald-logdet",
        _HOME + "batchbald.batchbald_logdet:batchbald_logdet",
        "BatchBALD-logdet",
        "Kirsch et al. 2019, then Kirsch 2023, arXiv:2302.08981; compare Ober et al. 2025, arXiv:2501.08223",
        "greedy",
        options=BatchBALDOptions,
        joint=True,
        exact=False,
        descending=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "batch-epig",
        _HOME + "batch_epig:batch_epig",
        "Batch EPIG",
        "Bickford Smith et al. 2023, arXiv:2304.08151, for the labels of a batch together",
        "greedy",
        options=BatchEPIGOptions,
        requires=_TARGETS,
        joint=True,
        descending=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "2-bald",
        _HOME + "two_bald:two_bald",
        "2-BALD",
        "Kirsch 2023, arXiv:2301.09490",
        "greedy",
        bounds=(-math.inf, 1.0),
        unit="log C",
        joint=True,
        disagreement_based=True,
    ),
    AcquisitionSpec(
        "logdet",
        _HOME + "logdet:logdet",
        "Log-determinant",
        "MacKay 1992; Kirsch 2023, arXiv:2302.08981",
        "greedy",
        options=LogDetOptions,
        requires_with={("kernel", "features"): _FEATURES},
        joint=True,
        **_INFORMATION,
    ),
    *DIVERSE,
)
ACQUISITIONS: Mapping[str, AcquisitionSpec] = {spec.name: spec for spec in _SPECS}
PREDICTION_FREE = tuple(spec.name for spec in _SPECS if spec.prediction_free)
