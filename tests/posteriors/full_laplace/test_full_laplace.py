"""Full-network Laplace, held against curvature by autograd and the linear algebra of Gaussians, written anew."""

import importlib.util
import logging
import sys
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, jacrev
from torch.nn.utils import parameters_to_vector

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import FitError, InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.laplace.full_laplace import FullLaplace
from lindley.posteriors.laplace.laplace_package import fit_gaussian, require_package
from lindley.posteriors.laplace.linearised import LinearisedDraws
from lindley.posteriors.laplace.network_gaussian import BlockwiseGaussian
from lindley.training.config import TrainingConfig

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("laplace") is None, reason="laplace-torch is not installed: pip install 'lindley[laplace]'"
)
TASK = Classification(("a", "b", "c"))


def inputs(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().eval()


def softmax():
    return nn.Linear(2, 3)


def deep():
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 3))


def image_network():
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3))


def jacobian(module, values):
    """Of the logits in the weights, in the order of the parameters.  [n, C, P]"""
    weights = {name: value.detach() for name, value in module.named_parameters()}
    each = jacrev(lambda given: functional_call(module, given, (values,)))(weights)
    return torch.cat([part.flatten(2) for part in each.values()], dim=2)


def curvature_of_each(module, values):
    """Jᵀ Λ J of each label's loss, by autograd through the loss.  [n, P, P]"""
    jacobians = jacobian(module, values)
    logits = module(values).detach()
    of_logits = torch.stack([jacrev(jacrev(lambda given: given.logsumexp(0)))(row) for row in logits])
    return torch.einsum("ncp,ncd,ndq->npq", jacobians, of_logits, jacobians)


def covariance_of(gaussian, size):
    """From the deviations that unit noise gives: exact, as they are linear in it.  [P, P]"""
    root = torch.stack([gaussian.multiply_covariance_root(unit) for unit in torch.eye(size)], dim=1)
    return root @ root.T


def fit(make=softmax, rows=12, shape=(2,), seed=0, **options):
    values = inputs(40, *shape)
    labels = Labels(torch.arange(rows), torch.arange(rows) % 3)
    return FullLaplace(make, TrainingConfig(steps=30, learning_rate=1e-2), **options).fit(
        TrainingData(MemoryPool(values), labels, TASK), seed=seed
    )


def blocks(module):
    """Which weights are of one parameter with which.  [P, P]"""
    owner = torch.cat([torch.full((value.numel(),), place) for place, value in enumerate(module.parameters())])
    return owner[:, None] == owner


@needs_package
@pytest.mark.parametrize("make", [softmax, deep])
def test_kron_is_the_exact_curvature_of_each_parameter_for_one_label(make):
    module, values = seeded(make), inputs(1, 2)
    gaussian, *_ = fit_gaussian(module, values, torch.tensor([1]), hessian="kron", prior_precision=0.7, seed=0)
    exact = curvature_of_each(module, values).sum(0) * blocks(module)
    expected = torch.linalg.inv(exact + 0.7 * torch.eye(len(exact)))
    torch.testing.assert_close(covariance_of(gaussian, len(exact)), expected, atol=1e-5, rtol=1e-4)


@needs_package
def test_kron_of_many_labels_multiplies_mean_inputs_with_summed_curvature():
    module, values = seeded(softmax), inputs(300, 2)  # more than one batch
    gaussian, *_ = fit_gaussian(module, values, torch.arange(300) % 3, hessian="kron", prior_precision=0.7, seed=0)
    probs = module(values).detach().softmax(1)
    of_logits = (torch.diag_embed(probs) - probs[:, :, None] * probs[:, None]).sum(0)
    of_weights = torch.kron(of_logits, values.T @ values / 300)
    expected = torch.linalg.inv(torch.block_diag(of_weights, of_logits) + 0.7 * torch.eye(9))
    torch.testing.assert_close(covariance_of(gaussian, 9), expected, atol=1e-5, rtol=1e-3)


@needs_package
@pytest.mark.parametrize(("make", "shape"), [(softmax, (2,)), (deep, (2,)), (image_network, (1, 6, 6))])
def test_diag_is_the_diagonal_of_the_exact_curvature(make, shape):
    module, values = seeded(make), inputs(20, *shape)
    gaussian, *_ = fit_gaussian(module, values, torch.arange(20) % 3, hessian="diag", prior_precision=0.7, seed=0)
    exact = curvature_of_each(module, values).sum(0).diagonal()
    torch.testing.assert_close(gaussian.deviation, (exact + 0.7).rsqrt(), atol=1e-6, rtol=1e-4)


