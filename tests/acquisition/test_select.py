import doctest
import inspect
import itertools
import math
import re
import warnings

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lindley import InputError, Selection, select
from lindley.acquisition import ACQUISITIONS, TensorCandidates
from lindley.acquisition import select as select_module
from lindley.acquisition.checks import scan_log_probs
from lindley.acquisition.select_arguments import to_candidates
from lindley.errors import InputWarning
from lindley.information.layouts import AXES, INPUTS


def predictions(num_rows=40, num_draws=6, num_classes=4, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.randn(num_rows, num_draws, num_classes, generator=generator, dtype=dtype)).log_softmax(-1)


def offered(name):
    """What a method needs besides the candidates' predictions."""
    generator = torch.Generator().manual_seed(5)
    everything = {
        "targets": predictions(9, seed=1),
        "features": torch.randn(40, 3, generator=generator),
        "labelled_features": torch.randn(4, 3, generator=generator),
    }
    return {key: everything[key] for key in sorted(ACQUISITIONS[name].requires)}


def same(first, second):
    return first.rows.tolist() == second.rows.tolist() and torch.equal(first.scores, second.scores)


def test_the_example_of_the_docstring_runs():
    assert doctest.testmod(select_module).failed == 0
    assert doctest.testmod(select_module).attempted > 3


def test_bald_of_a_closed_form():
    agree, disagree = [[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]
    doubt = [[0.5, 0.5], [0.5, 0.5]]
    selection = select(np.array([agree, doubt, disagree]), "bald", 1, inputs="probs")
    assert selection.rows.tolist() == [2]
    assert selection.scores.tolist() == pytest.approx([np.log(2)], abs=1e-12)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_method_takes_tensor_array_and_lazy_predictions_alike(name):
    log_probs, more = predictions(), offered(name)
    arrays = {key: value.numpy() for key, value in more.items()}
    lazy = {key: TensorCandidates(value, draws_id="one") if key == "targets" else value for key, value in more.items()}
    first = select(log_probs, name, 5, seed=2, **more)
    assert same(first, select(log_probs.numpy(), name, 5, seed=2, **arrays))
    assert same(first, select(TensorCandidates(log_probs, draws_id="one"), name, 5, seed=2, **lazy))
    assert same(first, select(TensorCandidates(log_probs, draws_id="one"), name, 5, seed=2, **arrays))


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_every_method_takes_half_precision_and_exact_zeros(name):
    probs = predictions().exp()
    probs[:20, :, 0] = 0
    probs = (probs / probs.sum(2, keepdim=True)).to(torch.float16)
    selection = select(probs.numpy(), name, 5, inputs="probs", **{**offered(name), **half_targets(name)})
    assert selection.rows.unique().numel() == 5
    assert selection.scores.isfinite().all()
    assert selection.scores.dtype in (torch.float32, torch.float64)


def half_targets(name):
    return {"targets": predictions(9, seed=1).exp().half().numpy()} if "targets" in ACQUISITIONS[name].requires else {}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(AXES),
    st.sampled_from(INPUTS),
    st.sampled_from(["bald", "margin", "batchbald"]),
    st.tuples(st.integers(3, 12), st.integers(2, 5), st.integers(2, 5)),
    st.integers(0, 99),
)
def test_axes_and_kind_of_numbers_do_not_change_the_choice(axes, inputs, name, shape, seed):
    log_probs = predictions(*shape, seed=seed)
    values = {"log_probs": log_probs, "probs": log_probs.exp(), "logits": log_probs + 3.5}[inputs]
    moved = values.permute(["NKC".index(letter) for letter in axes])
    first, second = select(log_probs, name, 3), select(moved, name, 3, axes=axes, inputs=inputs)
    assert first.rows.tolist() == second.rows.tolist()
    assert torch.allclose(first.scores, second.scores, atol=1e-9)
    assert same(second, select(moved.numpy(), name, 3, axes=axes, inputs=inputs))


def test_every_order_of_axes_is_allowed():
    assert set(AXES) == {"".join(letters) for letters in itertools.permutations("NKC")}


