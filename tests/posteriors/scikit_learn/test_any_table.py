"""Bagging over tables of every type and estimators of every habit: the draws are those of a plain table."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC, LinearSVC

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import InputError
from lindley.posteriors.scikit_learn.bagging import Bagging
from lindley.posteriors.scikit_learn.forest import Forest
from lindley.posteriors.storage import load_posterior, save_posterior
from lindley.seeds import numpy_generator

AB = Classification(("a", "b"))
RNG = np.random.default_rng(0)
NUMBERS = RNG.integers(-8, 8, size=(60, 2)) / 4
COLOURS = RNG.choice(["red", "green", "blue", "grün\ud800"], 60)
CLASSES = torch.from_numpy(((NUMBERS[:, 0] > 0) ^ (COLOURS == "red")).astype(np.int64))


class Pool:
    def __init__(self, inputs):
        self.inputs = inputs

    def __len__(self):
        return 60

    def read(self, rows):
        return [self.inputs[row] for row in rows] if isinstance(self.inputs, list) else self.inputs[rows.numpy()]


def fit(estimator, inputs, *, classes=CLASSES, task=AB, labels=20, **options):
    rows = torch.arange(labels)
    learner = Bagging(estimator, **{"members": 4, **options})
    return learner.fit(TrainingData(Pool(inputs), Labels(rows, classes[:labels]), task), seed=0)


def draws(posterior, inputs, members=4):
    return posterior.draw(members, seed=0).predict(Pool(inputs).read(torch.arange(60))).log_probs


def one_hot(column):
    encoder = ColumnTransformer([("c", OneHotEncoder(handle_unknown="ignore"), [column])], remainder="passthrough")
    return make_pipeline(encoder, LogisticRegression())


def as_float(table):
    return table.astype(float)


OBJECTS = np.column_stack([NUMBERS.astype(object), COLOURS.astype(object)])
CODES = np.column_stack([NUMBERS, np.unique(COLOURS, return_inverse=True)[1]])
WORDS = [f"{colour} {'apple' if number > 0 else 'pear'}" for colour, number in zip(COLOURS, NUMBERS[:, 0], strict=True)]
COUNTED = CountVectorizer(token_pattern=r"\S+")
DICTIONARIES = [
    {"colour": str(colour), "first": float(number[0])} for colour, number in zip(COLOURS, NUMBERS, strict=True)
]
WHOLE = (NUMBERS > 0).astype(int)
MISSING = np.where(OBJECTS == "blue", None, OBJECTS)

# Each with an estimator, and with inputs of plain numbers that say the same to another.
TABLES = {
    "objects": (one_hot(2), OBJECTS, one_hot(2), CODES),
    "texts [N, 1]": (one_hot(0), COLOURS[:, None], one_hot(0), CODES[:, 2:]),
    "objects with None": (
        make_pipeline(FunctionTransformer(lambda table: (table == None).astype(float)), LogisticRegression()),  # noqa: E711
        MISSING,
        LogisticRegression(),
        (OBJECTS == "blue").astype(float),
    ),
    "texts [N]": (make_pipeline(COUNTED, LogisticRegression()), np.array(WORDS), *[None] * 2),
    "objects [N]": (make_pipeline(COUNTED, LogisticRegression()), np.array(WORDS, dtype=object), *[None] * 2),
    "list of texts": (make_pipeline(COUNTED, LogisticRegression()), WORDS, *[None] * 2),
    "bytes [N, 1]": (one_hot(0), np.char.encode(np.where(COLOURS == "red", "r", "s"))[:, None], *[None] * 2),
    "dictionaries": (
        make_pipeline(DictVectorizer(sparse=False, sort=False), LogisticRegression()),
        DICTIONARIES,
        *[None] * 2,
    ),
    "sparse": (LogisticRegression(), csr_array(NUMBERS), *[None] * 2),
    **{
        f"numbers, {dtype}": (
            make_pipeline(FunctionTransformer(as_float), LogisticRegression()),
            WHOLE.astype(dtype),
            *[None] * 2,
        )
        for dtype in (">f8", "<f8", ">f4", "f2", ">i2", "u4", ">u8", "g", "?", "M8[s]", "O", "U8")
    },
    "read-only": (LogisticRegression(), np.broadcast_to(NUMBERS[:, :1], (60, 2)), *[None] * 2),
    "column-major": (LogisticRegression(), np.asfortranarray(NUMBERS), LogisticRegression(), NUMBERS),
}


@pytest.mark.parametrize("name", TABLES)
def test_any_table_gives_draws_and_comes_back_from_a_folder(name, tmp_path):
    estimator, inputs, plain, numbers = TABLES[name]
    before = inputs.copy()
    posterior = fit(estimator, inputs)
    log_probs = draws(posterior, inputs)
    torch.testing.assert_close(log_probs.exp().sum(2), torch.ones(60, 4))
    if plain is not None:
        torch.testing.assert_close(log_probs, draws(fit(plain, numbers), numbers), atol=1e-4, rtol=1e-4)
    save_posterior(posterior, tmp_path)
    again = load_posterior(tmp_path, estimator=estimator)
    assert again.draw(4, seed=0).id == posterior.draw(4, seed=0).id
    assert torch.equal(draws(again, inputs), log_probs)
    same = (before != inputs) if isinstance(inputs, csr_array) else None
    assert (same.nnz == 0) if same is not None else np.array_equal(np.array(before), np.array(inputs))


@pytest.mark.parametrize("dtype", [">f8", ">f4", "<f8", "O"])
def test_byte_order_and_type_change_nothing(dtype):
    plain = NUMBERS.astype({">f4": "f4"}.get(dtype, "f8"))
    expected = draws(fit(GaussianNB(), plain), plain)
    assert torch.equal(draws(fit(GaussianNB(), NUMBERS.astype(dtype)), NUMBERS.astype(dtype)), expected)


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        ([b"bytes"] * 60, "a bytes"),
        ([{0: 1.0}] * 60, "the key 0, which is no text"),
        ([[1, {"a": (2,)}]] * 60, "a tuple"),
        ([1 + 2j] * 60, "a complex"),
        (np.array([[np.longdouble(1)]] * 60, dtype=object), "a longdouble"),
        (np.zeros((60, 1), dtype=[("a", "f8")]), "records, [('a', '<f8')]"),
        (np.ma.masked_array(NUMBERS, NUMBERS > 0), "MaskedArray"),
    ],
)
def test_what_could_not_be_saved_is_refused_before_the_training(inputs, got):
    class NeverFitted(GaussianNB):
        def fit(self, x, y):
            pytest.fail("was fitted")

    with pytest.raises(InputError) as caught:
        fit(NeverFitted(), inputs)
    assert (caught.value.argument, caught.value.got) == ("inputs", got)


@pytest.mark.parametrize("inputs", [OBJECTS, COLOURS[:, None], NUMBERS.astype(str), NUMBERS.astype(complex), WORDS])
def test_forests_read_numbers_and_nothing_else(inputs):
    with pytest.raises(InputError) as caught:
        Forest(4).fit(TrainingData(Pool(inputs), Labels(torch.arange(20), CLASSES[:20]), AB), seed=0)
    assert (caught.value.argument, caught.value.expected[:18]) == ("inputs", "a table of numbers")


def test_forests_read_any_byte_order():
    labels = Labels(torch.arange(20), CLASSES[:20])
    one, two = (
        draws(Forest(4).fit(TrainingData(Pool(table), labels, AB), seed=0), table)
        for table in (NUMBERS, NUMBERS.astype(">f8"))
    )
    assert torch.equal(one, two)


class FromZero(ClassifierMixin, BaseEstimator):
    """Takes no classes but 0 to k - 1, as XGBoost's do."""

    def fit(self, x, y):
        expected = np.arange(len(np.unique(y)))
        if not np.array_equal(np.unique(y), expected):
            raise ValueError(f"Invalid classes inferred from unique values of `y`. Expected: {expected}")
        self.within_ = LogisticRegression().fit(x, y)
        self.classes_ = expected
        return self

    def predict_proba(self, x):
        return self.within_.predict_proba(x)


