import pickle

import pytest
import torch
from latent_problems import dense_covariance, dense_curvature

from lindley.contracts import Classification, FeatureExtractor, Labels, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.information import bald
from lindley.pools.memory import MemoryPool
from lindley.posteriors.gaussian_process import classifier
from lindley.posteriors.gaussian_process.classifier import GaussianProcess, GaussianProcessPosterior
from lindley.posteriors.gaussian_process.kernels import correlation
from lindley.posteriors.head.softmax_regression import contrasts

ABC = Classification(("a", "b", "c"))


def data(rows=80):
    inputs = torch.randn(rows, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 0.1]) + 5
    return inputs, (inputs[:, 0] > 4).long() + (inputs[:, 0] > 6).long()


def fit(num_labels=20, *, task=ABC, **options):
    inputs, classes = data()
    labels = Labels(torch.arange(num_labels), classes[:num_labels])
    return GaussianProcess(**options).fit(TrainingData(MemoryPool(inputs), labels, task), seed=0), inputs


def test_it_is_a_learner_with_a_posterior_that_has_features():
    posterior, inputs = fit()
    assert isinstance(GaussianProcess(), Learner)
    assert isinstance(posterior, Posterior)
    assert isinstance(posterior, FeatureExtractor)
    expected = (inputs - inputs[:20].mean(0)) / inputs.std(0, correction=0) / posterior.lengthscales
    torch.testing.assert_close(posterior.features(inputs), expected.float(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("approximation", ["laplace", "variational"])
def test_latent_functions_have_the_mean_and_covariance_of_the_gaussian(approximation):
    """At labelled and other inputs, jointly over inputs and classes; in contrasts, as only these decide predictions."""
    posterior, inputs = fit(7, approximation=approximation, lengthscale=1.2, amplitude=2.0)
    fitted, basis = posterior.fit_result, contrasts(3)
    points = (inputs[5:10].double() - fitted.origin) / fitted.scale / fitted.parameters.lengthscales
    known, crossed = fitted.classifier.covariance, 4 * correlation(fitted.kernel, points, fitted.inputs_in_lengthscales)
    if approximation == "laplace":
        curvature = dense_curvature(fitted.classifier, known @ fitted.coefficients)
    else:
        curvature = torch.block_diag(*(basis @ fitted.curvature @ basis.T))
    prior, across = dense_covariance(known, 3), dense_covariance(crossed, 3)
    explained = across @ torch.linalg.solve(torch.eye(21, dtype=torch.float64) + curvature @ prior, curvature)
    covariance = dense_covariance(4 * correlation(fitted.kernel, points, points), 3) - explained @ across.T
    lift = torch.block_diag(*[basis.T] * 5)
    mean = (crossed @ fitted.coefficients @ basis).flatten()
    parts = [fitted.sample(250, seed=seed)(points).view(5, 3, 250) for seed in range(30)]
    found = torch.cat([torch.einsum("nck,cm->nmk", part, basis).flatten(0, 1) for part in parts], dim=1)  # [10, J]
    number, expected = found.shape[1], lift @ covariance @ lift.T
    deviation = expected.diagonal().sqrt()
    assert ((found.mean(1) - mean) / deviation).abs().max() < 5 / number**0.5
    assert ((found.cov() - expected) / deviation.outer(deviation)).abs().max() < 7 / number**0.5


def test_draws_are_softmaxes_of_their_latent_functions():
    posterior, inputs = fit()
    functions = posterior.fit_result.sample(4, seed=2)
    values = functions(
        (inputs.double() - posterior.fit_result.origin) / posterior.fit_result.scale / posterior.lengthscales
    )
    expected = values.view(80, 3, 4).transpose(1, 2).log_softmax(2).float()
    torch.testing.assert_close(posterior.draw(4, seed=2).predict(inputs).log_probs, expected)


def test_a_draw_is_one_function_in_any_order_and_block(monkeypatch):
    posterior, inputs = fit()
    few, many = posterior.draw(2, seed=1), posterior.draw(7, seed=1)
    whole = many.predict(inputs).log_probs
    torch.testing.assert_close(few.predict(inputs).log_probs, whole[:, :2])
    order = torch.randperm(80, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(many.predict(inputs[order]).log_probs, whole[order])
    monkeypatch.setattr(classifier, "_BLOCK_ROWS", 7)
    torch.testing.assert_close(many.predict(inputs).log_probs, whole)
    assert not torch.allclose(posterior.draw(7, seed=2).predict(inputs).log_probs, whole)


def test_mean_of_the_latent_functions_is_the_point():
    posterior, inputs = fit()
    fitted = posterior.fit_result
    points = (inputs.double() - fitted.origin) / fitted.scale / fitted.parameters.lengthscales
    crossed = posterior.amplitude**2 * correlation(fitted.kernel, points, fitted.inputs_in_lengthscales)
    expected = (crossed @ fitted.coefficients).log_softmax(1).float()
    torch.testing.assert_close(posterior.point().predict(inputs).log_probs[:, 0], expected)


def test_predictions_learn_and_are_unsure_far_away():
    posterior, inputs = fit(40)
    probs = posterior.draw(200, seed=0).predict(inputs).log_probs.exp().mean(1)
    assert (probs.argmax(1) == data()[1])[40:].float().mean() > 0.85
    far = posterior.draw(500, seed=0).predict(torch.tensor([[900.0, 7.0]])).log_probs.exp().mean(1)
    assert (far - 1 / 3).abs().max() < 0.07


def test_more_labels_leave_less_to_learn():
    options = {"lengthscale": 1.0, "amplitude": 2.0}
    (few, inputs), (many, _) = fit(5, **options), fit(60, **options)
    few_score, many_score = (
        bald(posterior.draw(100, seed=0).predict(inputs).log_probs).mean() for posterior in (few, many)
    )
    assert many_score < few_score / 1.5


def test_a_class_without_labels_and_a_single_label_are_enough():
    task = Classification(("a", "b", "c", "never"))
    posterior, inputs = fit(20, task=task)
    assert 1e-4 < posterior.draw(100, seed=0).predict(inputs).log_probs[:20, :, 3].exp().mean() < 0.25
    posterior, inputs = fit(1)
    assert posterior.draw(5, seed=0).predict(inputs).log_probs.isfinite().all()


def test_class_weights_move_predictions():
    options = {"lengthscale": 1.0, "amplitude": 2.0}
    plain, inputs = fit(**options)
    heavy, _ = fit(**options, class_weights=[5.0, 1.0, 1.0])
    of_first = [posterior.point().predict(inputs).log_probs[:, 0, 0].exp().mean() for posterior in (plain, heavy)]
    assert of_first[1] > of_first[0] + 0.02


def test_large_problems_take_laplaces_gaussian(monkeypatch):
    monkeypatch.setattr(classifier, "MAX_UNKNOWNS", 39)
    assert fit(20)[0].fit_result.curvature is None
    assert fit(19)[0].fit_result.curvature is not None
    assert fit(20, approximation="variational")[0].fit_result.curvature is not None


@pytest.mark.parametrize("approximation", ["laplace", "variational"])
def test_stored_and_restored_it_is_the_same_posterior(approximation):
    posterior, inputs = fit(approximation=approximation, ard=True, kernel="rbf")
    again = GaussianProcessPosterior.from_state_dict(*posterior.state_dict())
    first, second = posterior.draw(5, seed=4), again.draw(5, seed=4)
    assert first.id == second.id
    assert torch.equal(first.predict(inputs).log_probs, second.predict(inputs).log_probs)
    assert again.log_evidence == posterior.log_evidence


def test_draws_pickle():
    posterior, inputs = fit()
    draws = posterior.draw(3, seed=0)
    again = pickle.loads(pickle.dumps(draws))
    assert again.id == draws.id
    assert torch.equal(again.predict(inputs).log_probs, draws.predict(inputs).log_probs)


def test_features_are_made_by_a_function_and_units_make_no_difference():
    inputs, classes = data()
    labels = Labels(torch.arange(20), classes[:20])
    first = GaussianProcess().fit(TrainingData(MemoryPool(inputs), labels, ABC), seed=0)
    moved = inputs.double() * torch.tensor([1e3, 1e-3]) + torch.tensor([1.0, 1e2])
    second = GaussianProcess().fit(TrainingData(MemoryPool(moved), labels, ABC), seed=0)
    torch.testing.assert_close(
        second.draw(3, seed=0).predict(moved).log_probs,
        first.draw(3, seed=0).predict(inputs).log_probs,
        atol=1e-3,
        rtol=1e-3,
    )
    made = GaussianProcess(torch.sin).fit(TrainingData(MemoryPool(inputs), labels, ABC), seed=0)
    read = GaussianProcess().fit(TrainingData(MemoryPool(inputs.sin()), labels, ABC), seed=0)
    assert torch.equal(
        made.draw(2, seed=0).predict(inputs).log_probs, read.draw(2, seed=0).predict(inputs.sin()).log_probs
    )


def test_nothing_global_changes_and_a_callers_no_grad_is_no_hindrance():
    before = torch.get_rng_state()
    with torch.no_grad():
        posterior, inputs = fit()
    posterior.draw(3, seed=0).predict(inputs)
    assert torch.equal(torch.get_rng_state(), before)


def test_nan_of_an_input_stays_in_its_row():
    posterior, inputs = fit()
    inputs[3, 1] = torch.nan
    bad = posterior.draw(3, seed=0).predict(inputs).log_probs.isnan()
    assert bad[3].all()
    assert bad.sum() == bad[3].numel()


def test_extreme_inputs_give_no_nan_and_no_rows_no_predictions():
    posterior, _ = fit()
    draws = posterior.draw(3, seed=0)
    assert draws.predict(torch.tensor([[1e30, -1e30], [0.0, 0.0]])).log_probs.isfinite().all()
    assert draws.predict(torch.zeros(0, 2)).log_probs.shape == (0, 3, 3)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"kernel": "linear"}, "kernel"),
        ({"frequencies": 0}, "frequencies"),
        ({"lengthscale": 0.0}, "lengthscale"),
        ({"amplitude": "auto"}, "amplitude"),
        ({"approximation": "ep"}, "approximation"),
        ({"class_weights": [1.0]}, "class_weights"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, argument):
    with pytest.raises(InputError) as caught:
        fit(**options)
    assert caught.value.argument == argument


def test_what_it_cannot_do_is_refused(monkeypatch):
    posterior, inputs = fit()
    with pytest.raises(InputError) as caught:
        posterior.draw(0, seed=0)
    assert caught.value.argument == "num_draws"
    with pytest.raises(InputError) as caught:
        posterior.draw(1, seed=0).predict(inputs[:, :1])
    assert (caught.value.argument, caught.value.got) == ("inputs", [len(inputs), 1])
    labels = Labels(torch.arange(9), data()[1][:9])
    with pytest.raises(InputError) as caught:
        GaussianProcess().fit(TrainingData(MemoryPool(inputs), labels, ABC, validation=Labels([10], [0])), seed=0)
    assert caught.value.argument == "validation"
    bad = inputs.clone()
    bad[12, 1] = torch.nan
    with pytest.raises(InputError) as caught:
        GaussianProcess().fit(TrainingData(MemoryPool(bad), labels, ABC), seed=0)
    assert caught.value.rows == (12,)
    bad[2, 1] = torch.nan
    with pytest.raises(InputError) as caught:
        GaussianProcess().fit(TrainingData(MemoryPool(bad), labels, ABC), seed=0)
    assert caught.value.rows == (2,)
    monkeypatch.setattr(classifier, "MAX_ELEMENTS", 1000)
    with pytest.raises(InputError) as caught:
        fit(20)
    assert (caught.value.argument, caught.value.got) == ("labels", 20)
