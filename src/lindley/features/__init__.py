"""Feature methods, which turn items into vectors [N, D] in float32 within seconds, and their cache on disk.

method.py            the contract of feature methods: READ FIRST
specs.py             every method by name, and a method from a configuration
cache.py             features on disk: computed once, continued after a kill, grown with the pool
state.py             what a method learnt, in files without a pickle
text_lsa.py          text: principal directions of word counts
text_encoder.py      text: a pretrained sentence encoder
encoder_and_lsa.py   text: both beside each other
image_files.py       an image of any format as pixels, within limits
image_patches.py     images: typical patches of the pool
image_encoder.py     images: a pretrained network
pretrained.py        weights of networks, from a folder or from the hub
components.py        principal components of long vectors
tables.py            rows of a table: scaled and one-hot columns
vectors.py           vectors as they are
own.py               a user's own function

The public names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lindley.features.cache import FeatureCache
    from lindley.features.encoder_and_lsa import EncoderAndLSA
    from lindley.features.image_encoder import ImageEncoder
    from lindley.features.image_patches import Patches
    from lindley.features.method import FeatureMethod, LearntState, compute_features
    from lindley.features.own import OwnFeatures
    from lindley.features.specs import FEATURES, FeatureSpec, build_features
    from lindley.features.tables import TableFeatures
    from lindley.features.text_encoder import TextEncoder
    from lindley.features.text_lsa import LSA
    from lindley.features.vectors import Vectors

_MODULES = {
    "FEATURES": "specs",
    "LSA": "text_lsa",
    "EncoderAndLSA": "encoder_and_lsa",
    "FeatureCache": "cache",
    "FeatureMethod": "method",
    "FeatureSpec": "specs",
    "ImageEncoder": "image_encoder",
    "LearntState": "method",
    "OwnFeatures": "own",
    "Patches": "image_patches",
    "TableFeatures": "tables",
    "TextEncoder": "text_encoder",
    "Vectors": "vectors",
    "build_features": "specs",
    "compute_features": "method",
}

__all__ = [
    "FEATURES",
    "LSA",
    "EncoderAndLSA",
    "FeatureCache",
    "FeatureMethod",
    "FeatureSpec",
    "ImageEncoder",
    "LearntState",
    "OwnFeatures",
    "Patches",
    "TableFeatures",
    "TextEncoder",
    "Vectors",
    "build_features",
    "compute_features",
]


if not TYPE_CHECKING:  # a type checker would take it for any name, also a misspelt one

    def __getattr__(name: str) -> object:
        """Return a public name, imported from its module on first use (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module 'lindley.features' has no attribute {name!r}")
        value = getattr(import_module(f"lindley.features.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
