import pickle

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.ensemble import RandomForestClassifier

from lindley.contracts import Classification, FeatureExtractor, Labels, Learner, Posterior, TrainingData
from lindley.errors import InputError
from lindley.information import bald, predictive_entropy
from lindley.pools.memory import MemoryPool
from lindley.posteriors.scikit_learn.forest import Forest, ForestPosterior
from lindley.seeds import derive_seed

ABC = Classification(("a", "b", "c"))


class SparsePool:
    def __init__(self, matrix):
        self.matrix = matrix

    def __len__(self):
        return self.matrix.shape[0]

    def read(self, rows):
        return self.matrix[rows.numpy()]


def data(rows=200, columns=5):
    table = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0))
    return table, (table[:, 0] > 0).long() + (table[:, 1] > 0.3).long()


def fit(num_labels=40, *, task=ABC, seed=0, **options):
    table, classes = data()
    labels = Labels(torch.arange(num_labels), classes[:num_labels])
    return Forest(**{"trees": 12, **options}).fit(TrainingData(MemoryPool(table), labels, task), seed=seed), table


def test_it_is_a_learner_whose_posterior_has_no_features():
    posterior, _ = fit()
    assert isinstance(Forest(), Learner)
    assert isinstance(posterior, Posterior)
    assert not isinstance(posterior, FeatureExtractor)
    assert posterior.point() is None


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 5.0]])
def test_leaves_are_the_counts_of_scikit_learns_trees_and_the_prior(weights):
    posterior, table = fit(pseudo_count=0.7, min_samples_leaf=3, class_weights=weights)
    classes = data()[1][:40]
    of_label = torch.ones(40) if weights is None else torch.tensor(weights)[classes]
    of_label = (of_label / of_label.mean()).double()
    grown = RandomForestClassifier(12, min_samples_leaf=3, random_state=derive_seed(0, "forest") % 2**32)
    grown.fit(table[:40].numpy(), classes.numpy(), None if weights is None else of_label.numpy())
    shares = torch.stack([of_label[classes == c].sum() + 1 for c in range(3)]) / 43
    log_probs = posterior.draw(12, seed=3).predict(table).log_probs
    for k, tree in enumerate(grown.estimators_):
        leaf = tree.apply(table.numpy())
        n = torch.from_numpy(tree.tree_.weighted_n_node_samples[leaf])[:, None]
        counts = torch.from_numpy(tree.tree_.value[leaf, 0]) * n
        torch.testing.assert_close(log_probs[:, k], ((counts + 0.7 * shares) / (n + 0.7)).log().float())


def test_smoothed_leaves_keep_bald_below_entropy_where_trees_disagree():
    posterior, table = fit(pseudo_count=0.1)
    log_probs = posterior.draw(12, seed=0).predict(table).log_probs
    answers = log_probs.argmax(2)
    disagree = (answers != answers[:, :1]).any(1)
    assert 20 < disagree.sum() < 200
    score, entropy = bald(log_probs)[disagree], predictive_entropy(log_probs)[disagree]
    assert (score < entropy - 0.02).all()
    assert (score > 0.01).all()


def test_pure_leaves_make_bald_the_entropy():
    posterior, table = fit(pseudo_count=0.0)
    log_probs = posterior.draw(12, seed=0).predict(table).log_probs
    assert log_probs.isneginf().any()
    assert not log_probs.isnan().any()
    torch.testing.assert_close(bald(log_probs), predictive_entropy(log_probs))


def test_classes_without_labels_have_their_column_and_are_possible():
    task = Classification(("never", "a", "b", "c", "nor I"))
    table, classes = data()
    labels = Labels(torch.arange(40), classes[:40] + 1)
    log_probs = (
        Forest(5).fit(TrainingData(MemoryPool(table), labels, task), seed=0).draw(5, seed=0).predict(table).log_probs
    )
    assert log_probs.shape == (200, 5, 5)
    torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(200, 5))
    assert (log_probs.exp()[:, :, [0, 4]] < 0.01).all()
    assert log_probs.isfinite().all()


def test_labels_of_one_class_make_a_forest_that_says_so():
    table, _ = data()
    labels = Labels(torch.arange(5), torch.ones(5, dtype=torch.int64))
    log_probs = (
        Forest(4).fit(TrainingData(MemoryPool(table), labels, ABC), seed=0).draw(4, seed=0).predict(table).log_probs
    )
    assert (log_probs.argmax(2) == 1).all()


@pytest.mark.parametrize("kind", ["random-forest", "extra-trees"])
def test_sparse_rows_have_the_same_trees_and_predictions(kind, monkeypatch):
    monkeypatch.setattr("lindley.posteriors.scikit_learn.forest._DENSE_BYTES", 300)
    table, classes = data()
    table[table.abs() < 0.8] = 0.0
    labels = Labels(torch.arange(40), classes[:40])
    dense = Forest(6, kind).fit(TrainingData(MemoryPool(table), labels, ABC), seed=0)
    sparse = Forest(6, kind).fit(TrainingData(SparsePool(csr_array(table.numpy())), labels, ABC), seed=0)
    expected = dense.draw(6, seed=0).predict(table).log_probs
    torch.testing.assert_close(dense.draw(6, seed=0).predict(csr_array(table.numpy())).log_probs, expected)
    agree = (
        (sparse.draw(6, seed=0).predict(csr_array(table.numpy())).log_probs.argmax(2) == expected.argmax(2))
        .float()
        .mean()
    )
    assert agree > 0.75  # columns are looked at in another order, so splits that tie may differ


