import math

import numpy as np
import pytest
import torch
from torch import nn

from lindley.contracts import Classification, Labels, TrainingData
from lindley.errors import FitError, InputError
from lindley.networks.moons_mlp import moons_mlp
from lindley.pools.memory import MemoryPool
from lindley.posteriors.features import network_features
from lindley.posteriors.network_draws import NetworkDraws
from lindley.training.config import TrainingConfig
from lindley.training.loop import explain_dtype_errors, train
from lindley.training.network_copies import copy_network
from lindley.training.optimisation import LossMonitor, make_optimizer, make_scheduler, minibatches
from lindley.training.precision import compute_dtype

TASK = Classification(("no", "yes"))


def blobs(num_rows=40):
    generator = torch.Generator().manual_seed(0)
    classes = torch.arange(num_rows) % 2
    inputs = torch.randn(num_rows, 2, generator=generator) * 0.3 + classes[:, None] * 2.0
    return MemoryPool(inputs), Labels(torch.arange(num_rows), classes), inputs


def train_on_blobs(seed=0, network=moons_mlp, labels=None, validation=None, start=None, precision="float32", **config):
    _, all_labels, inputs = blobs()
    pool = MemoryPool(torch.cat([inputs, inputs]))
    return train(
        network,
        TrainingData(pool, labels or all_labels, TASK, validation=validation),
        config=TrainingConfig(**{"steps": 60, "learning_rate": 1e-2, **config}),
        precision=precision,
        device="cpu",
        seed=seed,
        start=start,
    )


def at_copies(labels):
    """The labels of the same inputs, further on in the pool."""
    return Labels(40 + labels.rows, labels.values)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def test_training_separates_two_blobs():
    _, labels, inputs = blobs()
    assert (train_on_blobs()(inputs).argmax(1) == labels.values).all()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    assert torch.equal(weights(train_on_blobs(1)), weights(train_on_blobs(1)))
    assert not torch.equal(weights(train_on_blobs(1)), weights(train_on_blobs(2)))


def test_global_generators_are_left_as_they_were():
    before = torch.random.get_rng_state()
    train_on_blobs()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_result_does_not_depend_on_the_global_generator():
    torch.manual_seed(5)
    first = weights(train_on_blobs())
    torch.manual_seed(6)
    assert torch.equal(first, weights(train_on_blobs()))


def test_the_network_comes_back_in_eval_mode():
    assert not train_on_blobs().training


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_step():
    def exploding():
        network = moons_mlp()
        nn.init.constant_(network[0].weight, float("inf"))
        return network

    with pytest.raises(FitError, match="at step 1 of 60 on 40 labels") as caught:  # golden message
        train_on_blobs(network=exploding)
    assert (caught.value.step, caught.value.member) == (1, None)


def test_a_fixed_prior_holds_the_weights_the_more_the_fewer_labels():
    few = Labels(torch.arange(8), torch.arange(8) % 2)
    config = {"network": lambda: nn.Linear(2, 2), "prior_precision": 4.0, "steps": 1000}
    assert train_on_blobs(labels=few, **config).weight.norm() < 0.8 * train_on_blobs(**config).weight.norm()


def test_a_fit_with_the_prior_is_the_mode_of_the_posterior():
    """Logistic regression: at the end, the gradient of mean loss + prior_precision / (2 L) w² is zero."""
    _, labels, inputs = blobs()
    module = train_on_blobs(
        network=lambda: nn.Linear(2, 2), prior_precision=4.0, steps=3000, batch_size=40, schedule="cosine"
    )
    loss = nn.functional.cross_entropy(module(inputs), labels.values)
    (gradient,) = torch.autograd.grad(loss, [module.weight])
    assert torch.allclose(gradient, -4.0 / 40 * module.weight, atol=1e-4)


