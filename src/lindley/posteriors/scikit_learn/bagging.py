"""Bagging: any classifier of scikit-learn, fitted to bootstraps of the labels; each draw is one of the fits.

Source: Breiman 1996, "Bagging predictors"; as draws of a posterior, Fushiki, Komaki and Aihara 2005,
"Nonparametric bootstrap prediction".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lindley.contracts import Categorical, Posterior, TrainingData
from lindley.errors import InputError
from lindley.posteriors.label_weights import label_weights
from lindley.posteriors.members import choose_members
from lindley.posteriors.scikit_learn.estimators import Member, check_estimator, check_takes_weights, fit_member
from lindley.posteriors.scikit_learn.smoothing import check_pseudo_count, class_shares, smooth
from lindley.posteriors.scikit_learn.tables import Examples, as_examples
from lindley.posteriors.scikit_learn.training_sets import TrainingSet, decode_examples, encode_examples, example_parts
from lindley.posteriors.state_checks import (
    POSITIVE,
    TensorSpec,
    check_settings,
    check_tensors,
    index_spec,
    is_count,
    is_flag,
    is_number,
    is_positive,
    is_whole,
)
from lindley.posteriors.supported_data import check_supported

_SETTINGS = {
    "seed": is_whole,
    "num_classes": lambda value: is_count(value) and value >= 2,
    "members": is_count,
    "pseudo_count": lambda value: is_number(value) and value >= 0,
    "weighted": is_flag,
    "count": is_positive,
}
_PARTS = {
    "classes": index_spec("L", below="C"),
    "sample_weight": TensorSpec("L", least=POSITIVE),
    "said": TensorSpec("L E C", torch.float32, least=0.0),
}
_SAME_PROBABILITY = 1e-5
"""The largest change of a refitted member's probabilities; linear algebra rounds differently on other machines."""


@dataclass(frozen=True)
class Bagging:
    """A learner: `members` clones of an estimator, each fitted to a bootstrap of the L labels.

    The estimator is any classifier with get_params, fit and predict_proba, a Pipeline too; it is cloned and never
    changed. All its parameters called random_state are set, from seeds of their own, and so are the global generators
    while it is fitted. The inputs of the pool reach it as an array or a sparse matrix [n, D], of numbers, texts or
    objects, or as a list, for example of texts or dictionaries.

    An estimator is fitted to the numbers 0 to k - 1 of the k classes in its bootstrap, since some take no others. An
    estimator whose class_weight names classes is fitted to the classes as they are.

    A bootstrap with only one of several classes is drawn again, since few classifiers can be fitted to one class.
    Where all labels are of one class, every member predicts it.
    """

    estimator: Any
    members: int = 20
    pseudo_count: float = 1.0
    """Pseudo-count a in labels: probabilities p become (L p + a · shares) / (L + a). 0 keeps log 0 = -inf."""
    class_weights: Sequence[float] | None = None
    """Weights of the classes; fit receives them as sample_weight, 1 on average over the labels."""
    device: str = "cpu"
    """Device of the log-probabilities; scikit-learn computes on the CPU."""

    def __post_init__(self) -> None:
        check_pseudo_count(self.pseudo_count)
        if self.members < 1:
            raise InputError(argument="members", expected="at least 1", got=self.members)
        check_estimator(self.estimator)
        check_takes_weights(self.estimator, "" if self.class_weights is None else "class_weights")

    def fit(self, data: TrainingData, *, previous: Posterior | None = None, seed: int) -> BaggingPosterior:
        """See Learner.fit. Every member is fitted from scratch; `previous` is ignored.

        Raises InputError where the estimator's fit raises an error, and before any fit for inputs that the posterior
        could not save.
        """
        check_supported(self, data, sample_weight=True)
        labels = data.labels
        training = TrainingSet(
            as_examples(data.pool.read(labels.rows)),
            labels.values.cpu(),
            label_weights(data, self.class_weights),
            data.num_classes,
            seed,
            weighted=self.class_weights is not None or labels.sample_weight is not None,
            count=float(len(labels)) if labels.sample_weight is None else float(labels.sample_weight.double().sum()),
        )
        check_takes_weights(self.estimator, "sample_weight" if training.weighted else "")
        encode_examples(training.examples)
        return BaggingPosterior(self, training)


