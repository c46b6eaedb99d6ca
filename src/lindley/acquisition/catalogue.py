"""Every acquisition by name: one line adds one, and the laws of tests/laws pick it up from here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from lindley.acquisition import scores
from lindley.acquisition.badge import badge
from lindley.acquisition.bait import bait, check_bait
from lindley.acquisition.batch_epig import batch_epig, check_batch_epig
from lindley.acquisition.batchbald import batchbald, check_options
from lindley.acquisition.batchbald_logdet import batchbald_logdet
from lindley.acquisition.coreset import coreset
from lindley.acquisition.epig import epig_scores
from lindley.acquisition.logdet import check_logdet, logdet
from lindley.acquisition.probcover import check_probcover, probcover
from lindley.acquisition.select import Scorer, pointwise, random_rows, top_k_of
from lindley.acquisition.stochastic import check_beta, power_batch, softmax_batch, softrank_batch
from lindley.acquisition.two_bald import two_bald
from lindley.acquisition.typiclust import check_typiclust, typiclust
from lindley.contracts import FEATURES, Acquisition, Selection
from lindley.errors import InputError
from lindley.names import nearest


def no_options() -> None:
    """For methods that have none."""


@dataclass(frozen=True)
class Method:
    """A way to choose rows, and what has to be known about it before it runs."""

    choose: Acquisition
    title: str
    source: str
    needs: frozenset[str] = frozenset()
    """Optional fields of the Context that it cannot do without, of `contracts.NEEDS`."""
    check: Callable[..., None] = no_options
    """Takes the method's options as keywords, whatever their type; raises InputError for a wrong value."""
    predictions: bool = True
    """Whether it reads what is predicted of the candidates; what does not may be asked before there is a model."""
    needs_with: Mapping[tuple[str, object], frozenset[str]] = field(default_factory=dict)
    """By an option and its value, what it cannot do without besides."""
    compares_draws: bool = False
    """Whether all its scores are 0 where the draws that it compares all say the same."""

    def needed(self, options: Mapping[str, object]) -> frozenset[str]:
        """What it cannot do without under these options."""
        more = [needs for (name, value), needs in self.needs_with.items() if options.get(name) == value]
        return self.needs.union(*more)


@dataclass(frozen=True)
class Scoring:
    """A score of single rows: taken from the top, or drawn by weight."""

    scorer: Scorer
    title: str
    source: str
    needs: frozenset[str] = frozenset()
    powers: bool = True
    """Whether it is never negative: a power of a negative score has no meaning."""
    compares_draws: bool = False
    """As of a Method."""


SCORERS: dict[str, Scoring] = {
    "margin": Scoring(pointwise(scores.margin), "Margin", "Scheffer et al. 2001", powers=False),
    "entropy": Scoring(pointwise(scores.entropy), "Entropy", "Shannon 1948; Gal et al. 2017, arXiv:1703.02910"),
    "least-confidence": Scoring(pointwise(scores.least_confidence), "Least confidence", "Lewis, Gale 1994"),
    "variation-ratios": Scoring(
        pointwise(scores.variation_ratios), "Variation ratios", "Freeman 1965; Gal et al. 2017, arXiv:1703.02910"
    ),
    "mean-std": Scoring(
        pointwise(scores.mean_std), "Mean STD", "Kampffmeyer et al. 2016; Gal et al. 2017", compares_draws=True
    ),
    "bald": Scoring(pointwise(scores.bald), "BALD", "Houlsby et al. 2011, arXiv:1112.5745", compares_draws=True),
    "epig": Scoring(
        epig_scores, "EPIG", "Bickford Smith et al. 2023, arXiv:2304.08151", frozenset({"targets"}), compares_draws=True
    ),
}

_STOCHASTIC = {"power": power_batch, "softmax": softmax_batch, "softrank": softrank_batch}

