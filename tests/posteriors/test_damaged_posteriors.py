"""Saved posteriors of every kind, damaged at random: an equal posterior comes back, or an error that is lindley's own.

LINDLEY_FUZZ says how many damages are tried in all.
"""

import hashlib
import json
import os
import random
import shutil
from contextlib import suppress

import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.naive_bayes import GaussianNB
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError, LindleyError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.dropout.mc_dropout import MCDropoutPosterior
from lindley.posteriors.ensemble import EnsemblePosterior
from lindley.posteriors.external_predictions import ArrayPosterior
from lindley.posteriors.gaussian_process.classifier import GaussianProcess
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.last_layer import LastLayerLaplace
from lindley.posteriors.laplace.full_laplace import FullLaplacePosterior
from lindley.posteriors.laplace.network_gaussian import BlockwiseGaussian, DiagonalGaussian
from lindley.posteriors.scikit_learn.bagging import Bagging
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.posteriors.temperature_scaling import scale_temperature
from lindley.training.config import TrainingConfig

DAMAGES = int(os.environ.get("LINDLEY_FUZZ", "200"))
INPUTS = torch.randn(12, 2, generator=torch.Generator().manual_seed(1))
POOL, LABELS = MemoryPool(INPUTS), Labels(torch.arange(9), torch.arange(9) % 3)
TASK = Classification(("a", "b", "c"))


def network():
    return nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.4), nn.Linear(4, 3))


def plain():
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 3))


