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
    """One posterior: how its learner is built, and what a study has to know of it."""

    name: str
    learner: str
    """The import path of its learner, "package.module:name"."""
    posterior: str
    """The import path of the class of its fits, by which they are saved and loaded."""
    title: str
    """Its name in tables."""
    reference: str
    options: tuple[str, ...] = ()
    """The keys of a study's [model.options]: arguments of the learner."""
    arguments: Mapping[str, object] = field(default_factory=dict)
    """Arguments of the learner that every study of this posterior has."""
    network: bool = True
    """Whether it requires a network, which it trains by a training configuration."""
    extra: str = ""
    """The optional dependencies of lindley that it requires, as in "lindley[extra]"."""
    sample_weight: bool = False
    """Whether it weighs labels; otherwise it refuses their weights."""
    features: bool = True
    """Whether its fits are FeatureExtractors."""
    members: str = ""
    """The argument that sets the number of members, where draws are members."""
    tasks: tuple[str, ...] = ("classification",)

    def build(self, **arguments: Any) -> Learner:
        """Return its learner, with these arguments besides its own."""
        learner: Learner = resolve_name(self.learner)(**self.arguments, **arguments)
        return learner


_PACKAGE = "lindley.posteriors."
_HEAD = ("prior_precision", "bias_precision", "covariance")
_SPECS = (
    PosteriorSpec(
        "mc-dropout",
        _PACKAGE + "dropout.mc_dropout:MCDropout",
        _PACKAGE + "dropout.mc_dropout:MCDropoutPosterior",
        "MC dropout",
        "Gal and Ghahramani 2016, arXiv:1506.02142",
        options=("drop_connect",),
    ),
    PosteriorSpec(
        "ensemble",
        _PACKAGE + "ensemble:DeepEnsemble",
        _PACKAGE + "ensemble:EnsemblePosterior",
        "deep ensemble",
        "Lakshminarayanan, Pritzel and Blundell 2017, arXiv:1612.01474",
        members="members",
    ),
    PosteriorSpec(
        "last-layer",
        _PACKAGE + "head.last_layer:LastLayerLaplace",
        _PACKAGE + "head.last_layer:LastLayerPosterior",
        "Bayesian last layer, variational",
        "Kristiadi, Hein and Hennig 2020, arXiv:2002.10118; Opper and Archambeau 2009, Neural Computation 21(3)",
        options=_HEAD,
        arguments={"approximation": "variational"},
    ),
    PosteriorSpec(
        "last-layer-laplace",
        _PACKAGE + "head.last_layer:LastLayerLaplace",
        _PACKAGE + "head.last_layer:LastLayerPosterior",
        "Bayesian last layer, Laplace",
        "Kristiadi, Hein and Hennig 2020, arXiv:2002.10118; Daxberger et al. 2021, arXiv:2106.14806",
        options=_HEAD,
    ),
    PosteriorSpec(
        "laplace",
        _PACKAGE + "laplace.full_laplace:FullLaplace",
        _PACKAGE + "laplace.full_laplace:FullLaplacePosterior",
        "Laplace over all weights",
        "Immer, Korzepa and Bauer 2021, arXiv:2008.08400; Daxberger et al. 2021, arXiv:2106.14806",
        options=("hessian", "prior_precision", "linearised"),
        extra="laplace",
    ),
    PosteriorSpec(
        "head",
        _PACKAGE + "head.head:BayesianHead",
        _PACKAGE + "head.head:HeadPosterior",
        "Bayesian softmax regression",
        "MacKay 1992, Neural Computation 4(5)",
        options=(*_HEAD, "approximation"),
        network=False,
        sample_weight=True,
    ),
    PosteriorSpec(
        "forest",
        _PACKAGE + "scikit_learn.forest:Forest",
        _PACKAGE + "scikit_learn.forest:ForestPosterior",
        "random forest, or extremely randomised trees",
        "Breiman 2001, Machine Learning 45(1); Geurts, Ernst and Wehenkel 2006, Machine Learning 63(1)",
        options=("kind", "pseudo_count", "max_features", "min_samples_leaf"),
        network=False,
        sample_weight=True,
        features=False,
        members="trees",
    ),
    PosteriorSpec(
        "gaussian-process",
        _PACKAGE + "gaussian_process.classifier:GaussianProcess",
        _PACKAGE + "gaussian_process.classifier:GaussianProcessPosterior",
        "Gaussian process classifier",
        "Rasmussen and Williams 2006, ch. 3.5; Wilson et al. 2020, arXiv:2002.09309",
        options=("kernel", "ard", "lengthscale", "amplitude", "frequencies", "approximation"),
        network=False,
        sample_weight=True,
    ),
)
POSTERIORS: Mapping[str, PosteriorSpec] = {spec.name: spec for spec in _SPECS}
WITH_FEATURES = tuple(name for name, spec in POSTERIORS.items() if spec.features)
WITH_NETWORK = tuple(name for name, spec in POSTERIORS.items() if spec.network)
WITHOUT_NETWORK = tuple(name for name, spec in POSTERIORS.items() if not spec.network)


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
        config: How the network is trained; without a network only its class weights are read.
        precision: The precision in which the network computes.
        device: The device on which the posterior computes.
        members: The size of an ensemble or a forest.
        options: The posterior's options.

    Raises:
        InputError: If a name, option or value is unknown, and if a network is missing or not wanted.
    """
    spec = _spec(posterior)
    check_options(posterior, options or {})
    if spec.network != (network is not None):
        requires = "requires a" if spec.network else "takes no"
        raise InputError(f"posterior = {posterior!r} {requires} network", argument="network", got=network)
    arguments: dict[str, Any] = {**(options or {}), "device": device}
    if spec.network:
        arguments |= {"network": network, "config": config, "precision": precision}
    else:
        arguments |= {"class_weights": config.class_weights or None}
    return spec.build(**arguments, **({spec.members: members} if spec.members else {}))


def check_options(posterior: str, options: Mapping[str, Any]) -> None:
    """Raise InputError where a posterior does not take one of these options, or not with this value."""
    spec = _spec(posterior)
    for name in options:
        if name not in spec.options:
            takes = f"it takes {', '.join(spec.options)}" if spec.options else "it takes none"
            raise InputError(
                f"posterior = {posterior!r} has no option {name!r}; {takes}", argument=name, got=options[name]
            )
    if not options:
        return
    try:
        required: dict[str, Any] = {"network": _no_network} if spec.network else {}
        spec.build(**options, **required, **({spec.members: 1} if spec.members else {}))
    except TypeError as error:
        values = ", ".join(f"{name} = {value!r}" for name, value in options.items())
        raise InputError(
            f"posterior = {posterior!r} cannot take {values}: {error}", argument="options", got=dict(options)
        ) from None


def _no_network() -> Any:
    raise AssertionError("options are checked without a network")


def _spec(posterior: str) -> PosteriorSpec:
    if posterior not in POSTERIORS:
        raise InputError(
            f"no posterior is called {posterior!r}; there are {', '.join(POSTERIORS)}",
            argument="posterior",
            got=posterior,
        )
    return POSTERIORS[posterior]
