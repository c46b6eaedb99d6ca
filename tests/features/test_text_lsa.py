"""LSA: what counts as a word, and texts few, odd and foreign."""

import numpy as np
import pytest

from lindley.errors import InputError
from lindley.features import LSA, compute_features

TOPICS = [
    "the cat sat with another cat",
    "a cat and a dog sat",
    "stocks fell and markets fell",
    "markets rose as stocks rose",
]


def test_texts_of_one_topic_are_nearer_than_those_of_two():
    features = compute_features(LSA(num_components=2), TOPICS)
    similarity = features @ features.T
    assert similarity[0, 1] > 0.9 > 0.5 > similarity[:2, 2:].max()
    assert similarity[2, 3] > 0.9


def test_features_are_the_projections_of_tfidf():
    """With all directions kept nothing is lost: products of rows are those of TF-IDF, computed here by hand."""
    features = compute_features(LSA(), ["aa bb", "aa cc", "aa bb"])
    idf = {
        "aa": 1.0,
        "bb": 1 + np.log(4 / 3),
        "cc": 1 + np.log(4 / 2),
        "aa bb": 1 + np.log(4 / 3),
        "aa cc": 1 + np.log(2),
    }
    first = np.array([idf["aa"], idf["bb"], idf["aa bb"]])
    second = np.array([idf["aa"], idf["cc"], idf["aa cc"]])
    product = 1.0 / (np.linalg.norm(first) * np.linalg.norm(second))  # "aa" is all that they share
    assert np.allclose(features @ features.T, [[1, product, 1], [product, 1, product], [1, product, 1]], atol=1e-5)


def test_features_have_length_one_and_zero_without_known_words():
    method = LSA()
    transform = method.restore(method.fit(TOPICS))
    features = transform([*TOPICS, "", "!!!", "unheard"])
    assert np.allclose(np.linalg.norm(features, axis=1), [1, 1, 1, 1, 0, 0, 0], atol=1e-6)


def test_fewer_texts_than_components_give_fewer_features():
    assert compute_features(LSA(num_components=200), TOPICS).shape == (4, 4)
    assert compute_features(LSA(), ["one text"]).shape == (1, 1)
    assert compute_features(LSA(), ["same text"] * 5).shape == (5, 1)


@pytest.mark.parametrize("texts", [["", " "], ["!?", "…"], ["a", "1"]])
def test_texts_without_words_are_refused(texts):
    with pytest.raises(InputError) as caught:
        compute_features(LSA(), texts)
    assert caught.value.argument == "contents"


def test_many_texts_that_share_no_word_have_features():
    texts = [f"word{number}" for number in range(150)]
    features = compute_features(LSA(num_components=150), texts)
    assert np.allclose(features @ features.T, np.eye(150), atol=1e-3)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("我喜欢猫", "我喜欢狗"), "股票市场"),
        (("हिन्दी भाषा अच्छी", "हिन्दी भाषा कठिन"), "बाज़ार गिर"),
        (("ΚΑΛΗΜΕΡΑ κόσμε", "καλημερα φίλε"), "άλλο πράγμα"),
        (("ｆｕｌｌ ｗｉｄｔｈ", "full width"), "other thing"),
        (("สวัสดีครับ", "สวัสดีค่ะ"), "แมวดำตัวใหญ่"),
    ],
)
def test_words_are_found_in_any_script(near, far):
    features = compute_features(LSA(), [*near, far])
    similarity = features @ features.T
    assert similarity[0, 1] > similarity[0, 2] + 0.05


def test_marks_belong_to_their_words():
    state = LSA().fit(["हिन्दी", "שָׁלוֹם"])
    assert state.settings["terms"] == sorted(["हिन्दी", "שָׁלוֹם"])


def test_odd_texts_are_read():
    texts = ["\x00\ud800 word", "word " * 10_000, "emoji 😀 word", "a\u202eb word"]
    assert np.isfinite(compute_features(LSA(), texts)).all()


def test_what_is_no_text_is_refused_with_its_rows():
    with pytest.raises(InputError) as caught:
        compute_features(LSA(), ["one two", None, "three four", 5])
    assert caught.value.rows in ((1, 3), (3, 1))


def test_a_stored_state_gives_the_same_features(tmp_path):
    from lindley.features.state import load_state, save_state

    method = LSA()
    state = method.fit(TOPICS)
    save_state(tmp_path, state)
    assert np.array_equal(method.restore(load_state(tmp_path))(TOPICS), method.restore(state)(TOPICS))


@pytest.mark.parametrize("option", ["num_components", "max_terms", "fit_rows"])
@pytest.mark.parametrize("value", [0, -1, True])
def test_wrong_options_are_refused(option, value):
    with pytest.raises(InputError) as caught:
        LSA(**{option: value})
    assert caught.value.argument == option


def test_options_change_the_version():
    assert len({LSA().version, LSA(num_components=100).version, LSA(seed=1).version}) == 3
