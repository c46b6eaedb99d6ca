import math
import pickle

import pytest
import torch
from head_problems import labelled_features

from lindley.contracts import Classification, FeatureExtractor, Labels, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.information import bald
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head import gaussian_weights
from lindley.posteriors.head.head import UNITS, BayesianHead, HeadPosterior, draw_weights

ABC = Classification(("a", "b", "c"))


def data(num_rows=80, num_features=6, num_classes=3):
    features, classes = labelled_features(num_rows, num_features, num_classes)
    return features.float(), classes


def fit(num_labels=30, num_features=6, *, task=ABC, **options):
    features, classes = data(num_features=num_features)
    labels = Labels(torch.arange(num_labels), classes[:num_labels])
    return BayesianHead(**options).fit(TrainingData(MemoryPool(features), labels, task), seed=0), features


def test_it_is_a_learner_with_a_posterior_that_has_features():
    posterior, _ = fit()
    assert isinstance(BayesianHead(), Learner)
    assert isinstance(posterior, Posterior)
    assert isinstance(posterior, FeatureExtractor)


def test_draws_are_softmax_regressions_of_the_sampled_weights():
    posterior, features = fit()
    log_probs = posterior.draw(4, seed=2).predict(features).log_probs
    weights = draw_weights(posterior.fit_result, 4, seed=2)  # [K, D + 1, M]
    contrasts = posterior.fit_result.regression.contrasts
    read = posterior.features(features).double()
    logits = torch.einsum("nd,kdm,cm->nkc", read, weights[:, :-1], contrasts) + weights[:, -1] @ contrasts.T
    torch.testing.assert_close(log_probs, logits.log_softmax(-1).float(), atol=1e-5, rtol=1e-5)


def test_a_draw_does_not_depend_on_how_many_there_are():
    posterior, features = fit()
    few, many = (
        posterior.draw(2, seed=1).predict(features).log_probs,
        posterior.draw(7, seed=1).predict(features).log_probs,
    )
    torch.testing.assert_close(few, many[:, :2])
    assert not torch.allclose(few, posterior.draw(2, seed=3).predict(features).log_probs)


@pytest.mark.parametrize("num_labels", [4, 30])
@pytest.mark.parametrize("covariance", ["full", "kronecker"])
@pytest.mark.parametrize("approximation", ["variational", "laplace"])
def test_samples_have_the_posteriors_mean_and_covariance(num_labels, covariance, approximation):
    """Also where fewer labels than features leave directions to the prior: there the variance is its own."""
    posterior, _ = fit(num_labels, covariance=covariance, approximation=approximation)
    found = posterior.fit_result
    weights = draw_weights(found, 5_000, seed=0)  # [K, D + 1, M]
    basis, contrasts = found.coordinates.basis, weights.shape[2]
    lift = torch.block_diag(basis, torch.ones(1, 1, dtype=torch.float64))  # [D + 1, R + 1]
    lift = torch.block_diag(*[lift] * contrasts)
    unreached = torch.block_diag(torch.eye(6) - basis @ basis.T, torch.zeros(1, 1)) / found.prior_precision
    expected = lift @ found.gaussian.covariance() @ lift.T + torch.block_diag(*[unreached] * contrasts)
    samples = weights.mT.flatten(1)  # [K, M (D + 1)]
    mean = found.coordinates.to_features(found.mean).T.flatten()
    deviation = expected.diagonal().sqrt()
    assert ((samples.mean(0) - mean) / deviation).abs().max() < 5 / 5_000**0.5
    assert ((samples.T.cov() - expected) / deviation.outer(deviation)).abs().max() < 7 / 5_000**0.5


def test_dense_way_in_all_features_is_the_way_through_the_labelled_rows():
    """With four labels of six features: the posterior of logits by the whole covariance in the features' own space."""
    posterior, features = fit(4, prior_precision=2.0, approximation="laplace")
    found = posterior.fit_result
    scaled = ((features.double() - found.coordinates.origin) / found.coordinates.scale)[:4]
    design = torch.cat([scaled, torch.ones(4, 1)], dim=1)  # [L, D + 1]
    basis = found.regression.contrasts
    probs = found.regression.log_probs(found.coefficients).exp()
    curvature = torch.stack([basis.T @ (p.diag() - p.outer(p)) @ basis for p in probs])
    hessian = torch.einsum("li,lj,lab->aibj", design, design, curvature).reshape(14, 14)
    hessian += torch.tensor([2.0] * 6 + [0.1]).repeat(2).diag()
    new = torch.cat([torch.randn(5, 6, dtype=torch.float64), torch.ones(5, 1)], dim=1)
    dense = torch.einsum("ni,aibj,nj->nab", new, torch.linalg.inv(hessian).view(2, 7, 2, 7), new)
    turned = torch.cat([new[:, :-1] @ found.coordinates.basis, new[:, -1:]], dim=1)
    inside = found.gaussian.output_covariance(turned)
    left = (new[:, :-1].square().sum(1) - turned[:, :-1].square().sum(1)) / 2.0
    torch.testing.assert_close(inside + left[:, None, None] * torch.eye(2, dtype=torch.float64), dense)


