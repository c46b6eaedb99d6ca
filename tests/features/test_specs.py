"""The catalogue: every entry is what its class is, and configurations give methods or one clear error."""

import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features import FEATURES, LSA, Patches, TableFeatures, Vectors, build_features, compute_features
from lindley.features.specs import DEFAULTS, ENCODERS, FeatureSpec

ALL = [pytest.param(spec, id=spec.name) for spec in FEATURES.values()]


@pytest.mark.parametrize("spec", ALL)
def test_an_entry_says_what_its_class_is(spec: FeatureSpec):
    options = fields(spec.method)
    assert spec.options == tuple(each.name for each in options)
    assert spec.kind == spec.method.kind
    assert spec.pretrained == ("model" in spec.options) == bool(spec.extra)
    assert spec.learnt == (spec.build().fit_rows > 0)


def test_every_kind_has_a_default_of_its_kind():
    assert {kind: FEATURES[name].kind for kind, name in DEFAULTS.items()} == {kind: kind for kind in DEFAULTS}
    assert all(FEATURES[name].kind == kind for kind, name in ENCODERS.items())
    assert set(DEFAULTS) == {spec.kind for spec in FEATURES.values()}


def test_reading_the_catalogue_imports_nothing_heavy():
    heavy = "{'torch', 'numpy', 'sklearn', 'transformers', 'PIL'}"
    check = f"import sys, lindley.features.specs; print(sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("lsa", "text", LSA()),
        ("patches", "images", Patches()),
        ("table", "rows", TableFeatures()),
        ("vectors", "vectors", Vectors()),
    ],
)
def test_a_name_gives_its_method(name, kind, expected):
    assert build_features(name, kind) == expected


def test_options_are_those_of_the_method():
    assert build_features("lsa", "text", options={"num_components": 50}) == LSA(num_components=50)


@pytest.mark.parametrize(("kind", "name"), [("text", "EncoderAndLSA"), ("images", "ImageEncoder")])
def test_an_encoder_is_that_of_the_kind(kind, name):
    method = build_features("encoder:C:/models/mine", kind, options={"num_components": 7})
    assert (type(method).__name__, method.model, method.num_components) == (name, "C:/models/mine", 7)


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("lsi", "text", {}),
        ("lsa", "images", {}),
        ("encoder:", "text", {}),
        ("encoder:folder", "rows", {}),
        ("lsa", "text", {"components": 3}),
        ("module:name", "text", {}),
    ],
)
def test_what_is_unknown_or_of_another_kind_is_refused(name, kind, options):
    with pytest.raises(InputError):
        build_features(name, kind, options=options)


def test_ones_own_function_gives_features_of_any_array():
    import torch

    def lengths(texts):
        return torch.tensor([[float(len(each))] for each in texts], requires_grad=True)

    method = build_features("mine:lengths", "text", own=lengths, code_sha256="ab")
    assert compute_features(method, ["a", "bbb"]).tolist() == [[1], [3]]
    assert method.version != build_features("mine:lengths", "text", own=lengths, code_sha256="cd").version


def test_ones_own_function_that_fails_is_named():
    def broken(texts):
        raise KeyError("x")

    for own in (broken, lambda texts: "text", lambda texts: np.zeros(3)):
        with pytest.raises(InputError):
            compute_features(build_features("mine:broken", "text", own=own), ["a"])
    for arguments in ({"own": 3}, {"own": broken, "options": {"x": 1}}):
        with pytest.raises(InputError):
            build_features("mine:broken", "text", **arguments)


def test_vectors_stay_as_they_are_and_are_checked():
    vectors = np.random.default_rng(0).normal(size=(7, 3))
    assert np.array_equal(compute_features(Vectors(), vectors), vectors.astype(np.float32))
    vectors[4, 1] = np.nan
    with pytest.raises(InputError) as caught:
        compute_features(Vectors(), vectors)
    assert caught.value.rows == (4,)