def seeded(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory()


def fitted(learner):
    return learner.fit(TrainingData(POOL, LABELS, TASK), seed=0)


def block(size):
    return torch.eye(size), torch.ones(size)


def blockwise():
    return BlockwiseGaussian([[block(4), block(2)], [block(4)], [block(3), block(4)], [block(3)]], 2.0)


WEIGHTS = sum(value.numel() for value in plain().parameters())
KINDS = {
    "mc-dropout": (lambda: MCDropoutPosterior(seeded(network)), {"network": network}),
    "temperature scaled": (lambda: scale_temperature(MCDropoutPosterior(seeded(network)), 1.5), {"network": network}),
    "ensemble": (lambda: EnsemblePosterior([seeded(network), seeded(network)]), {"network": network}),
    "head": (lambda: fitted(BayesianHead()), {}),
    "last-layer": (lambda: fitted(LastLayerLaplace(network, TrainingConfig(steps=2))), {"network": network}),
    "laplace, blocks": (lambda: FullLaplacePosterior(seeded(plain), blockwise(), 2.0, -1.0), {"network": plain}),
    "laplace, diagonal": (
        lambda: FullLaplacePosterior(seeded(plain), DiagonalGaussian(torch.ones(WEIGHTS)), 2.0, -1.0),
        {"network": plain},
    ),
    "forest": (lambda: fitted(Forest(3)), {}),
    "bagging": (lambda: fitted(Bagging(GaussianNB(), 2)), {"estimator": GaussianNB()}),
    "gaussian process": (lambda: fitted(GaussianProcess(frequencies=8)), {}),
    "gaussian process, laplace": (lambda: fitted(GaussianProcess(frequencies=8, approximation="laplace")), {}),
    "given": (lambda: ArrayPosterior(torch.zeros(12, 2, 3), inputs="logits"), {}),
}


@pytest.fixture(scope="module", params=KINDS)
def saved(request, tmp_path_factory):
    """A folder, the posterior in it, and what load_posterior needs."""
    make, given = KINDS[request.param]
    folder, posterior = tmp_path_factory.mktemp("saved") / "posterior", make()
    save_posterior(posterior, folder)
    return folder, posterior, given


def predictions(posterior):
    inputs = torch.arange(12) if isinstance(posterior, ArrayPosterior) else INPUTS
    draws = posterior.draw(2, seed=0)
    return draws.id, draws.predict(inputs).log_probs


def assert_equal_or_refused(folder, given, expected):
    """Whether it was loaded."""
    try:
        found = predictions(load_posterior(folder, **given))
    except LindleyError:
        return False
    assert found[0] == expected[0]
    assert torch.equal(found[1], expected[1])
    return True


VALUES = (None, True, False, -1, 0, 1, 2, 1.5, 1e300, float("nan"), "", "x", "bfloat16", [], [0], {}, {"a": 1})


def places(value, path=()):
    """The path to every value in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(part, (*path, key))


def change_json(content, rng):
    *parents, key = rng.choice([path for path in places(content) if path])
    at = content
    for parent in parents:
        at = at[parent]
    if rng.random() < 0.3:
        del at[key]
    else:
        at[key] = rng.choice(VALUES)


def damage(folder, rng):
    """One change at random, of one of the two files."""
    file = folder / rng.choice(["weights.safetensors", "posterior.json"])
    kind, data = rng.choice(["flip", "cut", "add", "json", "gone", "folder"]), bytearray(file.read_bytes())
    if kind == "json":
        content = json.loads((folder / "posterior.json").read_text())
        for _ in range(rng.randint(1, 2)):
            change_json(content, rng)
            if not content:
                break
        (folder / "posterior.json").write_text(json.dumps(content))
    elif kind in ("gone", "folder"):
        file.unlink()
        if kind == "folder":
            file.mkdir()
    else:
        if kind == "flip":
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del data[rng.randrange(len(data)) :]
        else:
            at = rng.randrange(len(data) + 1)
            data[at:at] = rng.randbytes(rng.randint(1, 9))
        file.write_bytes(bytes(data))


def test_random_damage_is_refused_or_changes_nothing(saved, tmp_path):
    folder, posterior, given = saved
    expected, rng, loaded = predictions(posterior), random.Random(0), 0
    assert assert_equal_or_refused(folder, given, expected)
    for number in range(max(1, DAMAGES // len(KINDS))):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        damage(copy, rng)
        loaded += assert_equal_or_refused(copy, given, expected)
        shutil.rmtree(copy)
    assert loaded < max(2, DAMAGES // len(KINDS) / 2)


def test_any_changed_byte_of_the_tensors_is_found(saved, tmp_path):
    folder, posterior, given = saved
    expected, copy = predictions(posterior), tmp_path / "copy"
    shutil.copytree(folder, copy)
    data = (folder / "weights.safetensors").read_bytes()
    for place in range(0, len(data), max(1, len(data) // 40)):
        changed = bytearray(data)
        changed[place] ^= 1
        (copy / "weights.safetensors").write_bytes(changed)
        assert not assert_equal_or_refused(copy, given, expected)


def test_any_changed_setting_is_found(saved, tmp_path):
    folder, posterior, given = saved
    expected, copy = predictions(posterior), tmp_path / "copy"
    shutil.copytree(folder, copy)
    text = (folder / "posterior.json").read_text()
    for path in [path for path in places(json.loads(text)["settings"]) if path]:
        for value in (1, 0.25, "float32", True):
            content = json.loads(text)
            at = content["settings"]
            for parent in path[:-1]:
                at = at[parent]
            same = type(at[path[-1]]) is type(value) and at[path[-1]] == value
            at[path[-1]] = value
            (copy / "posterior.json").write_text(json.dumps(content))
            assert assert_equal_or_refused(copy, given, expected) == same


def rewrite(folder, tensors=None, settings=None):
    """Write other tensors or settings into the folder, with the hashes that belong to them."""
    if tensors is not None:
        save_file(tensors, folder / "weights.safetensors")
    content = json.loads((folder / "posterior.json").read_text())
    content["settings"] = settings or content["settings"]
    content["weights_sha256"] = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    del content["sha256"]
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (folder / "posterior.json").write_text(json.dumps(content))


def changed(value):
    """Each damage that a tensor can have, and its name."""
    if value.is_floating_point():
        for number in (torch.nan, torch.inf):
            other = value.clone()
            other.view(-1)[-1] = number
            yield f"{number}", other
        yield "a wider type", value.to(torch.float64 if value.dtype == torch.float32 else torch.float32)
    yield "one axis more", value[None].clone()
    if value.dim():
        yield "one less", value[:-1].clone()
        yield "one more", torch.cat([value, value[-1:]])
    yield "another type", value.to(torch.int32)


def test_every_tensor_is_checked_where_the_hashes_are_right(saved, tmp_path):
    folder, _, given = saved
    tensors = load_file(folder / "weights.safetensors")
    damages = [("missing", name, None) for name in tensors]
    damages += [(kind, name, value) for name, each in tensors.items() for kind, value in changed(each)]
    allowed = {  # beside infinities in buffers, which may be masks
        ("nan", "examples"),  # some estimators read missing numbers
        ("inf", "threshold"),  # of a leaf
        ("missing", "curvature"),  # that is Laplace's approximation
        ("a wider type", "examples"),
        ("another type", "examples"),
        ("another type", "array"),  # refused when it is read
        *(
            (each, "array") for each in ("nan", "inf", "one less", "one more", "a wider type")
        ),  # checked when it is read
    }
    for number, (kind, name, value) in enumerate([*damages, ("added", "more", torch.zeros(1))]):
        if (
            (kind, name) in allowed
            or (kind == "inf" and "running" in name)
            or (name, "array" in tensors) == ("more", True)
        ):
            continue
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        others = {**tensors, name: value} if value is not None else {k: v for k, v in tensors.items() if k != name}
        rewrite(copy, {each: part.contiguous() for each, part in others.items()})
        with pytest.raises(InputError) as caught:
            pytest.fail(f"{name!r}, {kind}: loaded as {load_posterior(copy, **given)}")
        assert caught.value.__cause__, name
        shutil.rmtree(copy)


def test_settings_are_checked_where_the_hashes_are_right(saved, tmp_path):
    folder, _, given = saved
    settings = json.loads((folder / "posterior.json").read_text())["settings"]
    shutil.copytree(folder, tmp_path / "copy")
    for path in [path for path in places(settings) if path]:
        for value in VALUES:
            others = json.loads(json.dumps(settings))
            at = others
            for parent in path[:-1]:
                at = at[parent]
            at[path[-1]] = value
            rewrite(tmp_path / "copy", settings=others)
            with suppress(LindleyError):
                predictions(load_posterior(tmp_path / "copy", **given))


def test_a_posterior_rewritten_as_it_was_is_loaded(saved, tmp_path):
    folder, posterior, given = saved
    shutil.copytree(folder, tmp_path / "copy")
    rewrite(tmp_path / "copy")
    assert assert_equal_or_refused(tmp_path / "copy", given, predictions(posterior))


def test_the_hash_is_that_of_the_file(saved):
    folder, _, _ = saved
    said = json.loads((folder / "posterior.json").read_text())["weights_sha256"]
    assert said == hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()


@pytest.mark.parametrize("depth", [0, 1, 50])
def test_another_depth_of_a_forest_is_refused(tmp_path, depth):
    save_posterior(fitted(Forest(3)), tmp_path)
    settings = json.loads((tmp_path / "posterior.json").read_text())["settings"]
    assert settings["depth"] not in (0, 1, 50)
    rewrite(tmp_path, settings={**settings, "depth": depth})
    with pytest.raises(InputError):
        load_posterior(tmp_path)


def test_a_network_whose_weights_are_not_finite_is_not_saved(tmp_path):
    module = network()
    module[0].weight.data[0, 0] = torch.nan
    with pytest.raises(InputError) as caught:
        save_posterior(MCDropoutPosterior(module), tmp_path / "model")
    assert caught.value.argument == "0.weight"
    assert not (tmp_path / "model").exists()