class WithoutClasses(FromZero):
    """Does not say of which classes its columns are."""

    def fit(self, x, y):
        super().fit(x, y)
        del self.classes_
        return self


class OnlyOnceFitted(FromZero):
    """Has predict_proba once it is fitted."""

    def __init__(self):
        self.final_estimator = None

    def __getattribute__(self, name):
        if name == "predict_proba" and "within_" not in vars(self):
            raise AttributeError(name)
        return super().__getattribute__(name)


ABC = Classification(("a", "b", "c"))
WITH_A_GAP = CLASSES * 2


@pytest.mark.parametrize("estimator", [FromZero(), WithoutClasses(), OnlyOnceFitted(), make_pipeline(FromZero())])
@pytest.mark.parametrize(("classes", "task"), [(CLASSES, AB), (WITH_A_GAP, ABC), (1 + CLASSES, ABC)])
def test_estimators_of_every_habit_predict_what_a_plain_one_does(estimator, classes, task):
    one, two = (
        draws(fit(each, NUMBERS, task=task, classes=classes), NUMBERS) for each in (estimator, LogisticRegression())
    )
    assert torch.equal(one, two)


def test_weights_of_classes_stay_with_their_classes():
    weights = {0: 1.0, 1: 1.0, 2: 50.0}
    for estimator in (
        LogisticRegression(class_weight=weights),
        make_pipeline(LogisticRegression(class_weight=weights)),
    ):
        log_probs = draws(fit(estimator, NUMBERS, task=ABC, classes=WITH_A_GAP, pseudo_count=0.0), NUMBERS)
        for member in range(4):
            places = numpy_generator(0, "bootstrap", member).integers(20, size=20)
            alone = LogisticRegression(class_weight=weights).fit(NUMBERS[places], WITH_A_GAP.numpy()[places])
            expected = torch.from_numpy(alone.predict_proba(NUMBERS)).float()
            torch.testing.assert_close(log_probs[:, member, [0, 2]].exp(), expected)


