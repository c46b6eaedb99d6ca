"""Which items measure the model, and when the next of them is due."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from lindley.labelling.streams import assign_streams, is_test_due, num_test_labels

GROUPS = st.lists(st.integers(0, 400), min_size=1, max_size=120)


def hashes(groups: list[int]) -> list[str]:
    return [f"{group:04d}-{item:04d}" for item, group in enumerate(groups)]


def shuffled(groups: list[int], order: list[int]) -> list[str]:
    keys = hashes(groups)
    return assign_streams([groups[i] for i in order], [keys[i] for i in order], seed=3, test_labels=2)


@given(st.integers(0, 700), st.integers(0, 80))
def test_labels_one_after_the_other_follow_the_rule(count: int, wanted: int) -> None:
    num_train = num_test = 0
    for total in range(1, count + 1):
        due = is_test_due(num_train, num_test, test_labels=wanted)
        num_test, num_train = num_test + due, num_train + (not due)
        exact = total / 3 if total <= 3 * wanted else wanted + (total - 3 * wanted) / 10
        assert abs(num_test - exact) <= 1


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 100))
def test_a_stream_that_is_behind_catches_up(num_train: int, num_test: int, wanted: int) -> None:
    behind = num_test < num_test_labels(num_train + num_test, test_labels=wanted)
    assert is_test_due(num_train, num_test, test_labels=wanted) or not behind


def test_every_third_label_is_a_test_label_until_there_are_sixty() -> None:
    assert [num_test_labels(count) for count in (2, 3, 6, 180, 189, 190, 300)] == [0, 1, 2, 60, 60, 61, 72]


@given(GROUPS, st.integers(0, 9))
def test_a_group_lies_in_one_stream(groups: list[int], seed: int) -> None:
    streams = assign_streams(groups, hashes(groups), seed=seed, test_labels=5)
    assert len(set(zip(groups, streams, strict=True))) == len(set(groups))


@given(GROUPS, st.integers(0, 60))
def test_a_fifth_of_the_groups_is_for_tests_and_up_to_a_third_for_enough_items(groups: list[int], wanted: int) -> None:
    streams = assign_streams(groups, hashes(groups), seed=0, test_labels=wanted)
    chosen = {group for group, stream in zip(groups, streams, strict=True) if stream == "test"}
    most, items = len(set(groups)) // 3, streams.count("test")
    least = min(math.ceil(len(set(groups)) / 5), most)
    assert least <= len(chosen) <= most
    assert items >= wanted or len(chosen) == most
    assert len(chosen) == least or items - max(groups.count(group) for group in chosen) < wanted


@given(st.integers(1, 70), st.integers(0, 9))
def test_a_small_pool_keeps_two_thirds_to_learn_from(count: int, seed: int) -> None:
    streams = assign_streams(list(range(count)), hashes(list(range(count))), seed=seed, test_labels=60)
    assert (streams.count("test"), streams.count("train")) == (count // 3, count - count // 3)


@given(GROUPS, st.randoms(use_true_random=False))
def test_streams_do_not_depend_on_the_order_of_items(groups: list[int], random: object) -> None:
    order = list(range(len(groups)))
    random.shuffle(order)  # type: ignore[attr-defined]
    expected = shuffled(groups, list(range(len(groups))))
    assert shuffled(groups, order) == [expected[item] for item in order]


@given(GROUPS, st.integers(0, 120))
def test_items_that_are_added_change_no_stream(groups: list[int], before: int) -> None:
    first = groups[:before]
    known = assign_streams(first, hashes(first), seed=1, test_labels=4)
    after = assign_streams(groups, hashes(groups), seed=1, known=known, test_labels=4)
    assert after[: len(first)] == known
    assert len(set(zip(groups, after, strict=True))) == len(set(groups))


@given(GROUPS, st.sets(st.integers(0, 119)))
def test_groups_with_imported_labels_are_never_tests(groups: list[int], imported: set[int]) -> None:
    imported = {item for item in imported if item < len(groups)}
    streams = assign_streams(groups, hashes(groups), seed=1, imported=imported, test_labels=500)
    barred = {groups[item] for item in imported}
    tests = {group for group, stream in zip(groups, streams, strict=True) if stream == "test"}
    assert not tests & barred
    assert len(tests) == min(len(set(groups)) // 3, len(set(groups) - barred))


def test_another_seed_draws_other_groups() -> None:
    groups = list(range(200))
    drawn = {tuple(assign_streams(groups, hashes(groups), seed=seed, test_labels=0)) for seed in range(5)}
    assert len(drawn) == 5
