"""What labels were spent on, counted by hand."""

from dataclasses import replace

import torch
from round_fakes import Slopes, view_of

from lindley.contracts import Classification, Labels
from lindley.datasets.dataset import NONE_OF_THE_CLASSES, Dataset
from lindley.pools.memory import MemoryPool
from lindley.study.observers.queried import count_kinds, observe_queried

ROWS = 8
DATASET = Dataset(
    name="by-hand",
    task=Classification(("cat", "dog", "eel")),
    pool=MemoryPool(torch.zeros(ROWS, 2)),
    classes=torch.tensor([0, 1, 2, 0, 1, 2, NONE_OF_THE_CLASSES, NONE_OF_THE_CLASSES]),
    test_inputs=torch.zeros(3, 2),
    test_classes=torch.tensor([0, 1, 2]),
    input_shape=(2,),
    sources=torch.tensor([0, 0, 0, 1, 1, 2, 3, 3]),
    true_classes=torch.tensor([0, 1, 1, 0, 2, 2, NONE_OF_THE_CLASSES, NONE_OF_THE_CLASSES]),
)


def test_rare_repeated_wrong_and_outside_are_count_kinds():
    # rows 1 and 2 are copies of one source, 2 and 4 answered wrongly, 6 is from outside; eel is truly 4 and 5
    rows = torch.tensor([2, 6, 1, 4, 5])
    assert count_kinds(DATASET, ["eel"], rows) == {
        "labels": 5,
        "minority_class": 2,
        "duplicates": 1,
        "mislabelled": 2,
        "out_of_distribution": 1,
    }
    assert count_kinds(DATASET, ["dog", "eel"], rows)["minority_class"] == 4
    assert count_kinds(DATASET, [], rows)["minority_class"] == 0


def test_the_order_of_rows_changes_nothing():
    rows = torch.tensor([2, 6, 1, 4, 5])
    assert count_kinds(DATASET, ["eel"], rows.flip(0)) == count_kinds(DATASET, ["eel"], rows)


def test_without_sources_and_without_errors_nothing_is_repeated_or_wrong():
    plain = replace(DATASET, sources=None, true_classes=None)
    counts = count_kinds(plain, [], torch.arange(ROWS))
    assert (counts["duplicates"], counts["mislabelled"], counts["out_of_distribution"]) == (0, 0, 2)


def test_the_observer_tells_the_labels_so_far_and_the_whole_pool():
    rows = torch.tensor([0, 1, 7])
    view = view_of(Slopes(torch.zeros(2, 2)), Labels(rows, DATASET.classes[rows]), inputs=torch.zeros(ROWS, 2))
    seen = observe_queried(DATASET, ["eel"])(view)
    assert seen.metrics == {
        "queried": {"labels": 3, "minority_class": 0, "duplicates": 1, "mislabelled": 0, "out_of_distribution": 1},
        "pool": {"labels": 8, "minority_class": 2, "duplicates": 4, "mislabelled": 2, "out_of_distribution": 2},
    }
    assert seen.arrays == {}
