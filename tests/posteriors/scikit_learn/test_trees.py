import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from lindley.posteriors.scikit_learn.trees import _round_down, convert_trees


def data(rows=300, columns=6):
    generator = np.random.default_rng(0)
    table = generator.standard_normal((rows, columns)).astype(np.float32)
    return table, (table[:, 0] * table[:, 1] > 0) + 2 * (table[:, 2] > 0.5)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("labels", [2, 40, 300])
def test_rows_arrive_where_scikit_learn_sends_them(kind, labels):
    table, classes = data()
    fitted = kind(7, random_state=0).fit(table[:labels], classes[:labels]).estimators_
    trees, orders = convert_trees(fitted)
    places = trees.leaves(table[:, trees.columns])
    for k, (estimator, order) in enumerate(zip(fitted, orders, strict=True)):
        np.testing.assert_array_equal(order[places[:, k] - trees.roots[k]], estimator.apply(table))


def test_rows_on_a_threshold_and_beside_it_go_the_same_way():
    table, classes = data()
    fitted = (
        ExtraTreesClassifier(5, random_state=1).fit(table, classes).estimators_
    )  # thresholds between float32 numbers
    trees, orders = convert_trees(fitted)
    for k, (estimator, order) in enumerate(zip(fitted, orders, strict=True)):
        tree = estimator.tree_
        for node in np.flatnonzero(tree.feature >= 0):
            near = np.float32(tree.threshold[node])
            row = np.zeros((3, 6), dtype=np.float32)
            row[:, tree.feature[node]] = near, np.nextafter(near, np.float32(-9)), np.nextafter(near, np.float32(9))
            places = trees.subset([k]).leaves(row[:, trees.columns])[:, 0]
            np.testing.assert_array_equal(order[places - trees.roots[k]], estimator.apply(row))


def test_thresholds_are_rounded_down():
    exact = np.array([0.1, -0.1, 1.0, 1e-50])
    rounded = _round_down(exact)
    assert rounded.dtype == np.float32
    assert (rounded <= exact).all()
    assert (np.nextafter(rounded, np.float32(np.inf)) > exact).all()


def test_blocks_make_no_difference(monkeypatch):
    table, classes = data()
    trees, _ = convert_trees(RandomForestClassifier(7, random_state=0).fit(table, classes).estimators_)
    whole = trees.leaves(table[:, trees.columns])
    monkeypatch.setattr("lindley.posteriors.scikit_learn.trees._BLOCK", 50)
    np.testing.assert_array_equal(trees.leaves(table[:, trees.columns]), whole)


def test_a_tree_that_never_splits_sends_all_rows_to_its_root():
    table, _ = data()
    trees, _ = convert_trees(RandomForestClassifier(3, random_state=0).fit(table, np.zeros(300)).estimators_)
    assert trees.leaves(table[:4, trees.columns]).tolist() == [[0, 1, 2]] * 4