@needs_package
def test_log_evidence_is_that_of_the_gaussian_and_the_prior_chosen_its_maximum():
    module, values, classes = seeded(deep), inputs(30, 2), torch.arange(30) % 3
    exact = curvature_of_each(module, values).sum(0).diagonal().double()
    weights = parameters_to_vector(module.parameters()).detach().double()
    fit_of_labels = -nn.functional.cross_entropy(module(values).double(), classes, reduction="sum").item()

    def expected(precision):
        ratio = (1 + exact / precision).log().sum()
        return fit_of_labels - 0.5 * float(ratio + precision * weights.square().sum())

    options = {"hessian": "diag", "seed": 0}
    _, _, at_two = fit_gaussian(module, values, classes, prior_precision=2.0, **options)
    assert at_two == pytest.approx(expected(2.0), rel=1e-5)
    _, chosen, best = fit_gaussian(module, values, classes, prior_precision=None, **options)
    grid = [float(value) for value in torch.logspace(-3, 5, 4001)]
    assert best >= max(map(expected, grid)) - 1e-3
    assert chosen == pytest.approx(max(grid, key=expected), rel=0.05)


@needs_package
@pytest.mark.parametrize("hessian_of", ["kron", "diag"])
def test_linearised_draws_have_the_mean_and_the_covariance_of_the_linear_model(hessian_of):
    posterior, values = fit(deep, hessian=hessian_of, prior_precision=5.0), inputs(4, 2, seed=3)
    module = posterior._module
    jacobians = jacobian(module, values).flatten(0, 1)
    expected = jacobians @ covariance_of(posterior._gaussian, jacobians.shape[1]) @ jacobians.T
    logits = posterior.draw(4000, seed=1).logits(values)
    scale = expected.diagonal().sqrt()
    wrong = logits.mean(1).flatten() - module(values).detach().flatten()
    assert (wrong.abs() < 4.5 * scale / 4000**0.5).all()
    correlation = torch.cov(logits.transpose(1, 2).flatten(0, 1)) / scale / scale[:, None]
    torch.testing.assert_close(correlation, expected / scale / scale[:, None], atol=0.1, rtol=0)


@needs_package
def test_linearised_draws_of_a_linear_model_are_the_drawn_weights_put_in():
    values = inputs(11, 2, seed=3)
    one, two = (fit(softmax, linearised=way).draw(4, seed=1).predict(values).log_probs for way in (True, False))
    torch.testing.assert_close(one, two)


@needs_package
def test_drawn_weights_put_into_a_deep_network_are_other_draws():
    values = inputs(11, 2, seed=3)
    one, two = (fit(deep, linearised=way).draw(4, seed=1).predict(values).log_probs for way in (True, False))
    assert not torch.allclose(one, two, atol=1e-2)


def test_linearised_draws_are_the_network_and_its_jacobian_times_the_deviation():
    for make, shape in ((deep, (2,)), (image_network, (1, 6, 6))):
        module, values = seeded(make), inputs(5, *shape)
        deviations = inputs(3, sum(value.numel() for value in module.parameters()), seed=1)
        expected = module(values)[:, None] + torch.einsum("ncp,kp->nkc", jacobian(module, values), deviations)
        torch.testing.assert_close(LinearisedDraws(module, deviations).logits(values), expected.detach())


@needs_package
@pytest.mark.parametrize("linearised", [True, False])
def test_a_draw_does_not_depend_on_how_many_there_are(linearised):
    posterior, values = fit(deep, linearised=linearised), inputs(11, 2, seed=3)
    many, few = (posterior.draw(count, seed=1).predict(values).log_probs for count in (5, 2))
    assert torch.equal(many[:, :2], few)
    assert not torch.allclose(posterior.draw(2, seed=2).predict(values).log_probs, few, atol=1e-3)


@needs_package
def test_the_point_is_the_trained_network_and_features_are_its_last():
    posterior, values = fit(deep), inputs(11, 2, seed=3)
    torch.testing.assert_close(
        posterior.point().predict(values).log_probs[:, 0], posterior._module(values).log_softmax(1)
    )
    torch.testing.assert_close(posterior.features(values), posterior._module[:2](values))


