import pytest

from lindley.names import suggest_in_brackets, suggest_name


@pytest.mark.parametrize(
    ("word", "suggestion"), [("margn", ' Did you mean "margin"?'), ("blad", ' Did you mean "bald"?'), ("xyz", "")]
)
def test_the_nearest_name_is_suggested_where_one_is_near(word, suggestion):
    names = {"bald": 1, "margin": 2}
    assert suggest_name(word, names) == suggestion
    assert suggest_in_brackets(word, names) == suggestion.replace(" Did", " (did").replace("?", "?)")
