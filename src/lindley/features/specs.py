"""Every feature method by name. Adding one is a file with a frozen dataclass, and an entry here.

Docs tables and the command line read these entries. Nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from lindley.errors import InputError
from lindley.names import suggest_name

if TYPE_CHECKING:
    from lindley.features.method import FeatureMethod


@dataclass(frozen=True)
class FeatureSpec:
    """The description of a feature method, before it runs."""

    name: str
    path: str
    """The import path of its class, "package.module:name": a frozen dataclass of its options."""
    title: str
    """The name in tables."""
    kind: str
    """The kind of the items that it reads: "text", "images", "rows" or "vectors"."""
    reference: str
    """The publication."""
    options: tuple[str, ...] = ()
    """The options, fields of its class."""
    learnt: bool = False
    """Whether it learns from the pool."""
    pretrained: bool = False
    """Whether it takes the weights of a network, from a folder or from the hub."""
    extra: str = ""
    """The optional dependencies of lindley that it requires, as in "lindley[extra]"."""

    @property
    def method(self) -> Callable[..., FeatureMethod]:
        """Its class, imported when it is first used."""
        found: Callable[..., FeatureMethod] = resolve_name(self.path)
        return found

    def build(self, **options: Any) -> FeatureMethod:
        """Return the method with these options. Raises InputError for an unknown one or a wrong value."""
        for name in options:
            if name not in self.options:
                takes = f"it takes {', '.join(self.options)}" if self.options else "it takes none"
                raise InputError(
                    f"features = {self.name!r} has no option {name!r}; {takes}.{suggest_name(name, self.options)}",
                    argument=name,
                    got=options[name],
                )
        return self.method(**options)


_HOME = "lindley.features."
_SPECS = (
    FeatureSpec(
        "lsa",
        _HOME + "text_lsa:LSA",
        "latent semantic analysis of TF-IDF",
        "text",
        "Deerwester et al. 1990, Journal of the American Society for Information Science 41(6)",
        options=("num_components", "max_terms", "fit_rows", "seed"),
        learnt=True,
    ),
    FeatureSpec(
        "text-encoder",
        _HOME + "text_encoder:TextEncoder",
        "a sentence encoder",
        "text",
        "Reimers and Gurevych 2019, arXiv:1908.10084",
        options=("model", "max_tokens"),
        pretrained=True,
        extra="text",
    ),
    FeatureSpec(
        "encoder-and-lsa",
        _HOME + "encoder_and_lsa:EncoderAndLSA",
        "a sentence encoder beside latent semantic analysis",
        "text",
        "Reimers and Gurevych 2019, arXiv:1908.10084; Deerwester et al. 1990",
        options=("model", "max_tokens", "num_components", "fit_rows", "seed"),
        learnt=True,
        pretrained=True,
        extra="text",
    ),
    FeatureSpec(
        "patches",
        _HOME + "image_patches:Patches",
        "k-means patches",
        "images",
        "Coates, Ng and Lee 2011, AISTATS",
        options=("size", "patch_size", "stride", "num_centres", "num_patches", "num_components", "fit_rows", "seed"),
        learnt=True,
    ),
    FeatureSpec(
        "image-encoder",
        _HOME + "image_encoder:ImageEncoder",
        "an image encoder",
        "images",
        "Oquab et al. 2024, arXiv:2304.07193 (DINOv2), and others",
        options=("model", "num_components", "fit_rows"),
        learnt=True,
        pretrained=True,
        extra="vision",
    ),
    FeatureSpec(
        "table",
        _HOME + "tables:TableFeatures",
        "columns, scaled and one-hot",
        "rows",
        "the usual coding of regression",
        options=("columns", "max_categories", "fit_rows"),
        learnt=True,
    ),
    FeatureSpec(
        "vectors",
        _HOME + "vectors:Vectors",
        "vectors as they are",
        "vectors",
        "one's own",
    ),
)
FEATURES: Mapping[str, FeatureSpec] = {spec.name: spec for spec in _SPECS}
DEFAULTS: Mapping[str, str] = {"text": "lsa", "images": "patches", "rows": "table", "vectors": "vectors"}
"""The method of each kind of items, where none is named."""
ENCODERS: Mapping[str, str] = {"text": "encoder-and-lsa", "images": "image-encoder"}
"""The method that "encoder:MODEL" means, by the kind of items."""


def build_features(
    name: str,
    kind: str,
    *,
    options: Mapping[str, Any] | None = None,
    own: object = None,
    code_sha256: str | None = None,
) -> FeatureMethod:
    """Build the feature method that a configuration names.

    Args:
        name: A name of the catalogue, "encoder:FOLDER" or "encoder:HUB-NAME", or the import path of one's own function.
        kind: The kind of the items.
        options: The options of a method of the catalogue.
        own: What the import path names, already imported: a function, n items -> [n, D].
        code_sha256: The sha256 of the file that it comes from.

    Raises:
        InputError: For an unknown name, option or value, and for a method of items of another kind.
    """
    options = dict(options or {})
    if own is not None:
        return _own_features(name, kind, options, own, code_sha256)
    prefix, colon, model = name.partition(":")
    if colon and prefix == "encoder":
        if kind not in ENCODERS or not model:
            expected = "followed by a folder or a hub name, for text or images"
            raise InputError(argument="features = 'encoder:'", expected=expected, got=f"{name!r} for {kind}")
        name, options = ENCODERS[kind], {"model": model, **options}
    if name not in FEATURES:
        known = f"{', '.join(FEATURES)}, 'encoder:FOLDER' or an import path 'package.module:name'"
        raise InputError(
            f"Known: {known}.{suggest_name(name, FEATURES)}", argument="features", expected="known", got=name
        )
    spec = FEATURES[name]
    if spec.kind != kind:
        fitting = [each.name for each in _SPECS if each.kind == kind]
        raise InputError(argument="features", expected=f"for {kind}: one of {', '.join(fitting)}", got=name)
    return spec.build(**options)


def _own_features(
    name: str, kind: str, options: Mapping[str, Any], own: object, code_sha256: str | None
) -> FeatureMethod:
    from lindley.features.method import KINDS
    from lindley.features.own import OwnFeatures

    if options:
        raise InputError(f"features = {name!r} has no options", argument="options", got=options)
    if not callable(own):
        raise InputError(argument=f"{name!r}", expected="a function, n items -> [n, D]", got=type(own).__name__)
    return OwnFeatures(own, name, next(each for each in KINDS if each == kind), code_sha256)
