import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from lindley.contracts import Classification, FeatureExtractor, Labels, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.pools.memory import MemoryPool
from lindley.posteriors.scikit_learn.bagging import Bagging, BaggingPosterior
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.seeds import numpy_generator

ABC = Classification(("a", "b", "c"))


class ListPool:
    """Rows of anything that can be indexed."""

    def __init__(self, inputs):
        self.inputs = inputs

    def __len__(self):
        return self.inputs.shape[0] if hasattr(self.inputs, "shape") else len(self.inputs)

    def read(self, rows):
        return [self.inputs[row] for row in rows] if isinstance(self.inputs, list) else self.inputs[rows.numpy()]


class Guesses(ClassifierMixin, BaseEstimator):
    """Draws from NumPy's global generator, and has no random_state."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        self.probs_ = np.random.dirichlet(np.ones(len(self.classes_)))  # noqa: NPY002
        return self

    def predict_proba(self, x):
        return np.repeat(self.probs_[None], len(x), 0)


def data(rows=120):
    table = torch.randn(rows, 4, generator=torch.Generator().manual_seed(0))
    return table, (table[:, 0] > 0).long() + (table[:, 1] > 0.3).long()


def fit(estimator, num_labels=30, *, task=ABC, seed=0, pool=None, **options):
    table, classes = data()
    labels = Labels(torch.arange(num_labels), classes[:num_labels])
    learner = Bagging(estimator, **{"members": 6, **options})
    return learner.fit(TrainingData(MemoryPool(table) if pool is None else pool, labels, task), seed=seed)


def test_it_is_a_learner_whose_posterior_has_no_features():
    posterior = fit(GaussianNB())
    assert isinstance(Bagging(GaussianNB()), Learner)
    assert isinstance(posterior, Posterior)
    assert not isinstance(posterior, FeatureExtractor)
    assert posterior.point() is None


def test_draws_are_fits_to_bootstraps_with_their_own_seeds():
    table, classes = data()
    log_probs = fit(GaussianNB(), pseudo_count=0.0).draw(6, seed=9).predict(table).log_probs
    for k in range(6):
        places = numpy_generator(0, "bootstrap", k).integers(30, size=30)
        alone = GaussianNB().fit(table.numpy()[places], classes.numpy()[places])
        expected = torch.from_numpy(alone.predict_proba(table.numpy()))
        torch.testing.assert_close(log_probs[:, k].exp(), expected.float())


def test_probabilities_are_mixed_with_the_shares_of_the_classes():
    table, classes = data()
    plain, mixed = (
        fit(GaussianNB(), pseudo_count=pseudo_count).draw(6, seed=0).predict(table).log_probs.exp()
        for pseudo_count in (0.0, 3.0)
    )
    shares = torch.stack([(classes[:30] == c).sum() + 1 for c in range(3)]) / 33
    torch.testing.assert_close(mixed, (30 * plain + 3 * shares) / 33)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        KNeighborsClassifier(3),
        DecisionTreeClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
)
def test_estimators_of_many_kinds_give_normalised_predictions_and_stay_as_they_are(estimator):
    table, _ = data()
    before = repr(estimator.get_params())
    log_probs = fit(estimator).draw(6, seed=0).predict(table).log_probs
    assert log_probs.shape == (120, 6, 3)
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(120, 6))
    assert repr(estimator.get_params()) == before
    assert not hasattr(estimator, "classes_")


def test_classes_that_a_bootstrap_or_the_labels_lack_have_their_column():
    table, _ = data()
    task = Classification(("none", "a", "b"))
    labels = Labels(torch.arange(8), torch.tensor([1, 1, 1, 1, 1, 1, 1, 2]))
    for pseudo_count in (1.0, 0.0):
        posterior = Bagging(GaussianNB(), 12, pseudo_count).fit(TrainingData(MemoryPool(table), labels, task), seed=0)
        log_probs = posterior.draw(12, seed=0).predict(table).log_probs
        torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(120, 12))
        assert log_probs[:, :, 0].isneginf().all() == (pseudo_count == 0)
        assert (log_probs[:, :, 0].exp() < 0.02).all()


def test_bootstraps_of_one_class_are_drawn_again():
    table, _ = data()
    labels = Labels(torch.arange(2), torch.tensor([0, 2]))
    posterior = Bagging(LogisticRegression(), 20).fit(TrainingData(MemoryPool(table), labels, ABC), seed=0)
    probs = posterior.draw(20, seed=0).predict(table[:2]).log_probs.exp()
    assert (probs[0, :, 0] > probs[0, :, 2]).all()
    assert (probs[1, :, 2] > probs[1, :, 0]).all()


def test_labels_of_one_class_make_members_that_say_so():
    table, _ = data()
    labels = Labels(torch.arange(4), torch.ones(4, dtype=torch.int64))
    posterior = Bagging(LogisticRegression(), 2).fit(TrainingData(MemoryPool(table), labels, ABC), seed=0)
    probs = posterior.draw(2, seed=0).predict(table).log_probs.exp()
    torch.testing.assert_close(probs[5, 0], (torch.tensor([0.0, 4.0, 0.0]) + torch.tensor([1, 5, 1]) / 7) / 5)


def test_every_random_state_is_set_by_the_seed():
    table, _ = data()
    estimator = make_pipeline(StandardScaler(), MLPClassifier((3,), max_iter=1))
    with pytest.warns(match="iterations"):
        one, two, other = (fit(estimator, seed=seed, members=2).draw(2, seed=0) for seed in (1, 1, 2))
    assert torch.equal(one.predict(table).log_probs, two.predict(table).log_probs)
    assert one.id == two.id != other.id
    assert not torch.equal(one.predict(table).log_probs, other.predict(table).log_probs)


def test_estimators_that_draw_from_the_global_generator_are_repeated_and_it_stays():
    before, torches = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    one, two = (fit(Guesses()).draw(6, seed=0) for _ in range(2))
    assert one.id == two.id
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torches)
    log_probs = one.predict(data()[0]).log_probs
    assert not torch.equal(log_probs[:, 0], log_probs[:, 1])


def test_sparse_matrices_and_arrays_are_what_dense_tensors_are():
    table, _ = data()
    expected = fit(LogisticRegression()).draw(6, seed=0).predict(table).log_probs
    sparse = fit(LogisticRegression(), pool=ListPool(csr_array(table.numpy()))).draw(6, seed=0)
    torch.testing.assert_close(sparse.predict(csr_array(table.numpy())).log_probs, expected, atol=1e-3, rtol=1e-3)
    array = fit(LogisticRegression(), pool=ListPool(table.numpy())).draw(6, seed=0)
    assert torch.equal(array.predict(table.numpy()).log_probs, expected)


def texts():
    return [f"{'good' if row % 2 else 'bad'} film {'é' * (row % 5)}" for row in range(40)]


def of_texts():
    estimator = make_pipeline(CountVectorizer(), MultinomialNB())
    labels = Labels(torch.arange(12), torch.arange(12) % 2)
    posterior = Bagging(estimator, 5).fit(
        TrainingData(ListPool(texts()), labels, Classification(("bad", "good"))), seed=0
    )
    return estimator, posterior


def test_pipelines_read_texts():
    _, posterior = of_texts()
    answers = posterior.draw(5, seed=0).predict(texts()).log_probs.mean(1).argmax(1)
    assert torch.equal(answers, torch.arange(40) % 2)


def test_class_weights_are_sample_weights():
    table, classes = data()
    weighted = (
        fit(GaussianNB(), pseudo_count=0.0, class_weights=[1.0, 4.0, 2.0]).draw(6, seed=0).predict(table).log_probs
    )
    places = numpy_generator(0, "bootstrap", 0).integers(30, size=30)
    of_label = torch.tensor([1.0, 4.0, 2.0]).double()[classes[:30]]
    of_label = (of_label / of_label.mean()).numpy()[places]
    alone = GaussianNB().fit(table.numpy()[places], classes.numpy()[places], of_label)
    torch.testing.assert_close(weighted[:, 0].exp(), torch.from_numpy(alone.predict_proba(table.numpy())).float())


@pytest.mark.parametrize("kind", ["table", "sparse", "texts", "weighted"])
def test_stored_and_restored_it_is_fitted_again_to_the_same_posterior(kind):
    table, _ = data()
    if kind == "texts":
        estimator, posterior = of_texts()
        inputs, members = texts(), 5
    else:
        estimator, inputs, members = GaussianNB(), table, 6
        if kind == "sparse":
            estimator, inputs = LogisticRegression(), csr_array(table.numpy())
        weights = [1.0, 2.0, 3.0] if kind == "weighted" else None
        pool = ListPool(inputs) if kind == "sparse" else None
        posterior = fit(estimator, class_weights=weights, pool=pool)
    again = BaggingPosterior.from_state_dict(*posterior.state_dict(), estimator=estimator)
    first, second = posterior.draw(members, seed=0), again.draw(members, seed=0)
    assert first.id == second.id
    assert torch.equal(first.predict(inputs).log_probs, second.predict(inputs).log_probs)


def test_it_is_saved_without_pickle_and_loaded_with_its_estimator(tmp_path):
    estimator, posterior = of_texts()
    save_posterior(posterior, tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} == {".safetensors", ".json"}
    again = load_posterior(tmp_path, estimator=estimator)
    assert torch.equal(
        again.draw(5, seed=0).predict(texts()).log_probs, posterior.draw(5, seed=0).predict(texts()).log_probs
    )
    with pytest.raises(InputError) as caught:
        load_posterior(tmp_path)
    assert caught.value.__cause__.argument == "estimator"


def test_restoring_needs_the_estimator_and_notices_another():
    tensors, settings = fit(LogisticRegression(C=1.0)).state_dict()
    with pytest.raises(InputError) as caught:
        BaggingPosterior.from_state_dict(tensors, settings)
    assert caught.value.argument == "estimator"
    with pytest.raises(InputError) as caught:
        BaggingPosterior.from_state_dict(tensors, settings, estimator=LogisticRegression(C=0.5))
    assert (caught.value.argument, caught.value.got) == ("estimator", "LogisticRegression")


def test_draws_pickle():
    draws, table = fit(LogisticRegression()).draw(4, seed=0), data()[0]
    again = pickle.loads(pickle.dumps(draws))
    assert again.id == draws.id
    assert torch.equal(again.predict(table).log_probs, draws.predict(table).log_probs)


@pytest.mark.parametrize(
    ("estimator", "options", "argument"),
    [
        (SVC(), {}, "estimator"),
        (Perceptron(), {}, "estimator"),
        (GaussianNB, {}, "estimator"),
        (object(), {}, "estimator"),
        (KNeighborsClassifier(), {"class_weights": [1.0, 1.0, 1.0]}, "class_weights"),
        (GaussianNB(), {"class_weights": [1.0]}, "class_weights"),
        (GaussianNB(), {"members": 0}, "members"),
        (GaussianNB(), {"pseudo_count": -1.0}, "pseudo_count"),
    ],
)
def test_what_cannot_be_used_is_refused(estimator, options, argument):
    with pytest.raises(InputError) as caught:
        fit(estimator, **options)
    assert caught.value.argument == argument


def test_draws_that_are_not_there_and_validation_labels_are_refused():
    with pytest.raises(InputError) as caught:
        fit(GaussianNB()).draw(7, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 7)
    table, classes = data()
    labels = Labels(torch.arange(9), classes[:9])
    with pytest.raises(InputError) as caught:
        Bagging(GaussianNB()).fit(TrainingData(MemoryPool(table), labels, ABC, validation=Labels([10], [0])), seed=0)
    assert caught.value.argument == "validation"


def test_a_predict_proba_of_another_shape_is_refused():
    class Wide(Guesses):
        def predict_proba(self, x):
            return np.full((len(x), 7), 1 / 7)

    with pytest.raises(InputError) as caught:
        fit(Wide()).draw(6, seed=0).predict(data()[0])
    assert (caught.value.argument, caught.value.got) == ("predict_proba of Wide", [1, 7])


def test_what_predict_proba_raises_is_an_error_that_names_the_estimator():
    pool, labels = MemoryPool(torch.randn(20, 2)), Labels(torch.arange(4), torch.tensor([0, 1, 0, 1]))
    with pytest.raises(InputError) as caught:
        Bagging(KNeighborsClassifier(5), members=2).fit(TrainingData(pool, labels, ABC), seed=0).draw(
            2, seed=0
        ).predict(torch.randn(3, 2))
    assert (caught.value.argument, caught.value.got) == ("estimator", "KNeighborsClassifier")