def test_float16_chooses_as_the_numbers_that_it_rounds():
    log_probs = predictions().half()
    rounded = log_probs.double().log_softmax(-1)
    assert select(log_probs, "bald", 8).rows.tolist() == select(rounded, "bald", 8).rows.tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, ">f4", ">f8"])
def test_arrays_that_are_read_only_reversed_or_of_foreign_bytes_are_read_as_they_are(dtype):
    array = predictions().numpy().astype(dtype)
    first = select(predictions().numpy().astype(array.dtype.newbyteorder("=")), "bald", 6)
    array.flags.writeable = False
    assert same(first, select(array, "bald", 6))
    assert same(first, select(array[::-1], "bald", 6, rows=np.arange(40)[::-1]))


@pytest.mark.parametrize("name", [name for name, method in ACQUISITIONS.items() if method.prediction_free])
def test_what_reads_no_predictions_chooses_the_same_without_any(name):
    log_probs, features = predictions(), torch.randn(40, 3, generator=torch.Generator().manual_seed(1))
    options = {"delta": 0.5} if name == "probcover" else {}
    given = {"features": features, "labelled_features": features[:4] + 1} if ACQUISITIONS[name].requires else {}
    for rows in [torch.arange(100, 140), None] if given else [torch.arange(100, 140)]:
        without = select(None, name, 5, rows=rows, **given, **options)
        assert same(without, select(log_probs, name, 5, rows=rows, **given, **options))


@pytest.mark.parametrize("name", [name for name, method in ACQUISITIONS.items() if not method.prediction_free])
def test_what_reads_predictions_is_refused_without_any(name):
    with pytest.raises(InputError) as caught:
        select(None, name, 5, features=torch.randn(40, 3))
    assert caught.value.argument == "log_probs"
    assert all(other in str(caught.value) for other in ("random", "coreset", "typiclust", "probcover"))


@pytest.mark.parametrize(
    ("acquisition", "features", "argument"),
    [
        ("random", None, "features"),
        ("probcover", torch.ones(40, 3), "delta"),
        ("coreset", torch.ones(40), "features"),
        (lambda log_probs: log_probs[:, 0, 0], torch.ones(40, 3), "log_probs"),
    ],
)
def test_without_predictions_the_candidates_must_be_known(acquisition, features, argument):
    with pytest.raises(InputError) as caught:
        select(None, acquisition, 5, features=features)
    assert caught.value.argument == argument


def test_nothing_is_changed_in_place():
    probs = predictions().exp()
    tensor, array = probs.clone(), probs.numpy().copy()
    select(tensor, inputs="probs", batch_size=4)
    select(array, inputs="probs", batch_size=4)
    assert torch.equal(tensor, probs)
    assert np.array_equal(array, probs.numpy())