METHODS: dict[str, Method] = {
    "random": Method(random_rows, "Random", "uniform, without replacement", predictions=False),
    **{
        name: Method(top_k_of(of.scorer), of.title, of.source, of.needs, compares_draws=of.compares_draws)
        for name, of in SCORERS.items()
    },
    **{
        f"{kind}-{name}": Method(
            batch(of.scorer),
            f"{kind.capitalize()} {of.title}",
            f"Kirsch et al. 2023, arXiv:2106.12059; {of.source}",
            of.needs,
            check_beta,
            compares_draws=of.compares_draws,
        )
        for name, of in SCORERS.items()
        for kind, batch in _STOCHASTIC.items()
        if of.powers or kind != "power"
    },
    "batchbald": Method(
        batchbald, "BatchBALD", "Kirsch et al. 2019, arXiv:1906.08158", check=check_options, compares_draws=True
    ),
    "batchbald-logdet": Method(
        batchbald_logdet,
        "BatchBALD-logdet",
        "Kirsch et al. 2019, then Kirsch 2023, arXiv:2302.08981; compare Ober et al. 2025, arXiv:2501.08223",
        check=check_options,
        compares_draws=True,
    ),
    "2-bald": Method(two_bald, "2-BALD", "Kirsch 2023, arXiv:2301.09490", compares_draws=True),
    "logdet": Method(
        logdet,
        "Log-determinant",
        "MacKay 1992; Kirsch 2023, arXiv:2302.08981",
        check=check_logdet,
        needs_with={("of", "features"): FEATURES},
        compares_draws=True,
    ),
    "batch-epig": Method(
        batch_epig,
        "Batch EPIG",
        "Bickford Smith et al. 2023, arXiv:2304.08151, for the labels of a batch together",
        needs=frozenset({"targets"}),
        check=check_batch_epig,
        compares_draws=True,
    ),
    "badge": Method(badge, "BADGE", "Ash et al. 2020, arXiv:1906.03671", needs=frozenset({"features"})),
    "coreset": Method(
        coreset,
        "CoreSet",
        "Sener, Savarese 2018, arXiv:1708.00489",
        needs=FEATURES,
        predictions=False,
    ),
    "typiclust": Method(
        typiclust,
        "TypiClust",
        "Hacohen et al. 2022, arXiv:2202.02794",
        needs=FEATURES,
        check=check_typiclust,
        predictions=False,
    ),
    "probcover": Method(
        probcover,
        "ProbCover",
        "Yehuda et al. 2022, arXiv:2205.11320",
        needs=FEATURES,
        check=check_probcover,
        predictions=False,
    ),
    "bait": Method(
        bait,
        "BAIT",
        "Ash et al. 2021, arXiv:2106.09675",
        needs=FEATURES,
        check=check_bait,
    ),
}

WITHOUT_PREDICTIONS = tuple(name for name, method in METHODS.items() if not method.predictions)


def acquisition_named(name: str, options: Mapping[str, object] | None = None) -> partial[Selection]:
    """The acquisition of that name with these options set.

    Raises InputError for a name that is not in METHODS, an option that the method does not have, or a wrong value.

    >>> acquisition_named("batchbald", {"num_paths": 200}).keywords
    {'num_paths': 200}
    """
    if name not in METHODS:
        raise InputError(f"no acquisition is named {name!r}; known: {', '.join(METHODS)}.{nearest(name, METHODS)}")
    method = METHODS[name]
    options = {key: _plain(value) for key, value in (options or {}).items()}
    allowed = list(inspect.signature(method.check).parameters)
    for option in options:
        if option not in allowed:
            known = f"known: {', '.join(allowed)}" if allowed else "it has no options"
            raise InputError(f"{name} has no option {option!r}; {known}.{nearest(option, allowed)}")
    method.check(**options)
    choose: Callable[..., Selection] = method.choose
    return partial(choose, **options)


def _plain(value: object) -> object:
    """Return a number of NumPy as Python's own, and everything else as it is."""
    return value.item() if isinstance(value, np.generic) else value
