"""Every acquisition by name. Adding one is a function, its options and an entry here; nothing heavy is imported.

Conformance tests, docs tables, plot styles and the command line read these entries.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from lindley.acquisition.options import (
    BaitOptions,
    BatchBALDOptions,
    BatchEPIGOptions,
    LogDetOptions,
    MaxHerdingOptions,
    NoOptions,
    PowerOptions,
    ProbCoverOptions,
    SoftmaxOptions,
    SoftrankOptions,
    TypiClustOptions,
    UHerdingOptions,
)

if TYPE_CHECKING:
    from lindley.contracts import Acquisition

Access = Literal["rows", "scores", "greedy", "passes", "sums", "subset"]
Unit = Literal["", "log C", "1 - 1/C", "N"]


@dataclass(frozen=True)
class AcquisitionSpec:
    """One acquisition: its properties, which are known before it runs."""

    name: str
    path: str
    """The import path of the acquisition, "package.module:name"; with a scorer, of the function that takes it."""
    title: str
    """Its name in sentences and tables."""
    reference: str
    """Where it was published."""
    access: Access
    """How it reads the pool. "rows": the rows alone. "scores": one scan, which brings back a number for each row.
    "greedy": such a scan, and then a few rows at a time by `take`. "passes": a scan for each pick. "sums": passes, some
    of which bring back sums [C·D, C·D] over the rows. "subset": a seeded subset of the rows by `take`, and no scan."""
    bounds: tuple[float, float]
    """The least and the largest score, in units of `unit`."""
    unit: Unit = ""
    """The unit of `bounds`, for C classes and N candidates."""
    scorer: str = ""
    """The import path of the scorer of single rows."""
    options: type[Any] = NoOptions
    """The dataclass of its options, which refuses wrong values: names, types and defaults."""
    requires: frozenset[str] = frozenset()
    """Optional parts of the Context that it cannot do without, of `contracts.OPTIONAL_PARTS`."""
    requires_with: Mapping[tuple[str, object], frozenset[str]] = field(default_factory=dict)
    """Further parts that it cannot do without, by an option and its value."""
    tasks: tuple[str, ...] = ("classification",)
    joint: bool = False
    """Whether a batch is chosen together: the worth of a row depends on those picked before."""
    exact: bool = True
    """Whether another order or another grid of chunks leads to the same rows. Where rows are compared on sampled
    configurations, it may lead to others, worth the same within the noise."""
    descending: bool = True
    """Whether scores fall in the order in which rows are chosen."""
    prediction_free: bool = False
    """Whether it reads no predictions of the candidates, so that it can be used before there is a model."""
    disagreement_based: bool = False
    """Whether it compares draws, so that all its scores are 0 where these agree."""

    @property
    def stochastic(self) -> bool:
        """Whether rows are drawn by weights of a score of single rows."""
        return self.options in STOCHASTIC.values()

    @cached_property
    def acquisition(self) -> Acquisition:
        """The acquisition, imported when it is first used."""
        found: Any = resolve_name(self.path)
        acquisition: Acquisition = found(resolve_name(self.scorer)) if self.scorer else found
        return acquisition

    @property
    def option_names(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(each.name for each in fields(self.options))

    def requirements(self, options: Mapping[str, object]) -> frozenset[str]:
        """Return the parts of the Context that it cannot do without under these options."""
        more = [required for (name, value), required in self.requires_with.items() if options.get(name) == value]
        return self.requires.union(*more)

    def score_bounds(self, *, num_rows: int, num_classes: int) -> tuple[float, float]:
        """Return the least and the largest score that N candidates and C classes allow."""
        units = {"": 1.0, "log C": math.log(num_classes), "1 - 1/C": 1 - 1 / num_classes, "N": float(num_rows)}
        low, high = self.bounds
        return low * units[self.unit], high * units[self.unit]


_HOME = "lindley.acquisition."
_TARGETS = frozenset({"targets"})
_FEATURES = frozenset({"features", "labelled_features"})
_INFORMATION: dict[str, Any] = {"bounds": (0.0, 1.0), "unit": "log C", "disagreement_based": True}
"""Of scores that are the information of one label, at most log C nats."""


def _score(name: str, title: str, reference: str, **others: Any) -> AcquisitionSpec:
    """The rows with the largest scores."""
    scorer = f"{_HOME}scorers:{name.replace('-', '_')}"
    return AcquisitionSpec(name, _HOME + "top_k:top_k_batch", title, reference, "scores", scorer=scorer, **others)


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
    _score("epig", "EPIG", "Bickford Smith et al. 2023, arXiv:2304.08151", requires=_TARGETS, **_INFORMATION),
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
    AcquisitionSpec(
        "badge",
        _HOME + "diverse.badge:badge",
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
        _HOME + "diverse.coreset:coreset",
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
        _HOME + "diverse.typiclust:typiclust",
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
        _HOME + "diverse.probcover:probcover",
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
        _HOME + "diverse.bait:bait",
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
        _HOME + "diverse.max_herding:max_herding",
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
        _HOME + "diverse.u_herding:u_herding",
        "UHerding",
        "Bae et al. 2025, arXiv:2412.20644",
        "subset",
        bounds=(0.0, 1.0),
        options=UHerdingOptions,
        requires=_FEATURES,
        joint=True,
    ),
)
ACQUISITIONS: Mapping[str, AcquisitionSpec] = {spec.name: spec for spec in _SPECS}
PREDICTION_FREE = tuple(spec.name for spec in _SPECS if spec.prediction_free)