class Viewing(nn.Module):
    """As the usual tutorial writes it: `view` cannot read what lies channels-last."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 3, 3), nn.Linear(3 * 16, 2)

    def forward(self, images):
        features = self.second(self.first(images).relu())
        return self.last(features.view(features.size(0), -1))


def test_a_network_that_views_its_features_is_trained_and_asked_in_the_layout_it_can_read():
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = Labels(torch.arange(20), torch.arange(20) % 2)
    arguments = {"config": TrainingConfig(steps=3), "precision": "float32", "device": "cpu", "seed": 0}
    module = train(Viewing, TrainingData(MemoryPool(images), labels, TASK), **arguments)
    draws = NetworkDraws([module])
    torch.testing.assert_close(draws.predict(images).log_probs[:, 0], module(images).log_softmax(1))
    assert network_features(module, images, precision="float32", device="cpu").shape == (20, 48)


def test_a_network_of_plain_layers_is_laid_out_channels_last():
    def network():
        return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(48, 2))

    labels = Labels(torch.arange(4), torch.arange(4) % 2)
    arguments = {"config": TrainingConfig(steps=1), "precision": "float32", "device": "cpu", "seed": 0}
    module = train(network, TrainingData(MemoryPool(torch.rand(4, 1, 8, 8)), labels, TASK), **arguments)
    assert module[1].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_pool_may_give_tensors_by_the_names_of_the_forward():
    class Sentences(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.last = nn.Embedding(10, 6), nn.Linear(6, 2)

        def forward(self, ids, mask):
            return self.last((self.words(ids) * mask[:, :, None]).sum(1))

    class TextPool:
        ids = torch.randint(10, (30, 5), generator=torch.Generator().manual_seed(0))

        def __len__(self):
            return 30

        def read(self, rows):
            return {"ids": self.ids[rows], "mask": torch.ones(len(rows), 5)}

    labels = Labels(torch.arange(30), ((TextPool.ids > 4).sum(1) > 2).long())
    arguments = {"precision": "float32", "device": "cpu", "seed": 0}
    config = TrainingConfig(steps=400, learning_rate=1e-2)
    module = train(Sentences, TrainingData(TextPool(), labels, TASK), config=config, **arguments)
    given = TextPool().read(labels.rows)
    log_probs = NetworkDraws([module]).predict(given).log_probs
    assert (log_probs[:, 0].argmax(1) == labels.values).double().mean() > 0.9
    assert network_features(module, given, precision="float32", device="cpu").shape == (30, 6)
    with pytest.raises(InputError) as caught:
        train(Sentences, TrainingData(TextPool(), labels, TASK), config=TrainingConfig(shift=1), **arguments)
    assert (caught.value.argument, caught.value.got) == ("training.shift", "tensors by name (ids, mask)")


def test_shifting_what_is_not_an_image_is_refused():
    with pytest.raises(InputError) as caught:
        train_on_blobs(shift=1)
    assert (caught.value.argument, caught.value.got) == ("training.shift", [40, 2])


def test_weight_decay_shrinks_the_weights():
    assert weights(train_on_blobs(weight_decay=0.1)).norm() < 0.8 * weights(train_on_blobs()).norm()


def test_the_cosine_schedule_ends_gently():
    assert not torch.equal(weights(train_on_blobs(schedule="cosine")), weights(train_on_blobs()))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_rate_rises_first_and_then_follows_its_schedule(schedule):
    config = TrainingConfig(steps=12, warmup=3, learning_rate=0.8, schedule=schedule)
    optimizer = make_optimizer([nn.Parameter(torch.zeros(2))], config)
    decay, rates = make_scheduler(optimizer, config, 12), []
    for _ in range(12):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        decay.step()
    settled = [0.8 * (1.0 if schedule == "constant" else 0.5 * (1 + math.cos(math.pi * step / 9))) for step in range(9)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, *settled])


def test_a_warmup_as_long_as_the_training_is_refused():
    with pytest.raises(InputError) as caught:
        TrainingConfig(steps=5, warmup=5)
    assert (caught.value.argument, caught.value.got) == ("training.warmup", 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"learning_rate": -1.0},
        {"weight_decay": -1.0},
        {"prior_precision": -1.0},
        {"shift": -1},
        {"rotate": -1.0},
        {"scale": -0.1},
        {"scale": 1.0},
        {"schedule": "x"},
        {"optimizer": "sgd"},
        {"epochs": -1},
        {"patience": -1},
        {"check_every": 0},
        {"class_weights": (1.0, 0.0)},
        {"class_weights": (float("inf"), 1.0)},
    ],
)
def test_a_wrong_value_names_its_key(wrong):
    with pytest.raises(InputError) as caught:
        TrainingConfig(**wrong)
    ((name, value),) = wrong.items()
    assert (caught.value.argument, caught.value.got) == (f"training.{name}", value)


@pytest.mark.parametrize(("num_labels", "steps"), [(5, 100), (64, 100), (320, 100), (640, 200), (645, 202)])
def test_steps_are_a_floor_and_epochs_count_where_they_ask_for_more(num_labels, steps):
    assert TrainingConfig(steps=100, epochs=10, batch_size=32).num_steps(num_labels) == steps


def test_adamw_shrinks_by_the_step_and_adam_by_the_gradient():
    """On a loss that is flat in a weight, AdamW takes (1 - lr * decay) a step; Adam's normalised step takes lr."""

    class Idle(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            self.idle = nn.Parameter(torch.ones(3))

        def forward(self, inputs):
            return super().forward(inputs) + 0 * self.idle.sum()

    shrunk = {
        name: train_on_blobs(network=Idle, optimizer=name, weight_decay=0.1, steps=10).idle
        for name in ("adam", "adamw")
    }
    torch.testing.assert_close(shrunk["adamw"].detach(), torch.full((3,), (1 - 1e-2 * 0.1) ** 10))
    torch.testing.assert_close(shrunk["adam"].detach(), torch.full((3,), 1 - 10 * 1e-2), atol=1e-3, rtol=0)


def test_class_weights_move_the_fitted_odds():
    """An intercept alone learns the weighted shares of the classes."""
    labels = Labels(torch.arange(40), (torch.arange(40) % 4 == 0).long())  # 30 of class 0, 10 of class 1
    pool = MemoryPool(torch.zeros(40, 2))
    config = TrainingConfig(steps=2000, batch_size=40, learning_rate=1e-2, class_weights=(1.0, 6.0), schedule="cosine")
    arguments = {"config": config, "precision": "float32", "device": "cpu", "seed": 0}
    module = train(lambda: nn.Linear(2, 2), TrainingData(pool, labels, TASK), **arguments)
    assert module(torch.zeros(1, 2)).softmax(1)[0, 1].item() == pytest.approx(60 / 90, abs=1e-3)


def test_class_weights_of_another_number_of_classes_are_refused():
    with pytest.raises(InputError) as caught:
        train_on_blobs(class_weights=(1.0, 1.0, 1.0))
    assert (caught.value.argument, caught.value.got) == ("training.class_weights", 3)


def test_a_warm_start_begins_at_the_weights_it_is_given_and_leaves_them():
    start = train_on_blobs(steps=200)
    before = weights(start).clone()
    tiny = {"steps": 1, "learning_rate": 1e-6}
    assert (weights(train_on_blobs(start=start, **tiny)) - before).abs().max() < 1e-5
    assert (weights(train_on_blobs(**tiny)) - before).abs().max() > 1e-2
    assert torch.equal(weights(start), before)


def test_early_stopping_keeps_the_weights_of_the_lowest_validation_loss():
    """Validation labels that are turned round: every step of training makes them worse, so the first check is best."""
    _, labels, _ = blobs()
    turned = at_copies(Labels(labels.rows, 1 - labels.values))
    early = train_on_blobs(validation=turned, patience=2, check_every=10, steps=200)
    assert torch.equal(weights(early), weights(train_on_blobs(steps=10)))


def test_early_stopping_waits_while_the_validation_loss_falls():
    _, labels, _ = blobs()
    waited = train_on_blobs(validation=at_copies(labels), patience=1, check_every=10, steps=60)
    assert torch.equal(weights(waited), weights(train_on_blobs(steps=60)))


@pytest.mark.parametrize(("given", "patience"), [(True, 0), (False, 3)])
def test_validation_labels_and_patience_go_together(given, patience):
    with pytest.raises(InputError) as caught:
        train_on_blobs(validation=at_copies(blobs()[1]) if given else None, patience=patience)
    assert caught.value.argument == "validation"


def test_an_unknown_precision_is_refused():
    with pytest.raises(InputError) as caught:
        compute_dtype("float16", "cpu")
    assert (caught.value.argument, caught.value.got) == ("precision", "float16")


@pytest.mark.parametrize(("num_labels", "size"), [(70, 64), (20, 20), (64, 64), (1020, 64)])
def test_every_step_sees_equally_many_labels_and_every_label_equally_often(num_labels, size):
    batches = minibatches(num_labels, 64, torch.Generator().manual_seed(0))
    steps = [next(batches) for _ in range(200)]
    assert {len(step) for step in steps} == {size}
    seen = torch.cat(steps).bincount(minlength=num_labels)
    assert seen.max() - seen.min() <= 1


def test_weights_that_are_not_finite_after_the_last_step_are_an_error():
    with pytest.raises(FitError) as caught:
        train_on_blobs(steps=1, learning_rate=1e38, optimizer="adamw", weight_decay=1e38)
    assert caught.value.step == 1


def test_a_validation_loss_that_is_not_finite_is_an_error():
    pool, labels, _ = blobs()
    broken = MemoryPool(torch.cat([pool.read(torch.arange(len(pool))), torch.full((1, 2), float("nan"))]))
    with pytest.raises(FitError):
        train(
            moons_mlp,
            TrainingData(broken, labels, TASK, validation=Labels(torch.tensor([len(pool)]), torch.tensor([0]))),
            config=TrainingConfig(steps=10, patience=1, check_every=5),
            precision="float32",
            device="cpu",
            seed=0,
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_inputs_of_another_precision_than_the_network_are_refused(dtype):
    pool, labels, _ = blobs()
    other = MemoryPool(pool.read(torch.arange(len(pool))).to(dtype))
    with pytest.raises(InputError) as caught:
        train(
            moons_mlp,
            TrainingData(other, labels, TASK),
            config=TrainingConfig(steps=1),
            precision="float32",
            device="cpu",
            seed=0,
        )
    assert (caught.value.argument, caught.value.got) == ("inputs", dtype)


def test_every_step_in_bfloat16_reads_the_weights_of_the_step_before():
    """Autocast keeps rounded weights while an autocast around it is open, and would train on the first ones."""
    _, labels, inputs = blobs()
    plain, rough = (train_on_blobs(steps=200, precision=precision) for precision in ("float32", "bfloat16"))
    losses = [nn.functional.cross_entropy(module(inputs), labels.values).item() for module in (plain, rough)]
    assert losses == pytest.approx([0, 0], abs=2e-2)
    moved = (weights(plain) - weights(train_on_blobs(steps=1))).norm()
    assert (weights(plain) - weights(rough)).norm() < 0.3 * moved


def test_early_stopping_in_bfloat16_reads_the_weights_of_its_step():
    _, labels, _ = blobs()
    few, held_out = Labels(labels.rows[:20], labels.values[:20]), Labels(labels.rows[20:], labels.values[20:])
    stopped = {"labels": few, "validation": held_out, "steps": 100, "check_every": 5, "patience": 3}
    plain, rough = (train_on_blobs(precision=precision, **stopped) for precision in ("float32", "bfloat16"))
    assert (weights(plain) - weights(rough)).norm() < 0.3 * (weights(plain) - weights(train_on_blobs(steps=1))).norm()


def test_features_inside_an_autocast_of_the_caller_are_of_the_weights_as_they_are():
    _, _, inputs = blobs()
    module = moons_mlp()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        module.train()(inputs)  # the caller's autocast keeps these weights, rounded
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.mul_(3)
        inside = network_features(module, inputs, precision="bfloat16", device="cpu")
    assert torch.equal(inside, network_features(module, inputs, precision="bfloat16", device="cpu"))


def test_the_modes_of_the_caller_make_no_difference():
    plain = weights(train_on_blobs(steps=5))
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(weights(train_on_blobs(steps=5)), plain)
    with torch.inference_mode():
        assert torch.equal(weights(train_on_blobs(steps=5)), plain)


def test_a_network_that_draws_from_numpy_is_seeded_and_leaves_its_generator():
    class Noisy(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            self.weight.data += torch.from_numpy(np.random.rand(2, 2)).float()  # noqa: NPY002

    before = str(np.random.get_state())  # noqa: NPY002
    one, two = (train_on_blobs(network=Noisy, steps=2) for _ in range(2))
    assert torch.equal(weights(one), weights(two))
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_a_network_that_casts_its_inputs_itself_is_trained():
    class Casts(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)

        def forward(self, x):
            return super().forward(x.float())

    pool, labels, _ = blobs()
    double = MemoryPool(pool.read(torch.arange(len(pool))).double())
    arguments = {"config": TrainingConfig(steps=20), "precision": "float32", "device": "cpu", "seed": 0}
    assert torch.equal(
        weights(train(Casts, TrainingData(double, labels, TASK), **arguments)),
        weights(train(Casts, TrainingData(pool, labels, TASK), **arguments)),
    )


def test_the_dtype_error_names_the_floats_among_inputs_by_name_and_not_the_mask():
    inputs = {"mask": torch.ones(3, 2, dtype=torch.bool), "image": torch.ones(3, 2).double()}
    dense = nn.Linear(2, 2)
    with pytest.raises(InputError) as caught, explain_dtype_errors(inputs, dense):
        dense(inputs["image"])
    assert (caught.value.argument, caught.value.got) == ("inputs", torch.float64)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("diverges", [0, 49, 50, 70])
def test_a_loss_that_is_not_finite_is_told_by_its_step_also_where_it_is_seen_later(device, diverges):
    """On a GPU losses are looked at now and then; that they lie on one is no matter here."""
    losses = LossMonitor(device, lambda step, loss: f"{loss} at step {step}.")

    def fit():
        for step in range(80):
            losses.add(torch.tensor(math.nan if step >= diverges else 1.0))
        losses.check()

    with pytest.raises(FitError) as caught:
        fit()
    assert caught.value.step == diverges + 1


def test_the_first_member_that_diverges_is_named():
    losses = LossMonitor("cuda", lambda step, loss, member: f"{loss} of member {member} at step {step}")
    losses.add(torch.tensor([1.0, 2.0, 3.0]))
    losses.add(torch.tensor([1.0, math.inf, math.nan]))
    with pytest.raises(FitError) as caught:
        losses.check()
    assert (caught.value.member, caught.value.step) == (1, 2)


def test_a_copy_of_weights_can_be_written_to_whatever_mode_it_was_made_in():
    module = nn.LSTM(2, 3)
    with torch.inference_mode():
        weights = [*copy_network(module).parameters()]
    assert not any(each.is_inference() for each in weights)
    assert all(map(torch.equal, weights, module.parameters()))


def test_a_network_that_gives_up_on_weights_that_are_not_finite_is_told_as_a_fit_that_diverged():
    def fit():
        with LossMonitor("cuda", lambda step, loss: f"{loss} at step {step}.") as losses:
            losses.add(torch.tensor(1.0))
            losses.add(torch.tensor(math.nan))
            raise ValueError("probabilities must not be NaN")

    with pytest.raises(FitError) as caught:
        fit()
    assert caught.value.step == 2


def test_another_error_of_a_network_is_its_own():
    def fit():
        with LossMonitor("cuda", lambda step, loss: f"{loss} at step {step}.") as losses:
            losses.add(torch.tensor(1.0))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        fit()
