"""What every learner of the catalogue promises: it uses what it is given, or refuses it by name."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from lindley.contracts import Classification, Labels, Regression, TrainingData
from lindley.errors import InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.catalogue import POSTERIORS, build_learner
from lindley.posteriors.dropout.mc_dropout import MCDropout
from lindley.posteriors.head.head import BayesianHead
from lindley.posteriors.head.tuned_learner import TunedLearner
from lindley.posteriors.scikit_learn.bagging import Bagging
from lindley.posteriors.temperature_scaling import TemperatureScaled
from lindley.training.config import TrainingConfig

NUM_LABELS = 20
INPUTS = torch.randn(NUM_LABELS, 2, generator=torch.Generator().manual_seed(0))
POOL = MemoryPool(torch.cat([INPUTS, INPUTS]))
"""Every input twice: a label that counts twice can be told of both."""
AB = Classification(("a", "b"))
CLASSES = (INPUTS[:, 0] + INPUTS[:, 1] ** 2 > 0.5).long()
ROWS = torch.arange(NUM_LABELS)
DATA = TrainingData(POOL, Labels(ROWS, CLASSES), AB)
TWICE = torch.arange(NUM_LABELS) % 3 == 0


def learner(posterior, **options):
    if posterior == "bagging":
        return Bagging(GaussianNB(), 3)
    if POSTERIORS[posterior].extra:
        pytest.importorskip(POSTERIORS[posterior].extra)
    network = moons_mlp if "network" in POSTERIORS[posterior].requires else None
    return build_learner(posterior, network, TrainingConfig(steps=1), members=3, options=options)


NAMES = [*POSTERIORS, "bagging"]
WEIGHING = [*(name for name, spec in POSTERIORS.items() if spec.sample_weight), "bagging"]


@pytest.mark.parametrize("posterior", NAMES)
@pytest.mark.parametrize(
    ("data", "argument"),
    [
        (replace(DATA, validation=Labels([30], [0])), "validation"),
        (replace(DATA, prior=torch.full((len(POOL), 2), -math.log(2.0))), "prior"),
        (replace(DATA, labels=Labels([], [])), "labels"),
        (replace(DATA, labels=Labels([0, 1], [0.5, 1.5]), task=Regression("height")), "task"),
    ],
    ids=["validation", "prior", "no labels", "regression"],
)
def test_what_it_cannot_use_is_refused_rather_than_ignored(posterior, data, argument):
    with pytest.raises(InputError) as caught:
        learner(posterior).fit(data, seed=0)
    assert caught.value.argument == argument


@pytest.mark.parametrize("posterior", [name for name in NAMES if name not in WEIGHING])
def test_a_learner_that_cannot_weigh_refuses_weights_by_its_name(posterior):
    made = learner(posterior)
    weighted = replace(DATA, labels=Labels(ROWS, CLASSES, torch.ones(NUM_LABELS)))
    with pytest.raises(InputError) as caught:
        made.fit(weighted, seed=0)
    assert (caught.value.argument, caught.value.got) == ("sample_weight", type(made).__name__)


@pytest.mark.parametrize("posterior", WEIGHING)
def test_weights_of_one_change_nothing_at_all(posterior):
    options = {"kind": "extra-trees"} if posterior == "forest" else {}  # scikit-learn draws other bootstraps by weights
    weighted = replace(DATA, labels=Labels(ROWS, CLASSES, torch.ones(NUM_LABELS)))
    one, two = (learner(posterior, **options).fit(data, seed=0).draw(3, seed=0) for data in (DATA, weighted))
    assert torch.equal(one.predict(INPUTS).log_probs, two.predict(INPUTS).log_probs)


EXACT = {
    "head": {},
    "head, laplace": {"approximation": "laplace", "prior_precision": 2.0},
    "head, kronecker": {"covariance": "kronecker"},
    "gaussian-process": {"lengthscale": 1.0, "amplitude": 2.0, "approximation": "laplace"},
    "gaussian-process, variational": {"lengthscale": 1.0, "amplitude": 2.0, "approximation": "variational"},
    "forest": {"kind": "extra-trees"},
}
"""Learners whose fit with a weight of 2 is the one with the label told twice; a bootstrap is of other labels then."""


@pytest.mark.parametrize("case", EXACT)
def test_a_label_of_weight_two_counts_as_two_labels(case):
    weights = torch.where(TWICE, 2.0, 1.0)
    weighted = replace(DATA, labels=Labels(ROWS, CLASSES, weights))
    rows, classes = torch.cat([ROWS, NUM_LABELS + ROWS[TWICE]]), torch.cat([CLASSES, CLASSES[TWICE]])
    twice = replace(DATA, labels=Labels(rows, classes))
    name = case.partition(",")[0]
    one, two, plain = (learner(name, **EXACT[case]).fit(data, seed=0) for data in (weighted, twice, DATA))

    def predicted(posterior):
        draws = posterior.draw(3, seed=0) if posterior.point() is None else posterior.point()
        return draws.predict(INPUTS).log_probs

    near = 2e-3 if "variational" in case else 1e-4  # which ends where no probability moves by 1e-3
    torch.testing.assert_close(predicted(one), predicted(two), atol=near, rtol=1e-4)
    assert (predicted(one) - predicted(plain)).abs().max() > 20 * near
    if hasattr(one, "log_evidence"):
        assert one.log_evidence == pytest.approx(two.log_evidence, rel=1e-6)


def test_bags_and_forests_hand_weights_to_scikit_learn_with_the_weights_of_classes():
    weights = torch.where(TWICE, 2.0, 0.5).double()
    data = replace(DATA, labels=Labels(ROWS, CLASSES, weights))
    of_class = torch.tensor([1.0, 4.0]).double()[CLASSES]
    both = weights * of_class * (weights.sum() / (weights * of_class).sum())  # of the weights of classes, 1 on average
    posterior = Bagging(GaussianNB(), 2, pseudo_count=0.0, class_weights=[1.0, 4.0]).fit(data, seed=5)
    places = posterior._training.bootstrap(0)
    alone = GaussianNB().fit(INPUTS.numpy()[places], CLASSES.numpy()[places], both.numpy()[places])
    found = posterior.draw(2, seed=0).predict(INPUTS).log_probs[:, 0].exp()
    torch.testing.assert_close(found, torch.from_numpy(alone.predict_proba(INPUTS.numpy())).float())


def test_the_pseudo_count_weighs_against_the_sum_of_the_weights():
    """(Σw p + pseudo_count · shares) / (Σw + pseudo_count), with p of weights that are all the same as without any."""
    heavy = replace(DATA, labels=Labels(ROWS, CLASSES, torch.full((NUM_LABELS,), 3.0)))
    raw = (
        Bagging(GaussianNB(), 2, pseudo_count=0.0)
        .fit(DATA, seed=5)
        .draw(2, seed=0)
        .predict(INPUTS)
        .log_probs.double()
        .exp()
    )
    counts = torch.tensor([float((each == CLASSES).sum()) for each in (0, 1)]).double()
    shares = (3 * counts + 1) / (3 * NUM_LABELS + 2)
    expected = (3 * NUM_LABELS * raw + 5 * shares) / (3 * NUM_LABELS + 5)
    found = Bagging(GaussianNB(), 2, pseudo_count=5.0).fit(heavy, seed=5)
    torch.testing.assert_close(
        found.draw(2, seed=0).predict(INPUTS).log_probs.double().exp(), expected, atol=1e-6, rtol=1e-6
    )
    again = type(found).from_state_dict(*found.state_dict(), estimator=GaussianNB())
    assert torch.equal(again.draw(2, seed=0).predict(INPUTS).log_probs, found.draw(2, seed=0).predict(INPUTS).log_probs)


def test_an_estimator_that_takes_no_weights_refuses_them():
    from sklearn.neighbors import KNeighborsClassifier

    data = replace(DATA, labels=Labels(ROWS, CLASSES, torch.ones(NUM_LABELS)))
    with pytest.raises(InputError) as caught:
        Bagging(KNeighborsClassifier(1), 2).fit(data, seed=0)
    assert (caught.value.argument, caught.value.got) == ("sample_weight", "KNeighborsClassifier")


def test_learners_made_of_others_hand_all_on_and_refuse_what_those_refuse():
    weights = torch.where(TWICE, 2.0, 1.0)
    rows, classes = torch.cat([ROWS, NUM_LABELS + ROWS[TWICE]]), torch.cat([CLASSES, CLASSES[TWICE]])
    weighted, twice = (replace(DATA, labels=each) for each in (Labels(ROWS, CLASSES, weights), Labels(rows, classes)))
    tuned = TunedLearner([1.0], lambda precision: BayesianHead(torch.clone, prior_precision=precision))
    one, two = (tuned.fit(data, seed=0) for data in (weighted, twice))
    assert one.scores == pytest.approx(two.scores, rel=1e-6)
    for made in (
        TunedLearner([0], lambda _: learner("mc-dropout")),
        TemperatureScaled(learner("mc-dropout"), (1.0, 2.0)),
    ):
        with pytest.raises(InputError) as caught:
            made.fit(weighted, seed=0)
        assert (caught.value.argument, caught.value.got) == ("sample_weight", "MCDropout")


def test_a_temperature_is_judged_by_weighted_labels():
    """Weights of 2 double every score, and weights that differ weigh the log-probabilities of single labels."""

    class Same:
        def fit(self, data, *, previous=None, seed):
            return Bagging(LogisticRegression(), 2).fit(replace(DATA, labels=Labels(ROWS, CLASSES)), seed=1)

    def scores(weights):
        data = replace(DATA, labels=Labels(ROWS, CLASSES, weights))
        return torch.tensor(TemperatureScaled(Same(), (1.0, 2.0), folds=3, num_draws=2).fit(data, seed=0).scores)

    alone = scores(None)
    torch.testing.assert_close(scores(torch.full((NUM_LABELS,), 2.0)), 2 * alone)
    some = scores(torch.where(TWICE, 3.0, 1.0)) - alone
    rest = scores(torch.where(TWICE, 1.0, 3.0)) - alone
    torch.testing.assert_close(some + rest, 2 * alone)
    assert not torch.allclose(some, rest)


def test_weights_of_validation_labels_are_refused():
    stopping = MCDropout(moons_mlp, TrainingConfig(steps=2, patience=1, check_every=1))
    validation = Labels([30, 31], [0, 1])
    stopping.fit(replace(DATA, validation=validation), seed=0)
    weighted = Labels(validation.rows, validation.values, [1.0, 2.0])
    with pytest.raises(InputError) as caught:
        stopping.fit(replace(DATA, validation=weighted), seed=0)
    assert (caught.value.argument, caught.value.got) == ("validation.sample_weight", "MCDropout")


@pytest.mark.parametrize("posterior", NAMES)
def test_what_becomes_of_the_posterior_before_is_documented_and_so(posterior):
    """Where `fit` says that it ignores `previous`, the fit is bit for bit the one without it."""
    made = learner(posterior)
    said = type(made).fit.__doc__
    assert "`previous`" in said
    before, alone = made.fit(DATA, seed=1), made.fit(DATA, seed=0)
    after = made.fit(DATA, previous=before, seed=0)
    if "ignored" in said.partition("`previous`")[2]:
        one, two = (each.draw(3, seed=0).predict(INPUTS).log_probs for each in (alone, after))
        assert torch.equal(one, two)
