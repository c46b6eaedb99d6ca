"""The test items, which measure the model, and when the next one is due. Pure functions of counts and keyed noise."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from lindley.labelling.records import Stream
from lindley.seeds import derive_seed

TEST_SHARE = 0.2
_BEGIN_EVERY, _LATER_EVERY = 3, 10


def assign_streams(
    groups: Sequence[int],
    hashes: Sequence[str],
    *,
    seed: int,
    known: Sequence[Stream] = (),
    imported: Collection[int] = (),
    test_labels: int = 60,
) -> list[Stream]:
    """Return the stream of each item; all of a group lie in one.

    A fifth of the groups are test groups, and up to a third where they have fewer items than there shall be test
    labels: as every third label is a test label at most, a small pool leaves something to learn from. They are drawn
    by noise that is keyed by the seed and the smallest hash of the group, so the order of items plays no part. Groups
    that have a stream keep it; what comes to the group of an audit's item is excluded. Groups with an imported label
    are never drawn.

    Args:
        groups: The group of each item, [N].
        hashes: The hash of each item, [N].
        seed: The seed of the project.
        known: The streams of the first items, which stay; those of all others are drawn.
        imported: The items that have an imported label.
        test_labels: The number of test labels that there shall be.
    """
    sizes, keys, streams = _describe_groups(groups, hashes, known)
    barred = {groups[item] for item in imported}
    num_test = sum(sizes[group] for group, stream in streams.items() if stream == "test")
    test_groups = sum(stream == "test" for stream in streams.values())
    most = len(sizes) // _BEGIN_EVERY
    least = min(math.ceil(TEST_SHARE * len(sizes)), most)
    drawn = [group for group in sizes if group not in streams and group not in barred]
    for group in sorted(drawn, key=lambda group: derive_seed(seed, "test stream", keys[group])):
        if test_groups >= (least if num_test >= test_labels else most):
            break
        streams[group] = "test"
        test_groups, num_test = test_groups + 1, num_test + sizes[group]
    return [*known, *(streams.get(group, "train") for group in groups[len(known) :])]


def is_test_due(num_train: int, num_test: int, *, test_labels: int = 60) -> bool:
    """Return whether the next label is to be a test label: every third one until there are enough, then every tenth.

    Args:
        num_train: The number of training labels, with those that are on their way.
        num_test: The number of test labels, with those that are on their way.
        test_labels: The number of test labels up to which every third one is; 0: every tenth from the beginning.
    """
    return num_test < num_test_labels(num_train + num_test + 1, test_labels=test_labels)


def num_test_labels(num_labels: int, *, test_labels: int = 60) -> int:
    """Return how many of the first labels are to be test labels."""
    begin = _BEGIN_EVERY * test_labels
    if num_labels <= begin:
        return num_labels // _BEGIN_EVERY
    return test_labels + (num_labels - begin) // _LATER_EVERY


def _describe_groups(
    groups: Sequence[int], hashes: Sequence[str], known: Sequence[Stream]
) -> tuple[dict[int, int], dict[int, str], dict[int, Stream]]:
    """Return by group its size, its smallest hash, and the stream of its first item where it has one."""
    sizes: dict[int, int] = {}
    keys: dict[int, str] = {}
    for group, key in zip(groups, hashes, strict=True):
        sizes[group] = sizes.get(group, 0) + 1
        keys[group] = min(key, keys.get(group, key))
    streams: dict[int, Stream] = {}
    for group, stream in zip(groups, known, strict=False):
        streams.setdefault(group, "excluded" if stream == "audit" else stream)
    return sizes, keys, streams
