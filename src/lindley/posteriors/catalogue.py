"""Every posterior by name. A new one is a file with fit -> draw -> predict and an entry here.

Nothing heavy is imported: the learner's module is imported when the learner is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from lindley.errors import InputError
from lindley.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import nn

    from lindley.contracts import Learner


@dataclass(frozen=True)
class PosteriorSpec:
    """One posterior: how its learner is built, and what has to be known before."""

    name: str
    path: str
    """The import path of its learner, "package.module:name"."""
    title: str
    """What tables call it."""
    reference: str
    """Where it was published."""
    posterior_path: str
    """The import path of what its fits are, by which they are saved and loaded."""
    options: tuple[str, ...] = ()
    """Keys of a study's [model.options]: arguments of the learner."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the learner that make it this posterior and no other."""
    requires: frozenset[str] = frozenset({"network"})
    """What it cannot do without: "network" where it trains one by a training configuration."""
    extra: str = ""
    """The optional dependencies of lindley that it requires, as in "lindley[extra]"."""
    sample_weight: bool = False
    """Whether it weighs labels; else it refuses their weights."""
    features: bool = True
    """Whether its fits are FeatureExtractors."""
    members: str = ""
    """The argument that says how many members there are, where draws are members."""
    tasks: tuple[str, ...] = ("classification",)

    def build(self, **given: Any) -> Learner:
        """Return its learner, with these arguments besides its own."""
        learner: Learner = resolve_name(self.path)(**self.arguments, **given)
        return learner


_HOME = "lindley.posteriors."
_HEAD = ("prior_precision", "bias_precision", "covariance")
_SPECS = (
    PosteriorSpec(
        "mc-dropout",
        _HOME + "dropout.mc_dropout:MCDropout",
        "MC dropout",
        "Gal and Ghahramani 2016, arXiv:1506.02142",
        _HOME + "dropout.mc_dropout:MCDropoutPosterior",
        options=("drop_connect",),
    ),
    PosteriorSpec(
        "ensemble",
        _HOME + "ensemble:DeepEnsemble",
        "deep ensemble",
        "Lakshminarayanan, Pritzel and Blundell 2017, arXiv:1612.01474",
        _HOME + "ensemble:EnsemblePosterior",
        members="members",
    ),
    PosteriorSpec(
        "last-layer",
        _HOME + "head.last_layer:LastLayerLaplace",
        "Bayesian last layer, variational",
        "Kristiadi, Hein and Hennig 2020, arXiv:2002.10118; Opper and Archambeau 2009, Neural Computation 21(3)",
        _HOME + "head.last_layer:LastLayerPosterior",
        options=_HEAD,
        arguments={"approximation": "variational"},
    ),
    PosteriorSpec(
        "last-layer-laplace",
        _HOME + "head.last_layer:LastLayerLaplace",
        "Bayesian last layer, Laplace",
        "Kristiadi, Hein and Hennig 2020, arXiv:2002.10118; Daxberger et al. 2021, arXiv:2106.14806",
        _HOME + "head.last_layer:LastLayerPosterior",
        options=_HEAD,
    ),
    PosteriorSpec(
        "laplace",
        _HOME + "laplace.full_laplace:FullLaplace",
        "Laplace over all weights",
        "Immer, Korzepa and Bauer 2021, arXiv:2008.08400; Daxberger et al. 2021, arXiv:2106.14806",
        _HOME + "laplace.full_laplace:FullLaplacePosterior",
        options=("hessian", "prior_precision", "linearised"),
        extra="laplace",
    ),
    PosteriorSpec(
        "head",
        _HOME + "head.head:BayesianHead",
        "Bayesian softmax regression",
        "MacKay 1992, Neural Computation 4(5)",
        _HOME + "head.head:HeadPosterior",
        options=(*_HEAD, "approximation", "scale"),
        requires=frozenset(),
        sample_weight=True,
    ),
    PosteriorSpec(
        "forest",
        _HOME + "scikit_learn.forest:Forest",
        "random forest, or extremely randomised trees",
        "Breiman 2001, Machine Learning 45(1); Geurts, Ernst and Wehenkel 2006, Machine Learning 63(1)",
        _HOME + "scikit_learn.forest:ForestPosterior",
        options=("kind", "pseudo_count", "max_features", "min_samples_leaf"),
        requires=frozenset(),
        sample_weight=True,
        features=False,
        members="trees",
    ),
    PosteriorSpec(
        "gaussian-process",
        _HOME + "gaussian_process.classifier:GaussianProcess",
        "Gaussian process classifier",
        "Rasmussen and Williams 2006, ch. 3.5; Wilson et al. 2020, arXiv:2002.09309",
        _HOME + "gaussian_process.classifier:GaussianProcessPosterior",
        options=("kernel", "ard", "lengthscale", "amplitude", "frequencies", "approximation"),
        requires=frozenset(),
        sample_weight=True,
    ),
)
POSTERIORS: Mapping[str, PosteriorSpec] = {spec.name: spec for spec in _SPECS}
WITH_FEATURES = tuple(name for name, spec in POSTERIORS.items() if spec.features)
WITH_NETWORK = tuple(name for name, spec in POSTERIORS.items() if "network" in spec.requires)
WITHOUT_NETWORK = tuple(name for name, spec in POSTERIORS.items() if "network" not in spec.requires)


def build_learner(
    posterior: str,
    network: Callable[[], nn.Module] | None,
    config: TrainingConfig,
    *,
    precision: str = "float32",
    device: str = "cpu",
    members: int = 5,
    options: Mapping[str, Any] | None = None,
) -> Learner:
    """Build the learner that a study names.

    Args:
        posterior: A name of the catalogue.
        network: Makes the network; None for a posterior that requires none.
        config: Of the training; without a network nothing of it is read but its class weights.
        precision: In which the network computes.
        device: Where the posterior computes.
        members: The size of an ensemble or a forest.
        options: Those of the posterior.

    Raises:
        InputError: For an unknown name, option or value, and for a network too many or too few.
    """
    spec = _spec(posterior)
    check_options(posterior, options or {})
    trains = "network" in spec.requires
    if trains != (network is not None):
        raise InputError(f"posterior = {posterior!r} {'needs a' if trains else 'takes no'} network")
    given: dict[str, Any] = {**(options or {}), "device": device}
    if trains:
        given |= {"network": network, "config": config, "precision": precision}
    else:
        given |= {"class_weights": config.class_weights or None}
    return spec.build(**given, **({spec.members: members} if spec.members else {}))


def check_options(posterior: str, options: Mapping[str, Any]) -> None:
    """Raise InputError where a posterior does not take one of these options, or not with this value."""
    spec = _spec(posterior)
    for name in options:
        if name not in spec.options:
            takes = f"it takes {', '.join(spec.options)}" if spec.options else "it takes none"
            raise InputError(f"posterior = {posterior!r} has no option {name!r}; {takes}")
    if not options:
        return
    try:
        needed: dict[str, Any] = dict.fromkeys(spec.requires, _no_network)
        spec.build(**options, **needed, **({spec.members: 1} if spec.members else {}))
    except TypeError as error:
        said = ", ".join(f"{name} = {value!r}" for name, value in options.items())
        raise InputError(f"posterior = {posterior!r} cannot take {said}: {error}") from None


def _no_network() -> Any:
    raise AssertionError("options are checked without a network")


def _spec(posterior: str) -> PosteriorSpec:
    if posterior not in POSTERIORS:
        raise InputError(f"no posterior is called {posterior!r}; there are {', '.join(POSTERIORS)}")
    return POSTERIORS[posterior]