def test_a_tensor_with_a_gradient_is_read():
    assert (
        select(predictions().requires_grad_(), "bald", 3).rows.tolist()
        == select(predictions(), "bald", 3).rows.tolist()
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_tensor_on_a_gpu_leads_to_the_same_choice():
    first, second = select(predictions(), "bald", 5), select(predictions().cuda(), "bald", 5)
    assert first.rows.tolist() == second.rows.tolist()
    assert second.scores.device.type == "cpu"


@pytest.mark.parametrize("rows", [list(range(500, 540)), np.arange(500, 540, dtype=np.int32), torch.arange(500, 540)])
def test_rows_are_the_ids_of_the_candidates(rows):
    first, second = select(predictions(), "bald", 3), select(predictions(), "bald", 3, rows=rows)
    assert [row + 500 for row in first.rows.tolist()] == second.rows.tolist()


def test_the_choice_does_not_depend_on_the_order_of_the_candidates():
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    first, second = select(predictions(), "bald", 5), select(predictions()[order], "bald", 5, rows=order)
    assert first.rows.tolist() == second.rows.tolist()


def test_a_function_of_ones_own_chooses_its_largest_scores():
    log_probs = predictions()
    selection = select(log_probs, lambda chunk: chunk[:, 0, 0], 4)
    assert selection.rows.tolist() == log_probs[:, 0, 0].argsort(descending=True)[:4].tolist()
    assert same(selection, select(log_probs.numpy(), lambda chunk: chunk.numpy()[:, 0, 0], 4))


def test_options_reach_the_method():
    assert select(predictions(), batch_size=4, num_configurations=4).diagnostics["exact_picks"] == 2
    assert select(predictions(), batch_size=4, num_configurations=64).diagnostics["exact_picks"] == 4


def test_no_option_of_a_method_has_the_name_of_an_argument():
    arguments = set(inspect.signature(select).parameters) - {"options"}
    taken = {name: set(method.option_names) & arguments for name, method in ACQUISITIONS.items()}
    assert {name: names for name, names in taken.items() if names} == {}


@pytest.mark.parametrize("name", [*inspect.signature(select).parameters][:-1])
def test_an_argument_that_lacks_a_letter_is_named(name):
    for place in range(1, len(name)):
        mistyped = name[:place] + name[place + 1 :]
        with pytest.raises(InputError, match=f'"{name}"') as caught:  # golden message: the nearest
            select(predictions(), batch_size=3, **{mistyped: None})
        assert caught.value.argument == mistyped


def test_no_option_of_a_method_is_taken_for_a_mistyped_argument():
    for name, method in ACQUISITIONS.items():
        for option in set(method.option_names) - {"options"}:
            with pytest.raises(InputError) as caught:  # there are no candidates
                select(None, name, **{option: "?"})
            assert "has no argument" not in str(caught.value), (name, option)


def seen_by(monkeypatch, **offers):
    """The context that a method is shown."""
    contexts = []

    def choose(context, batch_size, *, seed):
        contexts.append(context)
        return Selection(context.candidates.rows[:1], torch.ones(1))

    monkeypatch.setattr(select_module, "acquisition_named", lambda name, options: choose)
    select(predictions(), "bald", **offers)
    return contexts[0]


def test_labelled_features_alone_are_of_rows_that_no_candidate_has(monkeypatch):
    context = seen_by(monkeypatch, labelled_features=np.ones((3, 2)), rows=list(range(7, 47)))
    assert context.labelled.tolist() == [47, 48, 49]
    assert context.labelled_features.shape == (3, 2)


def test_labelled_features_that_are_no_matrix_are_refused():
    with pytest.raises(InputError) as caught:
        select(predictions(), "coreset", 3, features=np.ones((40, 2)), labelled_features=np.array(1.0))
    assert (caught.value.argument, caught.value.got) == ("labelled_features", [])


def test_labels_are_handed_on(monkeypatch):
    assert seen_by(monkeypatch, labelled=[90, 80]).labelled.tolist() == [90, 80]
    assert len(seen_by(monkeypatch).labelled) == 0


def test_targets_that_are_an_array_are_of_the_candidates_draws(monkeypatch):
    context = seen_by(monkeypatch, targets=predictions(9, seed=1))
    assert context.targets.draws_id == context.candidates.draws_id
    assert (len(context.targets.rows), context.targets.num_draws) == (9, 6)


def with_bad(value, inputs="log_probs"):
    values = predictions()
    values = values.exp() if inputs == "probs" else values
    values[[3, 8], 1, 2] = value
    return values


@pytest.mark.parametrize(
    ("values", "inputs", "fault"),
    [
        (with_bad(np.nan), "log_probs", "NaN"),
        (with_bad(np.inf), "log_probs", "+inf"),
        (with_bad(0.0), "log_probs", "sum to one"),
        (with_bad(np.nan, "probs"), "probs", "NaN"),
        (with_bad(np.inf, "probs"), "probs", "+inf"),
        (with_bad(-1e-9, "probs"), "probs", "negative"),
        (with_bad(1.5, "probs"), "probs", "sum to one"),
        (with_bad(np.nan), "logits", "NaN"),
        (with_bad(np.inf), "logits", "+inf"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_what_is_no_prediction_is_refused_by_id(values, inputs, fault, dtype):
    if dtype == torch.float16 and fault == "negative":
        values[values < 0] = -1e-4  # what float16 still tells from zero
    for candidates in (values.to(dtype), values.to(dtype).numpy()):
        with pytest.raises(InputError) as caught:
            select(candidates, "bald", 3, inputs=inputs, rows=list(range(100, 140)))
        error = caught.value
        assert (error.argument, error.rows) == (inputs, (103, 108))
        assert fault in error.expected


def test_logits_that_allow_no_class_are_refused_by_id():
    logits = predictions()
    logits[5, 2] = -torch.inf
    with pytest.raises(InputError) as caught:
        select(logits, "bald", 3, inputs="logits")
    assert (caught.value.argument, caught.value.rows) == ("logits", (5,))


@pytest.mark.parametrize(
    ("values", "options", "argument"),
    [
        (predictions()[:, 0], {}, "log_probs"),
        (predictions()[0, 0], {}, "log_probs"),
        (predictions()[:, :, :1], {}, "log_probs"),
        (predictions()[:, :0], {}, "log_probs"),
        (predictions().long(), {}, "log_probs"),
        (predictions().numpy().astype(int), {}, "log_probs"),
        (predictions()[:0], {}, "candidates"),
        (predictions(), {"axes": "nkc"}, "axes"),
        (predictions(), {"axes": "NK"}, "axes"),
        (predictions(), {"inputs": "prob"}, "inputs"),
        (predictions(), {"rows": [1, 2]}, "rows"),
        (predictions(), {"rows": [7] * 40}, "rows"),
        (predictions(), {"rows": np.arange(40) / 2}, "rows"),
        (predictions(), {"rows": np.array(["a"] * 40)}, "rows"),
        (predictions(), {"rows": np.ones((40, 1), int)}, "rows"),
        (predictions(), {"batch_size": 41}, "batch_size"),
        (predictions(), {"batch_size": 0}, "batch_size"),
        (predictions(), {"batch_size": 3.0}, "batch_size"),
        (predictions(), {"batch_size": True}, "batch_size"),
        (predictions(), {"seed": None}, "seed"),
        (predictions(), {"batch_sise": 3}, "batch_sise"),
        (predictions(), {"acquisition": "badl"}, "acquisition"),
        (predictions(), {"acquisition": None}, "acquisition"),
        (predictions(), {"acquisition": ACQUISITIONS["bald"].acquisition}, "acquisition"),
        (predictions(), {"acquisition": lambda chunk: chunk[:, 0]}, "the scores that a function of your own returns"),
        (predictions(), {"acquisition": lambda chunk: None}, "the scores that a function of your own returns"),
        (predictions(), {"acquisition": torch.numel, "beta": 1}, "beta"),
        (predictions(), {"acquisition": "batchbald", "num_configuration": 9}, "num_configuration"),
        (predictions(), {"num_configurations": 9}, "num_configurations"),
        (TensorCandidates(predictions()), {"axes": "NCK"}, "log_probs"),
        (TensorCandidates(predictions()), {"rows": list(range(40))}, "log_probs"),
        (predictions(), {"targets": predictions(9, num_draws=5)}, "targets"),
        (predictions(), {"targets": predictions(9)[:, 0]}, "targets"),
        (predictions(), {"acquisition": "epig", "targets": predictions()[:0]}, "targets"),
        (predictions(), {"features": torch.ones(39, 2)}, "features"),
        (predictions(), {"features": [[1.0]]}, "features"),
        (predictions(), {"features": torch.ones(40, 2).log() * np.inf}, "features"),
        (predictions(), {"features": torch.full((40, 2), 1e20)}, "features"),
        (predictions(), {"labelled_features": torch.ones(3)}, "labelled_features"),
        (predictions(), {"labelled_features": torch.ones(3, 2), "labelled": torch.arange(2)}, "labelled_features"),
        (predictions(), {"labelled": [1, 1]}, "labelled"),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_argument(values, options, argument, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as in use
    with pytest.raises(InputError) as caught:
        select(values, **{"acquisition": "bald", "batch_size": 3, **options})
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("values", "options", "advised"),
    [
        (predictions().exp(), {}, ("inputs",)),
        (predictions(), {"inputs": "probs"}, ("inputs", "inputs")),
        (predictions().transpose(1, 2), {}, ("axes",)),
    ],
)
def test_what_may_have_been_meant_is_advised(values, options, advised):
    with pytest.raises(InputError) as caught:
        select(values, "bald", 3, **options)
    assert caught.value.arguments == advised
    assert caught.value.rows == tuple(range(40))


def test_the_message_says_what_was_wrong_what_was_expected_and_what_to_do():
    with pytest.raises(InputError) as caught:
        select(predictions().exp(), "bald", 3)
    # golden message
    assert re.fullmatch(
        r"log_probs must be logarithms of probabilities that sum to one over the classes; they sum to \S+ in rows "
        r"\[0, 1, 2, 3, 4, 5, 6, 7, 8, 9\] and 30 more\. They look like probabilities; say so: "
        r'inputs="probs"\.',
        str(caught.value),
    )


def test_bad_targets_are_named_as_targets():
    with pytest.raises(InputError) as caught:
        list(scan_log_probs(to_candidates(with_bad(np.nan), "targets", "log_probs", "NKC")))
    assert (caught.value.argument, caught.value.rows) == ("targets", (3, 8))


@pytest.mark.parametrize("name", [name for name in ACQUISITIONS if ACQUISITIONS[name].requires])
def test_what_a_method_requires_is_named(name):
    for need in ACQUISITIONS[name].requires - {"labelled_features"}:
        with pytest.raises(InputError) as caught:
            select(predictions(), name, 3, **{key: value for key, value in offered(name).items() if key != need})
        assert need in caught.value.arguments


def test_a_whole_number_of_numpy_is_one(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert same(select(predictions(), "bald", np.int64(3)), select(predictions(), "bald", 3))


def test_candidates_that_are_labelled_already_are_refused_by_their_rows():
    labelled = torch.tensor([108, 3])
    with pytest.raises(InputError) as caught:
        select(predictions(), "bald", 3, rows=list(range(100, 140)), labelled=labelled)
    assert (caught.value.argument, caught.value.rows) == ("labelled", (108,))
    select(predictions(), "bald", 3, labelled=labelled)  # places in an array are not rows of the labels' pool


@pytest.mark.parametrize("name", ACQUISITIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_that_agree_are_warned_of_where_draws_are_compared(name, dtype):
    given = offered(name)
    if "targets" in given:
        given["targets"] = given["targets"].to(dtype)[:, :1].expand(-1, 5, -1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        select(predictions(dtype=dtype)[:, :1].expand(-1, 5, -1), name, 3, **given)
    found = [each for each in caught if issubclass(each.category, InputWarning)]
    assert len(found) == ACQUISITIONS[name].disagreement_based


def test_a_score_of_ones_own_may_write_into_what_it_is_given():
    log_probs = predictions()
    before = log_probs.clone()
    select(log_probs, lambda given: given.exp_().std(1).sum(1), 3)
    assert torch.equal(log_probs, before)


@pytest.mark.parametrize("value", [np.int64(200), np.uint8(200)])
def test_options_may_be_numbers_of_numpy(value):
    plain = select(predictions(), "batchbald", 3, num_configurations=200)
    assert torch.equal(select(predictions(), "batchbald", 3, num_configurations=value).rows, plain.rows)


@pytest.mark.parametrize("fault", ["missing", "not finite", "too large"])
@pytest.mark.parametrize("name", ["log_probs", "features", "labelled_features"])
def test_errors_of_arrays_carry_the_rows_of_the_pool(name, fault):
    if name == "log_probs" and fault == "too large":
        pytest.skip("log-probabilities are at most 0")
    arrays = {
        "log_probs": predictions(3).numpy(),
        "features": np.ones((3, 2), dtype=np.float32),
        "labelled_features": np.ones((3, 2), dtype=np.float32),
    }
    if fault == "missing":
        arrays[name] = np.ma.masked_array(arrays[name], mask=False)
        arrays[name][1] = np.ma.masked
    else:
        arrays[name][1] = math.nan if fault == "not finite" else 1e30
    method = "badge" if name == "log_probs" else "coreset"  # CoreSet reads no predictions
    with pytest.raises(InputError) as caught:
        select(**arrays, acquisition=method, batch_size=1, rows=[20, 21, 22], labelled=[8, 9, 10])
    assert (caught.value.argument, caught.value.rows) == (name, (9,) if name == "labelled_features" else (21,))
