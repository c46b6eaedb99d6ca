"""The observers of a trial, as [observe] and [pool] of its study require them."""

from __future__ import annotations

from lindley.datasets.dataset import Dataset
from lindley.session.rounds import Observer
from lindley.study.config.schema import CorruptedPool, Experiment
from lindley.study.observers.grid import observe_grid
from lindley.study.observers.information import observe_information
from lindley.study.observers.queried import observe_queried
from lindley.study.observers.test_set import observe_test_set
from lindley.study.observers.transfer import observe_models


def build_observers(experiment: Experiment, acquisition: str, dataset: Dataset, *, device: str) -> dict[str, Observer]:
    """Return the observers of a trial by name: the test set's, and those that [observe] and [pool] require.

    Args:
        experiment: The settings of the trial.
        acquisition: The acquisition of the trial.
        dataset: The pool with its oracle, and the test set.
        device: Where other models are fitted.
    """
    observe, num_classes = experiment.observe, dataset.task.num_classes
    observers: dict[str, Observer] = {
        "test": observe_test_set(dataset.test_inputs, dataset.test_classes, num_classes=num_classes)
    }
    if observe.grid:
        observers["grid"] = observe_grid(
            dataset,
            initial_labels=experiment.schedule.initial_labels,
            batch_size=experiment.schedule.batch_size,
        )
    information = observe.information
    if information is not None and information.acquisition == acquisition:
        observers["information"] = observe_information(information.picks, information.labels)
    if experiment.pool != CorruptedPool():
        observers["queried"] = observe_queried(dataset, experiment.pool.class_imbalance)
    if observe.transfer is not None:
        observers["transfer"] = observe_models(observe.transfer, dataset, device)
    return observers
