"""A prior mean against fits of shifted logits, against the teacher itself, and with columns that mislead."""

import pytest
import torch
from head_problems import labelled_features, normals

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.head import head_fit
from lindley.posteriors.head.head import BayesianHead, HeadPosterior
from lindley.posteriors.head.head_fit import fit_head, left_out_score
from lindley.posteriors.head.prior_mean import prior_gains, sentence_prior_mean, teacher_prior_mean
from lindley.posteriors.head.softmax_regression import find_mode

ABC = Classification(("a", "b", "c"))
NUM_FEATURES = 5


def problem(num_labels, *, num_rows=120):
    """Features, their classes, and training data with the first labels."""
    features, classes = labelled_features(num_rows, NUM_FEATURES, 3)
    labels = Labels(torch.arange(num_labels), classes[:num_labels])
    return features, classes, TrainingData(MemoryPool(features.float()), labels, ABC)


def informative(features, classes):
    """The weights of a linear discriminant of all rows: a teacher who knows."""
    means = torch.stack([features[classes == each].mean(0) for each in range(3)])  # [C, D]
    slopes = means.T / 4  # the classes' variance is 4
    return torch.cat([slopes, -means.square().sum(1)[None] / 8])


def offset_mode(features, classes, offset, *, precision, bias_precision, steps=400):
    """The most probable weights of all classes under logits shifted by an offset, by LBFGS on the written-down density.

    Weights are of the features as they are; their prior mean is 0, since the offset holds it.
    """
    weights = torch.zeros(features.shape[1] + 1, 3, dtype=torch.float64, requires_grad=True)
    design = torch.cat([features - features.mean(0), torch.ones(len(features), 1)], dim=1)
    prior = torch.tensor([precision] * features.shape[1] + [bias_precision], dtype=torch.float64)
    optimiser = torch.optim.LBFGS([weights], max_iter=steps, tolerance_grad=1e-12, tolerance_change=1e-16)

    def loss():
        optimiser.zero_grad()
        of_labels = (design @ weights + offset).log_softmax(1)[torch.arange(len(classes)), classes]
        value = -of_labels.sum() + (prior[:, None] * weights.square()).sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    return weights.detach()


@pytest.mark.parametrize("num_labels", [4, 40])
def test_fit_with_a_prior_mean_is_the_fit_of_shifted_logits(num_labels):
    """The prior of weights about P is the prior about 0 of the logits less x P, also outside the labelled span."""
    features, classes = labelled_features(num_labels, NUM_FEATURES, 3)
    prior_mean, scale = normals(NUM_FEATURES + 1, 3, seed=5), 0.7
    one = torch.ones(NUM_FEATURES, dtype=torch.float64)
    options = {"num_classes": 3, "prior_precision": 2.0, "bias_precision": 0.5}
    fit = fit_head(features, classes, scale=one, prior_mean=prior_mean, prior_scale=scale, **options)

    def offset(rows):
        return scale * (rows @ prior_mean[:-1] + prior_mean[-1])

    deviation = offset_mode(features, classes, offset(features), precision=2.0, bias_precision=0.5)
    new = normals(9, NUM_FEATURES, seed=3)
    expected = offset(new) + (new - features.mean(0)) @ deviation[:-1] + deviation[-1]
    found = HeadPosterior(fit).point().predict(new.float()).log_probs[:, 0]
    torch.testing.assert_close(found, expected.log_softmax(1).float(), atol=1e-5, rtol=1e-5)


def test_prior_mean_of_scaled_features_is_that_of_the_features_themselves():
    """Its weights are of unscaled features: units change the prior's width, not its mean."""
    features, classes, data = problem(0)
    prior_mean = informative(features, classes)
    for scale in ("common", "feature"):
        posterior = BayesianHead(prior_mean=prior_mean, scale=scale).fit(data, seed=0)
        expected = (features @ prior_mean[:-1] + prior_mean[-1]).log_softmax(1)
        found = posterior.point().predict(features.float()).log_probs[:, 0]
        torch.testing.assert_close(found, expected.float(), atol=1e-5, rtol=1e-5)