def test_draws_of_all_are_the_trees_in_order_and_of_fewer_some_of_them():
    posterior, table = fit()
    whole = posterior.draw(12, seed=0).predict(table).log_probs
    assert torch.equal(posterior.draw(12, seed=5).predict(table).log_probs, whole)
    few = posterior.draw(3, seed=1).predict(table).log_probs
    places = [next(k for k in range(12) if torch.equal(whole[:, k], few[:, j])) for j in range(3)]
    assert places == sorted(set(places))
    assert posterior.draw(3, seed=1).id != posterior.draw(3, seed=2).id


def test_stored_and_restored_it_is_the_same_posterior():
    posterior, table = fit()
    again = ForestPosterior.from_state_dict(*posterior.state_dict())
    first, second = posterior.draw(7, seed=4), again.draw(7, seed=4)
    assert first.id == second.id
    assert torch.equal(first.predict(table).log_probs, second.predict(table).log_probs)


def test_draws_pickle_without_scikit_learn():
    posterior, table = fit()
    pickled = pickle.dumps(posterior.draw(12, seed=0))
    assert b"sklearn" not in pickled
    assert torch.equal(
        pickle.loads(pickled).predict(table).log_probs, posterior.draw(12, seed=0).predict(table).log_probs
    )


def test_seeds_decide_and_global_generators_stay():
    before, torches = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    one, two, other = (fit(seed=seed)[0].draw(12, seed=0) for seed in (1, 1, 2))
    assert one.id == two.id != other.id
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torches)


def test_images_are_read_as_long_vectors():
    table, classes = data(columns=6)
    labels = Labels(torch.arange(40), classes[:40])
    flat = Forest(4).fit(TrainingData(MemoryPool(table), labels, ABC), seed=0).draw(4, seed=0)
    images = Forest(4).fit(TrainingData(MemoryPool(table.view(200, 1, 2, 3)), labels, ABC), seed=0).draw(4, seed=0)
    assert flat.id == images.id
    assert torch.equal(images.predict(table.view(200, 1, 2, 3)).log_probs, flat.predict(table).log_probs)


def test_no_rows_have_no_predictions():
    posterior, table = fit()
    assert posterior.draw(12, seed=0).predict(table[:0]).log_probs.shape == (0, 12, 3)
    assert posterior.draw(12, seed=0).predict(csr_array(table[:0].numpy())).log_probs.shape == (0, 12, 3)


def test_nan_of_an_input_stays_in_its_row():
    posterior, table = fit()
    table[3, 2] = torch.nan
    for inputs in (table, csr_array(table.numpy())):
        bad = posterior.draw(12, seed=0).predict(inputs).log_probs.isnan()
        assert bad[3].all()
        assert bad.sum() == bad[3].numel()


def test_labelled_rows_that_are_not_finite_are_named():
    table, classes = data()
    table[2, 1] = torch.inf
    labels = Labels(torch.arange(9), classes[:9])
    for pool in (MemoryPool(table), SparsePool(csr_array(table.numpy()))):
        with pytest.raises(InputError) as caught:
            Forest().fit(TrainingData(pool, labels, ABC), seed=0)
        assert (caught.value.argument, caught.value.rows) == ("inputs", (2,))


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"pseudo_count": -1.0}, "pseudo_count"),
        ({"kind": "oak"}, "kind"),
        ({"trees": 0}, "trees"),
        ({"class_weights": [1.0]}, "class_weights"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, argument):
    with pytest.raises(InputError) as caught:
        fit(**options)
    assert caught.value.argument == argument


def test_what_cannot_be_drawn_or_read_is_refused():
    posterior, table = fit()
    for number in (0, 13):
        with pytest.raises(InputError) as caught:
            posterior.draw(number, seed=0)
        assert (caught.value.argument, caught.value.got) == ("num_draws", number)
    with pytest.raises(InputError) as caught:
        posterior.draw(2, seed=0).predict(table[:, :4])
    assert (caught.value.argument, caught.value.got) == ("inputs", [len(table), 4])
    with pytest.raises(InputError) as caught:
        posterior.draw(2, seed=0).predict(["a", "b"])
    assert (caught.value.argument, caught.value.got) == ("inputs", "a sequence")
    labels = Labels(torch.arange(9), data()[1][:9])
    with pytest.raises(InputError) as caught:
        Forest().fit(TrainingData(MemoryPool(table), labels, ABC, validation=Labels([10], [0])), seed=0)
    assert caught.value.argument == "validation"