def test_point_is_the_most_probable_head():
    posterior, features = fit()
    found = posterior.fit_result
    logits = found.coordinates.design(features) @ found.coefficients @ found.regression.contrasts.T
    torch.testing.assert_close(posterior.point().predict(features).log_probs[:, 0], logits.log_softmax(1).float())


def test_draws_of_laplace_are_about_the_most_probable_weights_and_variational_ones_are_not():
    laplace, variational = (fit(approximation=name)[0].fit_result for name in ("laplace", "variational"))
    assert torch.equal(laplace.mean, laplace.coefficients)
    assert torch.equal(variational.coefficients, laplace.coefficients)
    assert not torch.allclose(variational.mean, laplace.mean, atol=1e-2)


def test_scales_and_offsets_of_features_make_no_difference():
    features, classes = data()
    labels = Labels(torch.arange(30), classes[:30])
    units = torch.tensor([1e-3, 1.0, 50.0, 1e4, 7.0, 0.2])
    other = features * units + torch.tensor([0.003, -1.0, 20.0, 0.0, 1.0, 0.0])
    first, second = (
        BayesianHead(scale="feature").fit(TrainingData(MemoryPool(x), labels, ABC), seed=0).point().predict(x).log_probs
        for x in (features, other)
    )
    torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)


def turned_predictions(scale):
    """Log-probabilities of a head, and those of a head on the same features turned: points and draws' averages."""
    features, classes = data()
    features = features * torch.tensor([1.0, 5.0, 0.2, 2.0, 0.5, 1.0])
    turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(3))).Q
    labels = Labels(torch.arange(30), classes[:30])
    for x in (features, features @ turn):
        posterior = BayesianHead(scale=scale, approximation="laplace").fit(
            TrainingData(MemoryPool(x), labels, ABC), seed=0
        )
        assert posterior.scale == scale
        mean = posterior.draw(2000, seed=0).predict(x).log_probs.logsumexp(1) - math.log(2000)
        yield posterior.point().predict(x).log_probs[:, 0], mean


def test_rotations_of_features_make_no_difference_to_one_common_scale_and_do_to_one_for_each_feature():
    (point, mean), (turned_point, turned_mean) = turned_predictions("common")
    torch.testing.assert_close(point, turned_point, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mean.exp(), turned_mean.exp(), atol=0.05, rtol=0)  # other draws of the same Gaussian
    (point, _), (turned_point, _) = turned_predictions("feature")
    assert (point - turned_point).abs().max() > 0.1


