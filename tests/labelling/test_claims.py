"""Claims: who is served what, for how long, and in which order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_projects import found, label, open_counts

from lindley.errors import InputError
from lindley.labelling.claims import StreamCounts
from lindley.labelling.ranked_queue import QueueRow
from lindley.labelling.records import ProjectEvent
from lindley.labelling.store import ProjectStore

DAY = 86_400.0


def served(store, person, count, **more):
    return [each.item for each in store.claim(person, count, **more)]


def counters_agree(store):
    return all(is_now == must_be for is_now, must_be in open_counts(store).values())


def test_two_people_are_never_served_the_same(store):
    ann, bob = served(store, "ann", 10), served(store, "bob", 10)
    assert len({*ann, *bob}) == 20
    assert served(store, "cem", 1) == []
    assert counters_agree(store)


def test_a_second_claim_gives_the_same_items_in_the_same_order_and_more_behind_them(store):
    first = served(store, "ann", 3)
    assert served(store, "ann", 3) == first
    assert served(store, "ann", 2) == first[:2]
    assert served(store, "ann", 5)[:3] == first


def test_a_claim_gives_the_same_leases_after_the_store_was_closed(begin):
    first = begin().claim("ann", 3)
    assert [each.token for each in begin().claim("ann", 3)] == [each.token for each in first]


def test_nobody_is_served_an_item_again_which_they_have_answered(begin):
    store = begin(items=4, need=3, test_every=0)
    for turn in range(4):
        (lease,) = store.claim("ann", 1)
        store.append("ann", [label(f"a{turn}", lease.item)])
    assert served(store, "ann", 4) == []
    assert {*served(store, "bob", 4)} == {0, 1, 2, 3}


def test_what_was_begun_is_finished_first_where_items_need_several_people(begin):
    store = begin(items=20, need=2, test_every=0)
    ann = served(store, "ann", 3)
    assert {*served(store, "bob", 3)} == {*ann}
    assert not {*served(store, "cem", 3)} & {*ann}
    assert store.claim("bob", 1)[0].chosen_by == "overlap"


def test_the_queue_goes_by_rank_and_then_items_come_at_random(store):
    kept = store.swap_queue(1, [QueueRow(7, "bald", 0.5), QueueRow(3, "power-bald", 0.2, 0.125), QueueRow(6, "bald")])
    assert kept == 3
    leases = store.claim("ann", 5)
    assert [each.item for each in leases][:3] == [7, 3, 6]
    assert [(each.chosen_by, each.chosen_prob) for each in leases][:4] == [
        ("bald", None),
        ("power-bald", 0.125),
        ("bald", None),
        ("random", None),
    ]
    assert {each.epoch for each in leases} == {1}


def test_random_items_come_in_an_order_of_their_hashes_and_the_seed(begin):
    order = served(begin(items=20, test_every=0), "ann", 20)
    again = served(begin(items=20, test_every=0, anew=True), "ann", 20)
    assert order == again
    assert order != sorted(order)


def test_the_test_stream_is_served_where_the_counts_say_so(store):
    asked = []

    def every_third(counts):
        asked.append(counts)
        return counts.test * 3 <= counts.train

    streams = store.streams()
    items = served(store, "ann", 7, want_test=every_third)
    assert [str(streams[item]) for item in items] == ["test", "train", "train", "train", "test", "train", "train"]
    assert asked[:3] == [StreamCounts(0, 0), StreamCounts(0, 1), StreamCounts(1, 1)]
    store.append("ann", [label("a", items[0]), label("b", items[1]), ProjectEvent("c", "skip", item=items[2])])
    store.append("", [ProjectEvent("d", "import", item=11 if 11 not in items else 12, class_id=0)])
    asked.clear()
    store.claim("ann", 5, want_test=every_third)
    assert asked == [StreamCounts(train=4, test=2)]  # the skip has gone, and an imported label was never asked for


def test_the_other_stream_is_served_where_the_wanted_one_is_used_up(begin):
    store = begin(items=10, test_every=5)
    assert {*served(store, "ann", 3, want_test=True)[:2]} == {0, 5}
    assert len(served(store, "ann", 10, want_test=False)) == 10


def test_an_audit_comes_first_in_its_own_order_and_takes_fresh_items_only(store):
    (held,) = served(store, "bob", 1)
    answered = served(store, "cem", 1)[0]
    store.append("cem", [label("a", answered)])
    wanted = [held, 19, 4, answered, 12]
    fresh = [item for item in wanted if item not in (held, answered)]
    assert store.start_audit(wanted) == fresh
    leases = store.claim("ann", 4)
    assert [each.item for each in leases[: len(fresh)]] == fresh
    assert [each.chosen_by for each in leases] == ["audit"] * len(fresh) + ["random"] * (4 - len(fresh))


def test_an_audit_takes_the_next_item_in_the_place_of_one_that_is_not_fresh(store):
    (held,) = served(store, "bob", 1)
    first, second, third = [item for item in range(20) if item != held and store.streams()[item] == "train"][:3]
    assert store.start_audit([held, first, second, third], count=2) == [first, second]
    assert store.streams()[third] == "train"


def test_a_lease_that_is_over_gives_its_item_to_others(begin, clock):
    store = begin(items=3, test_every=0)
    items = served(store, "ann", 3)
    clock.advance(59)
    assert served(store, "bob", 3) == []
    clock.advance(2)
    assert {*served(store, "bob", 3)} == {*items}
    assert served(store, "ann", 3) == []
    assert counters_agree(store)


def test_a_claim_renews_what_the_person_holds(begin, clock):
    store = begin(items=3, test_every=0)
    items = served(store, "ann", 3)
    for _ in range(3):
        clock.advance(40)
        assert served(store, "ann", 3) == items
    assert served(store, "bob", 3) == []


def test_a_lease_says_for_display_until_when_it_holds(store, clock):
    clock.advance(5)
    (lease,) = store.claim("ann", 1)
    assert lease.until == "2026-03-01T00:01:05.000+00:00"


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_clock_on_the_wall_that_jumps_neither_frees_nor_holds_leases(begin, clock, jump):
    store = begin(items=2, test_every=0)
    items = served(store, "ann", 2)
    clock.advance(30)
    clock.wall += timedelta(seconds=jump)
    assert served(store, "bob", 2) == []
    store = begin()
    clock.advance(29)
    assert served(store, "bob", 2) == []
    clock.advance(2)
    assert {*served(store, "bob", 2)} == {*items}


@pytest.mark.parametrize("jump", [5e6, -1000.0])
def test_a_monotonic_clock_that_begins_anew_with_the_machine_changes_no_lease(begin, clock, jump):
    store = begin(items=2, test_every=0)
    served(store, "ann", 2)
    clock.advance(30)
    store.claim("cem", 1)  # whatever is written keeps the time
    store.close()
    clock.seconds += jump
    store = begin()
    clock.advance(25)
    assert served(store, "bob", 2) == []
    clock.advance(10)
    assert len(served(store, "bob", 2)) == 2


def test_time_counts_in_which_nothing_was_written_before_the_store_was_closed(begin, clock):
    store = begin(items=2, test_every=0)
    items = served(store, "ann", 2)
    clock.advance(45)
    store = begin()
    clock.advance(10)
    assert served(store, "bob", 2) == []
    clock.advance(6)
    assert {*served(store, "bob", 2)} == {*items}


def test_a_clock_that_runs_backwards_stands_still(begin, clock):
    store = begin(items=2, test_every=0)
    clock.advance(DAY)
    served(store, "ann", 2)
    clock.advance(-DAY)
    assert served(store, "bob", 2) == []
    clock.advance(61)
    assert len(served(store, "bob", 2)) == 2


def test_leases_are_given_back_by_their_tokens_and_only_by_who_holds_them(begin):
    store = begin(items=3, test_every=0)
    leases = store.claim("ann", 3)
    tokens = [each.token for each in leases]
    assert store.release("bob", tokens) == 0
    assert store.release("ann", [*tokens[1:], "unknown"]) == 2
    assert store.release("ann", tokens[1:]) == 0
    assert {*served(store, "bob", 3)} == {each.item for each in leases[1:]}
    assert counters_agree(store)


def test_answers_releases_and_the_next_claim_are_one_transaction(store):
    leases = store.claim("ann", 3)
    receipts, after = store.append_and_claim(
        "ann", [label("a", leases[0].item)], 3, release=[leases[2].token], want_test=False
    )
    assert receipts == ["stored"]
    assert after[0] == leases[1]
    assert len(after) == 3
    assert leases[0].item not in [each.item for each in after]


def test_a_person_who_is_not_known_is_served_nothing(store):
    with pytest.raises(InputError) as caught:
        store.claim("eve", 1)
    assert (caught.value.argument, caught.value.got) == ("person", "eve")


def test_a_need_that_changes_opens_items_or_leaves_them(begin):
    store = begin(items=4, test_every=0)
    for item in served(store, "ann", 2):
        store.append("ann", [label(f"a{item}", item)])
    store.set_need(2)
    assert len(served(store, "bob", 4)) == 4
    store.set_need(1, [0, 1, 2, 3])
    assert counters_agree(store)
    assert served(store, "cem", 4) == []
    with pytest.raises(InputError):
        store.set_need(0)
    with pytest.raises(InputError) as caught:
        store.set_need(2, [3, 4])
    assert caught.value.rows == (4,)


def test_a_claim_costs_the_same_among_many_items_as_among_few(tmp_path):
    """In steps of the database's own machine: an index finds the next item, in the queue and beside it."""

    def steps_of_a_claim(items):
        counted = []
        with ProjectStore.create(tmp_path / f"{items}.db") as store:
            store.add_items(found(items, test_every=5))
            store.add_person("ann")
            store.swap_queue(1, [QueueRow(1, "bald")])

            def count(connection):
                connection.connection.driver_connection.set_progress_handler(lambda: counted.append(1), 10)

            store.write(count)
            store.claim("ann", 1)
            store.claim("ann", 2)
            store.claim("ann", 3, want_test=True)
        return len(counted)

    few = steps_of_a_claim(100)
    assert 0 < steps_of_a_claim(6000) < 2 * few