class BaggingPosterior:
    """Fitted estimators of equal weight."""

    def __init__(self, learner: Bagging, training: TrainingSet) -> None:
        self._learner = learner
        self._training = training
        self._members = [fit_member(learner.estimator, training, member) for member in range(learner.members)]
        self._shares = class_shares(training.classes, training.sample_weight, training.num_classes)

    def draw(self, num_draws: int, *, seed: int) -> BaggingDraws:
        """Return members without replacement; all of them, in order, where num_draws is their number."""
        chosen = choose_members(len(self._members), num_draws, seed=seed, collection="a bag")
        return self._draws(chosen)

    def point(self) -> None:
        """Return None: the prediction of a bag is its average."""

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the labelled inputs and the seed, from which members are fitted again when they are loaded.

        The predictions of each member at the labelled rows are saved too, so that other members are noticed.
        """
        training = self._training
        examples, kind = encode_examples(training.examples)
        tensors = {
            **examples,
            "classes": training.classes,
            "sample_weight": training.sample_weight,
            "said": self._draws(range(len(self._members))).predict(training.examples).log_probs.exp().cpu(),
        }
        settings = {
            **kind,
            "seed": training.seed,
            "num_classes": training.num_classes,
            "members": len(self._members),
            "pseudo_count": self._learner.pseudo_count,
            "weighted": training.weighted,
            "count": training.count,
        }
        return tensors, settings

    @classmethod
    def from_state_dict(
        cls,
        tensors: Mapping[str, Tensor],
        settings: Mapping[str, Any],
        *,
        estimator: Any = None,
        device: str = "cpu",
    ) -> BaggingPosterior:
        """Return the posterior that was saved, fitted again.

        Args:
            tensors: The tensors that `state_dict` returned.
            settings: The settings that `state_dict` returned.
            estimator: An estimator with the options of its learner's.
            device: Device of the log-probabilities.

        Raises:
            InputError: If the members predict otherwise than they did: another estimator, or another version of it.
        """
        if estimator is None:
            raise InputError(
                "Members are fitted again when they are loaded; pass estimator=..., the one that was fitted.",
                argument="estimator",
                got=None,
            )
        check_settings(settings, _SETTINGS)
        parts = {**_PARTS, **example_parts(settings)}
        check_tensors(tensors, parts, C=settings["num_classes"], E=settings["members"])
        learner = Bagging(estimator, settings["members"], settings["pseudo_count"], device=device)
        check_takes_weights(estimator, "sample_weight" if settings["weighted"] else "")
        examples = decode_examples(tensors, settings)
        training = TrainingSet(
            examples,
            tensors["classes"],
            tensors["sample_weight"],
            settings["num_classes"],
            settings["seed"],
            weighted=settings["weighted"],
            count=settings["count"],
        )
        posterior = cls(learner, training)
        probs = posterior._draws(range(settings["members"])).predict(examples).log_probs.exp().cpu()
        if not bool(((probs - tensors["said"]).abs() <= _SAME_PROBABILITY).all()):
            name = type(estimator).__name__
            raise InputError(
                f"This {name}, fitted again, predicts otherwise than the one that was saved. Pass an estimator with "
                "the same options, under the same version of scikit-learn.",
                argument="estimator",
                got=name,
            )
        return posterior

    def _draws(self, chosen: Sequence[int]) -> BaggingDraws:
        return BaggingDraws(
            [self._members[member] for member in chosen],
            labels=self._training.count,
            pseudo_count=self._learner.pseudo_count,
            shares=self._shares,
            device=self._learner.device,
            id=f"bagging-{self._fingerprint()}-{'-'.join(map(str, chosen))}",
        )

    def _fingerprint(self) -> str:
        training, digest = self._training, hashlib.blake2b(digest_size=8)
        examples, _ = encode_examples(training.examples)
        for member in self._members:
            digest.update(member.probs(training.examples, training.num_classes).numpy().tobytes())
        for tensor in (*examples.values(), training.classes, self._shares):
            digest.update(tensor.numpy().tobytes())
        digest.update(
            repr((type(self._learner.estimator).__name__, self._learner.pseudo_count, training.seed)).encode()
        )
        return digest.hexdigest()


class BaggingDraws:
    """Draw k is one fitted estimator."""

    def __init__(
        self, members: Sequence[Member], *, labels: float, pseudo_count: float, shares: Tensor, device: str, id: str
    ) -> None:
        self.num_draws = len(members)
        self.id = id
        self._members, self._labels, self._pseudo_count, self._shares = list(members), labels, pseudo_count, shares
        self._device = device

    def predict(self, inputs: Examples) -> Categorical:
        """Predict n inputs, in float32."""
        examples, num_classes = as_examples(inputs), len(self._shares)
        probs = torch.stack([member.probs(examples, num_classes) for member in self._members], dim=1)  # [n, K, C]
        whole = smooth(probs, self._labels, self._pseudo_count, self._shares)
        return Categorical(whole.log().float().to(self._device))
