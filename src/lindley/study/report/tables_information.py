"""Table of the information of growing batches: figure 4 in numbers, over all seeds."""

from __future__ import annotations

import numpy as np

from lindley.study.observers import INFORMATION_PICKERS
from lindley.study.plot_style import NATS_TO_BITS, acquisition_title
from lindley.study.report.tables import Table
from lindley.study.results import Arrays, ExperimentResults

_SIZES = (1, 2, 5, 10, 20, 40, 100, 200)


def information_table(experiment: ExperimentResults) -> Table | None:
    """Return the joint information of the first picks, and the sum of their BALD scores, at each number of labels."""
    measured: dict[int, list[Arrays]] = {}
    for trial in experiment.trials:
        for number, labels in enumerate(trial.labels):
            if (arrays := trial.arrays(number, "information")) is not None:
                measured.setdefault(labels, []).append(arrays)
    if not measured:
        return None
    most = max(int(arrays["picks"][-1]) for found in measured.values() for arrays in found)
    sizes = [size for size in _SIZES if size <= most]
    rows = [
        (str(labels), acquisition_title(picker), str(len(found)), *(_cell(found, picker, size) for size in sizes))
        for labels, found in sorted(measured.items())
        for picker in INFORMATION_PICKERS
    ]
    note = (
        "Joint information of the labels of the first picks about the draws, in bits, and in brackets the sum of their "
        "BALD scores, which counts shared information more than once: medians over the seeds that measured it. With K "
        "draws no batch has more than log K."
    )
    columns = ("labels", "acquisition", "seeds", *(f"first {size}" if size > 1 else "first pick" for size in sizes))
    return Table(f"information-{experiment.name}", experiment.title, columns, tuple(rows), note)


def _cell(found: list[Arrays], picker: str, size: int) -> str:
    complete = [arrays for arrays in found if arrays["picks"][-1] >= size]
    if not complete:
        return "–"
    joint, single = (
        float(np.median([arrays[f"{quantity}_{picker}"][size - 1] for arrays in complete])) * NATS_TO_BITS
        for quantity in ("joint", "sum_bald")
    )
    return f"{joint:.2f} ({single:.2f})"
