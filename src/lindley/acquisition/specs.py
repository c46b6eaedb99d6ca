"""Every acquisition by name, as an entry that imports nothing heavy: an entry and a function add one.

Conformance tests, docs tables, plot styles and the command line read what they must know from here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from lindley.contracts import Acquisition

_FEATURES = frozenset({"features", "labelled_features"})
_TARGETS = frozenset({"targets"})

Reads = Literal["nothing", "scores", "greedy", "passes", "sums", "subset"]
"""How a method reads the candidates.

"nothing": their rows alone. "scores": one scan, which brings back a number for each row. "greedy": such a scan, and
then a few rows at a time by `take`. "passes": a scan for each pick. "sums": passes, some of which bring back sums
[C·D, C·D] over the rows. "subset": a seeded subset of the rows by `take`, and no scan.
"""


@dataclass(frozen=True)
class AcquisitionSpec:
    """What has to be known of a way to choose rows before it runs."""

    name: str
    path: str
    """`module:function` below lindley.acquisition, an Acquisition; with a scorer, what makes one of it."""
    title: str
    source: str
    reads: Reads
    bounds: tuple[float, float]
    """Of the scores, for C classes and a batch of B: in units of `unit`."""
    unit: Literal["", "log C", "1 - 1/C", "N"] = ""
    scorer: str = ""
    """`module:object` below lindley.acquisition, a Scorer."""
    options_path: str = ""
    """`module:function` below lindley.acquisition, which takes the options as keywords and refuses wrong values."""
    needs: frozenset[str] = frozenset()
    """Optional parts of the Context that it cannot do without, of `contracts.NEEDS`."""
    needs_with: Mapping[tuple[str, object], frozenset[str]] = field(default_factory=dict)
    """By an option and its value, what it cannot do without besides."""
    tasks: frozenset[str] = frozenset({"classification"})
    joint: bool = False
    """Whether rows are chosen for what they say together, by sums whose rounding depends on the grid of chunks."""
    falling: bool = True
    """Whether scores fall in the order in which rows are chosen."""
    predictions: bool = True
    """Whether it reads what is predicted of the candidates; what does not may be asked before there is a model."""
    compares_draws: bool = False
    """Whether all its scores are 0 where the draws that it compares all say the same."""

    @property
    def drawn(self) -> bool:
        """Whether rows are drawn by weights of a score of single rows."""
        return self.path.startswith("stochastic:")

    @cached_property
    def choose(self) -> Acquisition:
        """The acquisition, imported when it is first used."""
        made: Any = _imported(self.path)
        choose: Acquisition = made(_imported(self.scorer)) if self.scorer else made
        return choose

    @cached_property
    def check(self) -> Callable[..., None]:
        """What takes the options as keywords and raises InputError for a wrong value."""
        check: Callable[..., None] = _imported(self.options_path) if self.options_path else no_options
        return check

    def needed(self, options: Mapping[str, object]) -> frozenset[str]:
        """Return what it cannot do without under these options."""
        more = [needs for (name, value), needs in self.needs_with.items() if options.get(name) == value]
        return self.needs.union(*more)

    def score_bounds(self, *, num_rows: int, num_classes: int) -> tuple[float, float]:
        """Return the least and the largest score that N candidates and C classes allow."""
        units = {"": 1.0, "log C": math.log(num_classes), "1 - 1/C": 1 - 1 / num_classes, "N": float(num_rows)}
        low, high = self.bounds
        return low * units[self.unit], high * units[self.unit]


def no_options() -> None:
    """Take no options, for methods that have none."""


def _imported(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(f"lindley.acquisition.{module}"), name)


_INFORMATION: dict[str, Any] = {"bounds": (0.0, 1.0), "unit": "log C", "compares_draws": True}
"""Of scores that are the information of one label, at most log C nats."""

SCORES: tuple[AcquisitionSpec, ...] = (
    AcquisitionSpec("margin", "select:top_k_of", "Margin", "Scheffer et al. 2001", "scores", (-1.0, 0.0)),
    AcquisitionSpec(
        "entropy",
        "select:top_k_of",
        "Entropy",
        "Shannon 1948; Gal et al. 2017, arXiv:1703.02910",
        "scores",
        (0.0, 1.0),
        "log C",
    ),
    AcquisitionSpec(
        "least-confidence", "select:top_k_of", "Least confidence", "Lewis, Gale 1994", "scores", (0.0, 1.0), "1 - 1/C"
    ),
    AcquisitionSpec(
        "variation-ratios",
        "select:top_k_of",
        "Variation ratios",
        "Freeman 1965; Gal et al. 2017, arXiv:1703.02910",
        "scores",
        (0.0, 1.0),
        "1 - 1/C",
    ),
    AcquisitionSpec(
        "mean-std",
        "select:top_k_of",
        "Mean STD",
        "Kampffmeyer et al. 2016; Gal et al. 2017",
        "scores",
        (0.0, 0.5),
        compares_draws=True,
    ),
    AcquisitionSpec(
        "bald", "select:top_k_of", "BALD", "Houlsby et al. 2011, arXiv:1112.5745", "scores", **_INFORMATION
    ),
    AcquisitionSpec(
        "epig",
        "select:top_k_of",
        "EPIG",
        "Bickford Smith et al. 2023, arXiv:2304.08151",
        "scores",
        needs=_TARGETS,
        **_INFORMATION,
    ),
)
"""Scores of single rows: taken from the top, or drawn by weight."""

STOCHASTIC = ("power", "softmax", "softrank")


def _top(spec: AcquisitionSpec) -> AcquisitionSpec:
    return _changed(spec, scorer=f"scorers:{spec.name.replace('-', '_')}")


def _drawn(kind: str, spec: AcquisitionSpec) -> AcquisitionSpec:
    return _changed(
        spec,
        name=f"{kind}-{spec.name}",
        path=f"stochastic:{kind}_batch",
        scorer=f"scorers:{spec.name.replace('-', '_')}",
        title=f"{kind.capitalize()} {spec.title}",
        source=f"Kirsch et al. 2023, arXiv:2106.12059; {spec.source}",
        options_path="stochastic:check_beta",
        falling=False,
    )


def _changed(spec: AcquisitionSpec, **changes: Any) -> AcquisitionSpec:
    return replace(spec, **changes)


_ENTRIES: tuple[AcquisitionSpec, ...] = (
    AcquisitionSpec(
        "random",
        "select:random_rows",
        "Random",
        "uniform, without replacement",
        "nothing",
        (0.0, 1.0),
        predictions=False,
    ),
    *map(_top, SCORES),
    # A power of a negative score has no meaning.
    *(_drawn(kind, spec) for spec in SCORES for kind in STOCHASTIC if kind != "power" or spec.bounds[0] >= 0),
    AcquisitionSpec(
        "batchbald",
        "batchbald:batchbald",
        "BatchBALD",
        "Kirsch et al. 2019, arXiv:1906.08158",
        "greedy",
        options_path="batchbald:check_options",
        joint=True,
        falling=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "batchbald-logdet",
        "batchbald_logdet:batchbald_logdet",
        "BatchBALD-logdet",
        "Kirsch et al. 2019, then Kirsch 2023, arXiv:2302.08981; compare Ober et al. 2025, arXiv:2501.08223",
        "greedy",
        options_path="batchbald:check_options",
        joint=True,
        falling=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "batch-epig",
        "batch_epig:batch_epig",
        "Batch EPIG",
        "Bickford Smith et al. 2023, arXiv:2304.08151, for the labels of a batch together",
        "greedy",
        needs=_TARGETS,
        options_path="batch_epig:check_batch_epig",
        falling=False,
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "2-bald",
        "two_bald:two_bald",
        "2-BALD",
        "Kirsch 2023, arXiv:2301.09490",
        "greedy",
        (-math.inf, 1.0),
        "log C",
        compares_draws=True,
    ),
    AcquisitionSpec(
        "logdet",
        "logdet:logdet",
        "Log-determinant",
        "MacKay 1992; Kirsch 2023, arXiv:2302.08981",
        "greedy",
        options_path="logdet:check_logdet",
        needs_with={("of", "features"): _FEATURES},
        **_INFORMATION,
    ),
    AcquisitionSpec(
        "badge",
        "diverse.badge:badge",
        "BADGE",
        "Ash et al. 2020, arXiv:1906.03671",
        "passes",
        (0.0, math.inf),
        needs=frozenset({"features"}),
        falling=False,
    ),
    AcquisitionSpec(
        "coreset",
        "diverse.coreset:coreset",
        "CoreSet",
        "Sener, Savarese 2018, arXiv:1708.00489",
        "passes",
        (0.0, math.inf),
        needs=_FEATURES,
        predictions=False,
    ),
    AcquisitionSpec(
        "typiclust",
        "diverse.typiclust:typiclust",
        "TypiClust",
        "Hacohen et al. 2022, arXiv:2202.02794",
        "subset",
        (0.0, 1e5),
        options_path="diverse.typiclust:check_typiclust",
        needs=_FEATURES,
        predictions=False,
        falling=False,
    ),
    AcquisitionSpec(
        "probcover",
        "diverse.probcover:probcover",
        "ProbCover",
        "Yehuda et al. 2022, arXiv:2205.11320",
        "subset",
        (0.0, 1.0),
        "N",
        options_path="diverse.probcover:check_probcover",
        needs=_FEATURES,
        predictions=False,
    ),
    AcquisitionSpec(
        "bait",
        "diverse.bait:bait",
        "BAIT",
        "Ash et al. 2021, arXiv:2106.09675",
        "sums",
        (0.0, math.inf),
        options_path="diverse.bait:check_bait",
        needs=_FEATURES,
    ),
    AcquisitionSpec(
        "max-herding",
        "diverse.max_herding:max_herding",
        "MaxHerding",
        "Bae et al. 2024, arXiv:2407.12212",
        "subset",
        (0.0, 1.0),
        options_path="diverse.max_herding:check_max_herding",
        needs=_FEATURES,
        predictions=False,
    ),
    AcquisitionSpec(
        "u-herding",
        "diverse.u_herding:u_herding",
        "UHerding",
        "Bae et al. 2025, arXiv:2412.20644",
        "subset",
        (0.0, 1.0),
        options_path="diverse.u_herding:check_u_herding",
        needs=_FEATURES,
    ),
)

METHODS: dict[str, AcquisitionSpec] = {spec.name: spec for spec in _ENTRIES}
WITHOUT_PREDICTIONS = tuple(spec.name for spec in _ENTRIES if not spec.predictions)