@needs_package
@pytest.mark.parametrize("hessian_of", ["kron", "diag"])
def test_images_have_draws_whatever_the_layout_of_the_weights(hessian_of):
    posterior, values = fit(image_network, shape=(1, 6, 6), hessian=hessian_of), inputs(7, 1, 6, 6, seed=3)
    assert posterior.draw(3, seed=0).predict(values).log_probs.isfinite().all()


@needs_package
def test_no_global_state_changes():
    def state():
        numpy = str(np.random.get_state())  # noqa: NPY002
        switches = torch.is_grad_enabled(), torch.get_default_dtype(), logging.getLogger().handlers[:]
        return torch.get_rng_state().tolist(), numpy, *switches

    before = state()
    posterior = fit(deep)
    posterior.draw(3, seed=0).predict(inputs(5, 2))
    assert state() == before


@needs_package
def test_curvature_does_not_need_the_caller_to_ask_for_gradients():
    given = seeded(deep), inputs(6, 2), torch.arange(6) % 3
    options = {"hessian": "kron", "prior_precision": 1.0, "seed": 0}
    gaussian, *_ = fit_gaussian(*given, **options)
    with torch.no_grad():
        without, *_ = fit_gaussian(*given, **options)
    assert torch.equal(covariance_of(gaussian, 27), covariance_of(without, 27))


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "laplace", None)
    with pytest.raises(InputError, match=r"pip install 'lindley\[laplace\]'"):  # golden message: a command to copy
        fit()


def test_a_folder_of_the_packages_name_is_not_taken_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "laplace", types.ModuleType("laplace"))
    with pytest.raises(InputError) as caught:
        fit()
    assert caught.value.argument == "laplace-torch"


def test_a_torchvision_of_another_torch_is_named(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "laplace":
                raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, "laplace", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(InputError) as caught:
        require_package()
    assert caught.value.argument == "laplace-torch"
    assert isinstance(caught.value.__cause__, RuntimeError)


@needs_package
@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)), "BatchNorm1d"),
        (lambda: nn.Sequential(nn.Linear(2, 4).requires_grad_(False), nn.Linear(4, 3)), "0.weight"),
    ],
)
def test_other_layers_and_frozen_weights_are_refused(make, got):
    with pytest.raises(InputError) as caught:
        fit(make)
    assert (caught.value.argument, caught.value.got) == ("network", got)


@pytest.mark.parametrize(
    "options",
    [{"hessian": "full"}, {"prior_precision": 0.0}, {"prior_precision": "evident"}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError) as caught:
        FullLaplace(moons_mlp, **options)
    assert caught.value.argument == next(iter(options))


def test_class_weights_are_refused_rather_than_ignored():
    with pytest.raises(InputError) as caught:
        FullLaplace(softmax, TrainingConfig(steps=1, class_weights=(1.0, 2.0, 3.0))).fit(
            TrainingData(MemoryPool(inputs(5, 2)), Labels(torch.arange(3), torch.arange(3)), TASK), seed=0
        )
    assert caught.value.argument == "class_weights"


@needs_package
def test_an_evidence_that_is_not_finite_is_an_error():
    module = seeded(softmax)
    module.weight.data[0, 0] = float("nan")
    with pytest.raises(FitError):
        fit_gaussian(module, inputs(6, 2), torch.arange(6) % 3, hessian="diag", prior_precision=1.0, seed=0)


def test_a_block_of_two_factors_is_their_kronecker_product_and_the_prior():
    def factor(size, seed):
        root = inputs(size, size, seed=seed)
        values, vectors = torch.linalg.eigh(root @ root.T)
        return root @ root.T, (vectors, values)

    (rows, row_factor), (columns, column_factor), (bias, bias_factor) = (
        factor(*each) for each in ((2, 1), (3, 2), (4, 3))
    )
    gaussian = BlockwiseGaussian([[row_factor, column_factor], [bias_factor]], 0.5)
    expected = torch.linalg.inv(torch.block_diag(torch.kron(rows, columns), bias) + 0.5 * torch.eye(10))
    torch.testing.assert_close(covariance_of(gaussian, 10), expected, atol=1e-4, rtol=1e-4)