def test_without_labels_the_head_is_the_teacher_and_draws_spread_by_the_prior():
    features, classes, data = problem(0)
    prior_mean = informative(features, classes)
    posterior = BayesianHead(prior_mean=prior_mean, prior_precision=1e6, bias_precision=1e6).fit(data, seed=0)
    assert posterior.prior_scale == 1.0
    expected = (features @ prior_mean[:-1] + prior_mean[-1]).log_softmax(1).float()
    draws = posterior.draw(20, seed=0).predict(features.float()).log_probs
    torch.testing.assert_close(draws, expected[:, None].expand(-1, 20, -1), atol=0.02, rtol=0)
    wide = BayesianHead(prior_mean=prior_mean, prior_precision=2.0, bias_precision=4.0, scale="common")
    posterior = wide.fit(data, seed=0)
    draws = posterior.draw(4000, seed=0).predict(features[:7].float()).log_probs.double()
    logits = draws - draws.mean(2, keepdim=True)  # [n, K, C], the logits' contrasts
    centred = posterior.features(features[:7].float()).double()
    variance = (centred.square().sum(1) / 2 + 1 / 4) * 2 / 3  # of each centred logit of three classes
    torch.testing.assert_close(logits.var(1), variance[:, None].expand(-1, 3), atol=0, rtol=0.15)
    torch.testing.assert_close(
        logits.mean(1), (expected - expected.mean(1, keepdim=True))[:7].double(), atol=0.2, rtol=0
    )


def test_no_labels_without_a_prior_mean_are_refused():
    with pytest.raises(InputError) as caught:
        BayesianHead().fit(problem(0)[2], seed=0)
    assert caught.value.argument == "labels"


def test_a_good_teacher_is_kept_and_a_permuted_one_left_out():
    features, classes, data = problem(30)
    prior_mean = informative(features, classes)
    good = BayesianHead(prior_mean=prior_mean).fit(data, seed=0)
    permuted = BayesianHead(prior_mean=prior_mean[:, [1, 2, 0]]).fit(data, seed=0)
    plain = BayesianHead(prior_precision="leave-one-out").fit(data, seed=0)

    def nll(posterior):
        log_probs = posterior.point().predict(features[30:].float()).log_probs[:, 0]
        return -log_probs[torch.arange(90), classes[30:]].mean()

    assert good.prior_scale >= 0.5
    assert nll(good) < nll(plain) - 0.05
    assert permuted.prior_scale == 0.0
    assert good.setting["prior_scale"] == good.prior_scale
    assert "prior_scale" not in plain.setting
    torch.testing.assert_close(
        permuted.draw(3, seed=0).predict(features.float()).log_probs,
        plain.draw(3, seed=0).predict(features.float()).log_probs,
        atol=1e-5,
        rtol=1e-5,
    )


def test_the_scale_predicts_the_left_out_labels_best_of_all():
    features, classes, data = problem(40)
    prior_mean = informative(features, classes)
    chosen = BayesianHead(prior_mean=prior_mean, scale="common", prior_precision=8.0).fit(data, seed=0)

    def score(fit):
        return left_out_score(fit.regression, fit.coefficients)

    scores = {0.0: score(BayesianHead(scale="common", prior_precision=8.0).fit(data, seed=0).fit_result)}
    for scale in head_fit.PRIOR_SCALES:
        learner = BayesianHead(prior_mean=prior_mean, prior_scale=scale, scale="common", prior_precision=8.0)
        scores[scale] = score(learner.fit(data, seed=0).fit_result)
    assert chosen.prior_scale == max(scores, key=scores.__getitem__)