def test_the_scale_is_that_of_the_larger_evidence():
    """One strong direction among weak ones of noise, and columns of other units, of which a small one tells classes."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(200) % 3
    means = 2 * torch.randn(3, 2, generator=generator)[classes] + torch.randn(200, 2, generator=generator)
    noise = torch.randn(200, 60, generator=generator)
    components = torch.cat([3 * means, 0.05 * noise], dim=1)
    columns = torch.cat([0.01 * means, 100 * noise[:, :3]], dim=1)
    labels = Labels(torch.arange(40), classes[:40])
    for features, expected in ((components, "common"), (columns, "feature")):
        training = TrainingData(MemoryPool(features), labels, ABC)
        evidence = {name: BayesianHead(scale=name).fit(training, seed=0).log_evidence for name in UNITS}
        chosen = BayesianHead().fit(training, seed=0)
        assert chosen.scale == expected == max(evidence, key=evidence.__getitem__)
        assert chosen.setting == {"scale": expected, "prior_precision": chosen.prior_precision}
        alone = BayesianHead(scale=expected).fit(training, seed=0)
        assert torch.equal(
            alone.draw(3, seed=1).predict(features).log_probs, chosen.draw(3, seed=1).predict(features).log_probs
        )


def test_constant_features_survive_and_say_nothing():
    features, classes = data()
    labels = Labels(torch.arange(30), classes[:30])
    with_constant = torch.cat([features, torch.full((80, 1), 0.1)], dim=1)
    first = BayesianHead(prior_precision=1.0).fit(TrainingData(MemoryPool(features), labels, ABC), seed=0)
    second = BayesianHead(prior_precision=1.0).fit(TrainingData(MemoryPool(with_constant), labels, ABC), seed=0)
    torch.testing.assert_close(
        second.point().predict(with_constant).log_probs, first.point().predict(features).log_probs
    )
    assert second.draw(3, seed=0).predict(with_constant).log_probs.isfinite().all()


def test_images_are_read_as_long_vectors():
    features, classes = data()
    labels = Labels(torch.arange(30), classes[:30])
    images = features.view(80, 1, 2, 3)
    posterior = BayesianHead().fit(TrainingData(MemoryPool(images), labels, ABC), seed=0)
    flat = BayesianHead().fit(TrainingData(MemoryPool(features), labels, ABC), seed=0)
    assert torch.equal(
        posterior.draw(3, seed=0).predict(images).log_probs, flat.draw(3, seed=0).predict(features).log_probs
    )


def test_features_are_made_by_a_function():
    features, classes = data()
    labels = Labels(torch.arange(30), classes[:30])
    posterior = BayesianHead(torch.sin).fit(TrainingData(MemoryPool(features), labels, ABC), seed=0)
    made = BayesianHead().fit(TrainingData(MemoryPool(features.sin()), labels, ABC), seed=0)
    assert torch.equal(
        posterior.draw(3, seed=0).predict(features).log_probs, made.draw(3, seed=0).predict(features.sin()).log_probs
    )
    assert posterior.features(features).shape == (80, 6)


def test_a_class_without_labels_is_improbable_but_possible():
    task = Classification(("a", "b", "c", "never"))
    posterior, features = fit(30, task=task)
    average = posterior.point().predict(features).log_probs[:30, 0, 3].exp().mean()
    assert 1e-4 < average < 1 / 10
    certain = posterior.draw(100, seed=0).predict(features).log_probs[:30, :, 3].exp().mean()
    assert 1e-4 < certain < 1 / 4


def test_separable_labels_leave_finite_and_unsure_predictions():
    features = torch.tensor([[-1.0], [1.0], [-1.2], [1.1]]).repeat(1, 50)
    labels = Labels(torch.arange(4), torch.tensor([0, 1, 0, 1]))
    posterior = BayesianHead().fit(TrainingData(MemoryPool(features), labels, Classification(("a", "b"))), seed=0)
    probs = posterior.draw(200, seed=0).predict(features).log_probs.exp().mean(1)
    assert (probs[torch.arange(4), labels.values] > 0.6).all()
    assert probs.max() < 0.9999


def test_one_label_is_enough_to_fit():
    posterior, features = fit(1)
    assert posterior.draw(5, seed=0).predict(features).log_probs.isfinite().all()
    assert posterior.point().predict(features).log_probs[0, 0].argmax() == data()[1][0]


def test_more_labels_leave_less_to_learn():
    few, features = fit(10, prior_precision=1.0)
    many, _ = fit(80, prior_precision=1.0)
    assert (
        bald(many.draw(50, seed=0).predict(features).log_probs).mean()
        < bald(few.draw(50, seed=0).predict(features).log_probs).mean() / 2
    )


def test_class_weights_share_out_the_same_total():
    features, classes = data()
    chosen = torch.cat([(classes == 0).nonzero()[:6, 0], (classes == 1).nonzero()[:12, 0]])
    weighted = BayesianHead(prior_precision=1.0, class_weights=[2.0, 1.0, 1.0]).fit(
        TrainingData(MemoryPool(features), Labels(chosen, classes[chosen]), ABC), seed=0
    )
    found = weighted.fit_result.regression
    torch.testing.assert_close(found.sample_weight.sum(), torch.tensor(18.0, dtype=torch.float64))
    torch.testing.assert_close(found.sample_weight[0] / found.sample_weight[-1], torch.tensor(2.0, dtype=torch.float64))
    plain = BayesianHead(prior_precision=1.0).fit(
        TrainingData(MemoryPool(features), Labels(chosen, classes[chosen]), ABC), seed=0
    )

    def of_first(posterior):
        return posterior.point().predict(features).log_probs[:, 0, 0].exp().mean()

    assert of_first(weighted) > of_first(plain) + 0.02


def test_previous_head_gives_the_same_head():
    features, classes = data()
    before, _ = fit(20)
    labels = Labels(torch.arange(40), classes[:40])
    pool = MemoryPool(features)
    warm = BayesianHead().fit(TrainingData(pool, labels, ABC), previous=before, seed=0)
    cold = BayesianHead().fit(TrainingData(pool, labels, ABC), seed=0)
    torch.testing.assert_close(
        warm.draw(3, seed=0).predict(features).log_probs, cold.draw(3, seed=0).predict(features).log_probs
    )


def test_stored_and_restored_it_is_the_same_posterior():
    for covariance in ("full", "kronecker"):
        posterior, features = fit(covariance=covariance)
        again = HeadPosterior.from_state_dict(*posterior.state_dict())
        first, second = posterior.draw(5, seed=4), again.draw(5, seed=4)
        assert first.id == second.id
        assert torch.equal(first.predict(features).log_probs, second.predict(features).log_probs)
        assert again.log_evidence == posterior.log_evidence


def test_draws_pickle_without_the_labels():
    posterior, features = fit(80)
    draws = posterior.draw(2, seed=0)
    pickled = pickle.dumps(draws)
    assert torch.equal(pickle.loads(pickled).predict(features).log_probs, draws.predict(features).log_probs)
    assert len(pickled) < 4000


def test_nan_of_an_input_stays_in_its_row():
    posterior, features = fit()
    features[3, 2] = torch.nan
    bad = posterior.draw(3, seed=0).predict(features).log_probs.isnan()
    assert bad[3].all()
    assert bad.sum() == bad[3].numel()


def test_other_numbers_of_features_are_refused():
    posterior, features = fit()
    with pytest.raises(InputError) as caught:
        posterior.draw(2, seed=0).predict(features[:, :5])
    assert (caught.value.argument, caught.value.got) == ("inputs", [len(features), 5])


def test_labelled_rows_that_are_not_finite_are_named():
    features, classes = data()
    features[2, 1] = torch.inf
    with pytest.raises(InputError) as caught:
        BayesianHead().fit(TrainingData(MemoryPool(features), Labels(torch.arange(9), classes[:9]), ABC), seed=0)
    assert (caught.value.argument, caught.value.rows) == ("features", (2,))


def test_pool_rows_that_are_not_finite_are_named():
    features, classes = data()
    features[12, 1] = torch.nan
    with pytest.raises(InputError) as caught:
        BayesianHead().fit(TrainingData(MemoryPool(features), Labels(torch.arange(9), classes[:9]), ABC), seed=0)
    assert (caught.value.argument, caught.value.rows) == ("features", (12,))


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"scale": "each"}, "scale"),
        ({"prior_scale": "evidence"}, "prior_scale"),
        ({"prior_precision": 0.0}, "prior_precision"),
        ({"prior_precision": "largest"}, "prior_precision"),
        ({"bias_precision": -1.0}, "bias_precision"),
        ({"covariance": "diagonal"}, "covariance"),
        ({"approximation": "exact"}, "approximation"),
        ({"class_weights": [1.0, 2.0]}, "class_weights"),
        ({"features": lambda inputs: inputs[:, 0]}, "features"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, argument):
    with pytest.raises(InputError) as caught:
        fit(**options)
    assert caught.value.argument == argument


def test_validation_labels_and_no_draws_are_refused():
    features, classes = data()
    labels = Labels(torch.arange(9), classes[:9])
    with pytest.raises(InputError) as caught:
        BayesianHead().fit(TrainingData(MemoryPool(features), labels, ABC, validation=Labels([10], [0])), seed=0)
    assert caught.value.argument == "validation"
    with pytest.raises(InputError) as caught:
        fit()[0].draw(0, seed=0)
    assert caught.value.argument == "num_draws"


def test_a_head_in_single_precision_is_fitted_the_same_under_the_callers_autocast(monkeypatch):
    monkeypatch.setattr(gaussian_weights, "DOUBLE_LIMIT", 10)
    features = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(30), torch.arange(30) % 3)

    def log_probs():
        posterior = BayesianHead().fit(
            TrainingData(MemoryPool(features), labels, Classification(("a", "b", "c"))), seed=0
        )
        return posterior.draw(5, seed=1).predict(features).log_probs

    plain = log_probs()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(log_probs(), plain)