STACKED = [("nb", GaussianNB())]


@pytest.mark.parametrize(
    "estimator",
    [
        StackingClassifier(STACKED, cv=2),
        make_pipeline(StackingClassifier(STACKED, cv=2)),
        StackingClassifier(STACKED, final_estimator=GaussianNB(), cv=2),
        GridSearchCV(StackingClassifier(STACKED, cv=2), {"passthrough": [True]}, cv=2),
        VotingClassifier(STACKED, voting="soft"),
        CalibratedClassifierCV(LinearSVC(), cv=2),
    ],
)
def test_meta_estimators_have_draws(estimator):
    assert draws(fit(estimator, NUMBERS, members=2), NUMBERS, members=2).shape == (60, 2, 2)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSVC(),
        SVC(),
        make_pipeline(LinearSVC()),
        StackingClassifier(STACKED, final_estimator=LinearSVC()),
        GridSearchCV(SVC(), {"C": [1.0]}),
        VotingClassifier(STACKED, voting="hard"),
    ],
)
def test_estimators_that_will_have_no_probabilities_are_refused_when_the_learner_is_made(estimator):
    with pytest.raises(InputError) as caught:
        Bagging(estimator)
    assert (caught.value.argument, caught.value.got) == ("estimator", type(estimator).__name__)


def test_what_a_fit_raises_names_the_estimator_and_its_labels():
    with pytest.raises(InputError) as caught:
        fit(CalibratedClassifierCV(LinearSVC(), cv=7), NUMBERS, labels=8)
    assert (caught.value.argument, caught.value.got) == ("estimator", "CalibratedClassifierCV")
    assert isinstance(caught.value.__cause__, ValueError)


def test_classes_that_were_not_fitted_are_refused():
    class Others(FromZero):
        def fit(self, x, y):
            super().fit(x, y)
            self.classes_ = np.array([0, 7])
            return self

    with pytest.raises(InputError) as caught:
        fit(Others(), NUMBERS)
    assert (caught.value.argument, caught.value.got) == ("classes_ of Others", [0, 7])