def test_folds_stand_in_for_leaving_one_out_where_that_is_dear(monkeypatch):
    """Five folds are refits, so that they are what refits by hand give."""
    _, _, data = problem(30)
    fit = BayesianHead(prior_precision=4.0).fit(data, seed=0).fit_result
    monkeypatch.setattr(head_fit, "is_full", lambda regression: False)
    by_hand = 0.0
    for fold in range(5):
        kept = torch.arange(30) % 5 != fold
        mode = find_mode(fit.regression.take(kept), torch.zeros_like(fit.coefficients))
        log_probs = fit.regression.log_probs(mode)[torch.arange(30), fit.regression.classes]
        by_hand += float(log_probs[~kept].sum())
    assert left_out_score(fit.regression, fit.coefficients) == pytest.approx(by_hand, abs=1e-3)


def test_gains_are_positive_for_columns_that_know_and_negative_for_one_that_misleads():
    features, classes, data = problem(60)
    prior_mean = informative(features, classes)
    helped = BayesianHead(prior_mean=prior_mean, prior_scale=1.0).fit(data, seed=0).prior_gains().sum(0)
    assert (helped > 0).all()
    wrong = prior_mean.clone()
    wrong[:, 1] = -2 * wrong[:, 1]
    gains = BayesianHead(prior_mean=wrong, prior_scale=1.0).fit(data, seed=0).prior_gains().sum(0)
    assert gains.argmin() == 1
    assert gains[1] < 0


@pytest.mark.parametrize("scale", [0.0, 0.5, 2.0])
def test_gains_are_those_over_a_head_with_the_others_average_whatever_scale_was_chosen(scale):
    features, classes, _ = problem(0)
    prior_mean, few = informative(features, classes), slice(0, 40)
    options = {"num_classes": 3, "scale": torch.ones(NUM_FEATURES, dtype=torch.float64), "prior_precision": 2.0}
    fit = fit_head(features[few], classes[few], prior_mean=prior_mean, prior_scale=scale, **options)
    gains = prior_gains(fit)
    assert gains.shape == (40, 3)
    options["prior_precision"] = 4.0 * NUM_FEATURES
    whole = fit_head(features[few], classes[few], prior_mean=prior_mean, prior_scale=1.0, **options)
    for each in range(3):
        without = prior_mean.clone()
        without[:, each] = prior_mean[:, [other for other in range(3) if other != each]].mean(1)
        less = fit_head(features[few], classes[few], prior_mean=without, prior_scale=1.0, **options)
        torch.testing.assert_close(gains[:, each], whole.leave_one_out() - less.leave_one_out(), atol=5e-3, rtol=1e-3)


def test_gains_do_not_change_with_a_constant_added_to_all_classes():
    features, classes, data = problem(30)
    prior_mean = informative(features, classes)
    shifted = prior_mean + normals(NUM_FEATURES + 1, 1, seed=9)
    first, second = (
        BayesianHead(prior_mean=each, prior_scale=1.0).fit(data, seed=0).prior_gains() for each in (prior_mean, shifted)
    )
    torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)


def test_gains_need_a_prior_mean_and_labels():
    features, classes, data = problem(10)
    with pytest.raises(InputError):
        prior_gains(BayesianHead().fit(data, seed=0).fit_result)
    with pytest.raises(InputError):
        BayesianHead(prior_mean=informative(features, classes)).fit(problem(0)[2], seed=0).prior_gains()


@pytest.mark.parametrize("num_labels", [0, 3, 30])
def test_stored_and_restored_it_is_the_same_posterior(num_labels):
    features, classes, data = problem(num_labels)
    posterior = BayesianHead(prior_mean=informative(features, classes), prior_scale=1.0).fit(data, seed=0)
    again = HeadPosterior.from_state_dict(*posterior.state_dict())
    first, second = posterior.draw(5, seed=4), again.draw(5, seed=4)
    assert first.id == second.id
    assert again.setting == posterior.setting
    assert again.log_evidence == posterior.log_evidence
    if num_labels:
        assert torch.equal(again.prior_gains(), posterior.prior_gains())


