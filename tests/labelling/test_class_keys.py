"""The keys of classes: which may be used, and which a class gets by itself; and the names that a class may have."""

from __future__ import annotations

import pytest

from lindley.errors import InputError
from lindley.labelling.class_keys import KEYS, assign_keys, key_fault
from lindley.labelling.store import ProjectStore


def test_digits_have_themselves_as_keys() -> None:
    digits = [str(digit) for digit in range(10)]
    assert assign_keys(digits) == digits
    assert assign_keys(digits[::-1]) == digits[::-1]


def test_the_others_get_the_keys_that_no_name_takes_in_order() -> None:
    assert assign_keys(["cat", "1", "dog", "b"]) == ["2", "1", "3", "b"]
    assert assign_keys(["cat", "1"], taken="123") == ["4", "5"]
    names = [f"class {number}" for number in range(len(KEYS) + 2)]
    assert assign_keys(names) == [*KEYS, None, None]


@pytest.mark.parametrize("name", ["s", "S", "u", "U", "?", "/"])
def test_a_class_that_has_the_name_of_a_key_of_the_page_gets_another(name: str) -> None:
    assert assign_keys(["a", name]) == ["a", "1"]


NO_KEYS = [
    "s",
    "S",
    "u",
    "?",
    "/",
    " ",
    "",
    "\n",
    "\r",
    "\t",
    "\0",
    "\x1b",
    "\x7f",
    "ab",
    "Enter",
    "\u2028",
    "\ud800",
    5,
]


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_is_no_key_is_refused_with_what_is_allowed(key: object) -> None:
    for allowed in ("s (skip)", "u (undo)", KEYS):
        assert allowed in key_fault(key)


@pytest.fixture
def store(tmp_path):
    with ProjectStore.create(tmp_path / "project.db") as store:
        store.add_class("cat", hotkey="2")
        store.add_class("b c")
        yield store


@pytest.mark.parametrize("key", [key for key in NO_KEYS if isinstance(key, str)])
def test_the_store_refuses_what_is_no_key(store: ProjectStore, key: str) -> None:
    before = store.classes()
    with pytest.raises(InputError) as added:
        store.add_class("dog", hotkey=key)
    with pytest.raises(InputError) as changed:
        store.change_class(0, "hotkey", key)
    assert key_fault(key) in str(added.value)
    assert key_fault(key) in str(changed.value)
    assert store.classes() == before


def test_a_class_that_is_added_later_gets_the_next_free_key(store: ProjectStore) -> None:
    assert [each.hotkey for each in store.classes()] == ["2", "1"]
    store.add_class("dog")
    store.add_class("x")
    store.change_class(0, "retire")
    store.add_class("snake")
    assert [each.hotkey for each in store.classes()] == [None, "1", "3", "x", "2"]


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\tb", "a\x1b[31m", "a\u2028b", "\ud800", " ", ""])
def test_names_with_control_characters_are_refused(store: ProjectStore, name: str) -> None:
    with pytest.raises(InputError):
        store.add_class(name)
    with pytest.raises(InputError):
        store.change_class(0, "rename", name)


@pytest.mark.parametrize("name", ["cat", "cat ", " cat", "Cat", "CAT\u00a0"])
def test_a_name_that_differs_in_case_or_white_space_only_is_refused(store: ProjectStore, name: str) -> None:
    with pytest.raises(InputError):
        store.add_class(name)
    with pytest.raises(InputError):
        store.change_class(1, "rename", name)


def test_a_class_may_change_its_own_case(store: ProjectStore) -> None:
    store.change_class(0, "rename", "Cat")
    store.change_class(1, "rename", "B  C")
    assert [each.name for each in store.classes()] == ["Cat", "B  C"]
