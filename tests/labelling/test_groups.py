"""Near-duplicates lie in one group, what is only alike does not, and no group is huge."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley.labelling.groups import Links, find_links, group_items
from lindley.labelling.near_texts import normal_form
from lindley.labelling.records import Kind

LONG = " ".join(f"word{index}" for index in range(80))


def grouped(kind: Kind, values: Sequence[object]) -> list[int]:
    return group_items(find_links(kind, values))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is a cat?", "what is  a CAT"),
        ("What is a cat ?", "What is a cat?\n"),
        ("naïve idea", "nai\u0308ve idea"),
        ("ﬁne", "FINE!"),
        ("猫は好きですか?", "猫は、好きですか"),
        (LONG, LONG.replace("word40", "another")),
        (LONG, LONG + " the end"),
    ],
)
def test_texts_that_are_nearly_the_same_are_one_group(one: str, other: str) -> None:
    assert grouped("text", ["something else", one, other]) == [0, 1, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("Who was president in 1990?", "Who was president in 1991?"),
        ("猫は好きですか", "犬は好きですか"),
        ("?", "!"),
        (":-)", ":-("),
        (LONG, " ".join(reversed(LONG.split()))),
        (LONG, " ".join(LONG.split()[:50])),
    ],
)
def test_texts_that_are_only_alike_are_two_groups(one: str, other: str) -> None:
    assert grouped("text", [one, other]) == [0, 1]


@given(
    st.lists(
        st.sampled_from(["what", "who", "is", "was", "a", "the", "cat", "dog", "city", "of", "in"]),
        min_size=1,
        max_size=19,
    ),
    st.data(),
)
@settings(deadline=None)
def test_no_question_of_fewer_than_twenty_words_is_a_duplicate_of_one_with_another_word(
    words: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(words) - 1))
    assert grouped("text", [" ".join(words), " ".join([*words[:place], "zebra", *words[place + 1 :]])]) == [0, 1]


def partition(groups: Sequence[int], names: Sequence[object]) -> set[frozenset[object]]:
    found: dict[int, set[object]] = {}
    for group, name in zip(groups, names, strict=True):
        found.setdefault(group, set()).add(name)
    return {frozenset(each) for each in found.values()}


def variants(seed: int) -> list[str]:
    rng = random.Random(seed)
    texts = [" ".join(f"w{rng.randrange(500)}" for _ in range(60)) for _ in range(12)]
    edited = [text.replace(text.split()[30], "changed", 1) for text in texts[:6]]
    return [*texts, *edited, *(text.upper() for text in texts[3:9]), "Short one?", "short ONE", "Short two?"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_texts_plays_no_part(seed: int) -> None:
    texts = variants(seed)
    expected = partition(grouped("text", texts), texts)
    assert len(expected) == 14
    random.Random(seed).shuffle(texts)
    assert partition(grouped("text", texts), texts) == expected


def test_exact_jaccard_of_enumeration_agrees_with_the_links_far_from_the_threshold() -> None:
    rng = random.Random(5)
    base = [f"w{rng.randrange(10_000)}" for _ in range(100)]
    texts = []
    for changes in (0, 1, 2, 20, 40, 60):
        words = list(base)
        for place in rng.sample(range(100), changes):
            words[place] = f"x{rng.randrange(10_000)}"
        texts.append(" ".join(words))
    linked = {tuple(sorted(each)) for each in find_links("text", texts).pairs.tolist()}
    for one, other in combinations(range(len(texts)), 2):
        share = jaccard(texts[one], texts[other])
        if share < 0.7:
            assert (one, other) not in linked
        if share > 0.93 and one == 0:
            assert (one, other) in linked
    assert linked


def jaccard(one: str, other: str) -> float:
    sets = []
    for text in (one, other):
        words = ["<", "<", *normal_form(text), ">", ">"]
        sets.append(set(zip(words, words[1:], words[2:], strict=False)))
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def links(count: int, pairs: Sequence[tuple[int, int]], keys: Sequence[int] | None = None) -> Links:
    return Links(np.array(range(count) if keys is None else keys), np.array(pairs, np.int64).reshape(-1, 2))


def test_links_join_through_others() -> None:
    assert group_items(links(5, [(4, 1), (1, 3)])) == [0, 1, 2, 1, 1]


def test_a_huge_group_falls_apart_into_copies_and_these_into_items() -> None:
    chain = [(item, item + 1) for item in range(8)]
    keys = [0, 1, 1, 2, 3, 3, 3, 3, 4]
    assert group_items(links(9, chain, keys), max_group=9) == [0] * 9
    assert group_items(links(9, chain, keys), max_group=8) == [0, 1, 1, 3, 4, 4, 4, 4, 8]
    assert group_items(links(9, chain, keys), max_group=3) == [0, 1, 1, 3, 4, 5, 6, 7, 8]


def test_a_thousand_times_the_same_phrase_is_no_group() -> None:
    texts = [f"OK{'!' * index}" for index in range(1000)]
    assert grouped("text", texts) == list(range(1000))


def test_templates_with_other_words_are_no_huge_group() -> None:
    rng = random.Random(0)
    frame = [f"the{index}" for index in range(60)]
    texts = [" ".join([f"name{rng.randrange(10**6)}", *frame, f"end{index}"]) for index in range(400)]
    sizes = np.bincount(grouped("text", texts))
    assert sizes.max() <= 10


def test_a_new_item_joins_the_group_of_its_neighbour() -> None:
    assert group_items(links(4, [(1, 3)]), [0, 1, 2]) == [0, 1, 2, 1]


def test_groups_that_become_linked_stay_two_and_the_new_item_joins_the_older() -> None:
    assert group_items(links(5, [(1, 4), (3, 4)]), [0, 1, 1, 3]) == [0, 1, 1, 3, 1]


def test_new_items_that_are_linked_only_with_each_other_are_a_group() -> None:
    assert group_items(links(5, [(3, 4)]), [0, 1, 1]) == [0, 1, 1, 3, 3]


@given(st.integers(1, 30), st.data())
@settings(deadline=None)
def test_groups_are_never_larger_than_the_limit_and_old_ones_stay(count: int, data: st.DataObject) -> None:
    number = st.integers(0, count - 1)
    found = links(
        count,
        data.draw(st.lists(st.tuples(number, number), max_size=40)),
        data.draw(st.lists(st.integers(0, 8), min_size=count, max_size=count)),
    )
    limit = data.draw(st.integers(1, 12))
    groups = group_items(found, max_group=limit)
    assert max(np.bincount(groups)) <= limit
    assert all(group <= item and groups[group] == group for item, group in enumerate(groups))
    before = data.draw(st.integers(0, count))
    assert group_items(found, groups[:before], max_group=limit) == groups


@pytest.mark.parametrize("kind", ["text", "rows", "images", "vectors"])
def test_no_items_have_no_groups(kind: Kind) -> None:
    assert group_items(find_links(kind, [])) == []


def test_rows_are_grouped_where_they_are_equal_to_six_digits() -> None:
    rows = [{"a": 1.0, "b": "Red"}, {"a": 1.0000001, "b": "red "}, {"a": 1.0001, "b": "Red"}, {"a": None, "b": True}]
    assert grouped("rows", [json.dumps(each) for each in rows]) == [0, 0, 2, 3]


def test_vectors_are_grouped_where_their_relative_distance_is_small() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 64)).astype(np.float32)
    half = vectors[:50].astype(np.float16).astype(np.float32)
    scaled, moved = 1.01 * vectors[:50], vectors[:50] + 0.01 * rng.normal(size=(50, 64))
    found = grouped("vectors", np.concatenate([vectors, half, scaled, moved]).astype(np.float32))
    assert found == [*range(300), *range(50), *range(350, 450)]


def test_vectors_of_zeros_and_few_dimensions_are_grouped_too() -> None:
    vectors = np.array([[0, 0], [0, 0], [1, 1], [2, 2], [1.0001, 1]], np.float32)
    assert grouped("vectors", vectors) == [0, 0, 2, 3, 2]
    assert grouped("vectors", vectors[:1]) == [0]
    assert grouped("text", []) == []


def test_thumbnails_are_grouped_where_they_correlate() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(40, 200, (100, 64))
    noisy, brighter = pictures[:30] + rng.integers(-1, 2, (30, 64)), pictures[:30] * 1.1
    found = grouped("images", [each.astype(np.uint8).tobytes().hex() for each in [*pictures, *noisy, *brighter]])
    assert found == [*range(100), *range(30), *range(30)]


def test_flat_thumbnails_of_any_level_are_alike() -> None:
    flat = [bytes([level] * 64).hex() for level in (0, 128, 255)]
    assert grouped("images", flat) == [0, 0, 0]