def test_a_stored_prior_mean_of_other_features_is_refused():
    features, classes, data = problem(10)
    tensors, settings = BayesianHead(prior_mean=informative(features, classes)).fit(data, seed=0).state_dict()
    with pytest.raises(InputError) as caught:
        HeadPosterior.from_state_dict({**tensors, "prior_mean": tensors["prior_mean"][1:]}, settings)
    assert "prior_mean" in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [torch.zeros(4, 3), torch.zeros(5, 2), torch.zeros(5, 3).long(), torch.full((5, 3), torch.nan)]
)
def test_prior_means_of_other_shapes_or_not_finite_are_refused(wrong):
    with pytest.raises(InputError) as caught:
        BayesianHead(prior_mean=wrong).fit(problem(10)[2], seed=0)
    assert caught.value.argument == "prior_mean"


def test_a_prior_mean_may_be_an_array_of_numpy():
    features, classes, data = problem(10)
    prior_mean = informative(features, classes)
    first, second = (BayesianHead(prior_mean=each).fit(data, seed=0) for each in (prior_mean, prior_mean.numpy()))
    assert first.draw(2, seed=0).id == second.draw(2, seed=0).id


def test_previous_head_with_another_scale_gives_the_same_head():
    features, classes, data = problem(40)
    prior_mean = informative(features, classes)
    learner = BayesianHead(prior_mean=prior_mean)
    cold = learner.fit(data, seed=0)
    for before in (learner.fit(problem(0)[2], seed=0), BayesianHead().fit(problem(12)[2], seed=0)):
        warm = learner.fit(data, previous=before, seed=0)
        assert warm.setting == cold.setting
        torch.testing.assert_close(
            warm.point().predict(features.float()).log_probs, cold.point().predict(features.float()).log_probs
        )


def test_sentences_give_logits_of_cosines_less_the_pools_average():
    embeddings = torch.nn.functional.normalize(normals(30, 6), dim=1)
    others = normals(30, 2, seed=1)
    sentences = 3 * normals(4, 6, seed=2)
    features = torch.cat([others, embeddings], dim=1)
    weights = sentence_prior_mean(sentences, features, first=2, cosine_scale=7.0)
    cosines = torch.nn.functional.cosine_similarity(embeddings[:, None], sentences[None], dim=2)  # [n, C]
    logits = features @ weights[:-1] + weights[-1]
    torch.testing.assert_close(logits, 7 * (cosines - cosines.mean(0)))


def test_sentences_of_no_length_or_other_width_are_refused():
    features = normals(5, 6)
    with pytest.raises(InputError) as caught:
        sentence_prior_mean(torch.zeros(2, 6), features)
    assert caught.value.argument == "sentences"
    with pytest.raises(InputError) as caught:
        sentence_prior_mean(torch.ones(2, 6), features, first=1)
    assert caught.value.argument == "features"


def test_a_teachers_log_probabilities_are_predictions_without_labels_and_lift_them_with_few():
    """Answers by row, no function of the features: appended to these, they are the prior mean."""
    features, classes = labelled_features(120, NUM_FEATURES, 3)
    right = torch.nn.functional.one_hot(classes, 3).double()
    teacher = (1.5 * right + normals(120, 3, seed=8)).log_softmax(1)
    both = torch.cat([features, teacher], dim=1).float()
    learner = BayesianHead(prior_mean=teacher_prior_mean(NUM_FEATURES + 3, 3))
    none = TrainingData(MemoryPool(both), Labels([], []), ABC)
    unlabelled = learner.fit(none, seed=0)
    torch.testing.assert_close(unlabelled.point().predict(both).log_probs[:, 0], teacher.float(), atol=1e-5, rtol=1e-5)
    labels = Labels(torch.arange(6), classes[:6])
    log_probs = [
        each.fit(TrainingData(MemoryPool(x), labels, ABC), seed=0).point().predict(x).log_probs[6:, 0]
        for each, x in ((learner, both), (BayesianHead(), features.float()))
    ]
    with_teacher, without = (-each[torch.arange(114), classes[6:]].mean() for each in log_probs)
    assert with_teacher < without - 0.1
