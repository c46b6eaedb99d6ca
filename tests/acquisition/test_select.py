import doctest
import inspect
import itertools
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
    told = {"log_probs": log_probs, "probs": log_probs.exp(), "logits": log_probs + 3.5}[inputs]
    moved = told.permute(["NKC".index(letter) for letter in axes])
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
    with pytest.raises(
        InputError, match=rf"^{name} reads predictions .* there are random, coreset, typiclust, probcover"
    ):
        select(None, name, 5, features=torch.randn(40, 3))


def test_without_predictions_the_candidates_must_be_known():
    with pytest.raises(InputError, match=r"features \[N, D\] or rows \[N\] must say what the candidates are"):
        select(None, "random", 5)
    with pytest.raises(InputError, match="delta='auto' needs the number of classes"):
        select(None, "probcover", 5, features=torch.randn(40, 3))
    with pytest.raises(InputError, match=r"features must be \[N, D\]; got \[40\]"):
        select(None, "coreset", 5, features=torch.randn(40))
    with pytest.raises(InputError, match="a score reads predictions"):
        select(None, lambda log_probs: log_probs[:, 0, 0], 5, features=torch.randn(40, 3))


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
        with pytest.raises(InputError, match=f"no argument '{mistyped}'. Did you mean \"{name}\""):
            select(predictions(), batch_size=3, **{mistyped: None})


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
    with pytest.raises(InputError, match=r"labelled_features must be \[L, D\]; got \[\]"):
        select(predictions(), "coreset", 3, features=np.ones((40, 2)), labelled_features=np.array(1.0))


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
    ("values", "inputs", "words"),
    [
        (with_bad(np.nan), "log_probs", "NaN"),
        (with_bad(np.inf), "log_probs", r"below \+inf"),
        (with_bad(0.0), "log_probs", "sum to one"),
        (with_bad(np.nan, "probs"), "probs", "NaN"),
        (with_bad(np.inf, "probs"), "probs", r"below \+inf"),
        (with_bad(-1e-9, "probs"), "probs", "not be negative"),
        (with_bad(1.5, "probs"), "probs", "sum to one"),
        (with_bad(np.nan), "logits", "NaN"),
        (with_bad(np.inf), "logits", r"below \+inf"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_what_is_no_prediction_is_refused_by_id(values, inputs, words, dtype):
    if dtype == torch.float16 and words == "not be negative":
        values[values < 0] = -1e-4  # what float16 still tells from zero
    for candidates in (values.to(dtype), values.to(dtype).numpy()):
        with pytest.raises(InputError, match=rf"{inputs} must.*{words}.*rows \[103, 108\]"):
            select(candidates, "bald", 3, inputs=inputs, rows=list(range(100, 140)))


def test_logits_that_allow_no_class_are_refused_by_id():
    logits = predictions()
    logits[5, 2] = -torch.inf
    with pytest.raises(InputError, match=r"all are -inf in rows \[5\]"):
        select(logits, "bald", 3, inputs="logits")


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (predictions()[:, 0], {}, r"\[40, 4\].*log_probs\[:, None\]"),
        (predictions()[0, 0], {}, r"must be \[N, K, C\]; got \[4\]"),
        (predictions()[:, :, :1], {}, "C >= 2"),
        (predictions()[:, :0], {}, "K >= 1"),
        (predictions().exp(), {}, 'say so: inputs="probs"'),
        (predictions(), {"inputs": "probs"}, 'say so: inputs="log_probs"'),
        (predictions().transpose(1, 2), {}, 'say axes="NCK"'),
        (predictions(), {"axes": "nkc"}, "NKC, NCK"),
        (predictions(), {"axes": "NK"}, "NKC, NCK"),
        (predictions(), {"inputs": "prob"}, 'Did you mean "probs"'),
        (predictions(), {"rows": [1, 2]}, "each of the 40 candidates; got 2"),
        (predictions(), {"rows": [7] * 40}, r"come twice: \[7\]"),
        (predictions(), {"rows": np.arange(40) / 2}, "whole numbers"),
        (predictions(), {"rows": np.array(["a"] * 40)}, "look names up afterwards"),
        (predictions(), {"batch_size": 41}, "41 of 40"),
        (predictions(), {"acquisition": "badl"}, 'Did you mean "bald"'),
        (
            predictions(),
            {"acquisition": "batchbald", "num_configuration": 9},
            "known: num_configurations.*Did you mean",
        ),
        (predictions(), {"num_configurations": 9}, "bald has no option 'num_configurations'"),
        (predictions(), {"acquisition": torch.numel, "beta": 1}, "takes no options; got beta"),
        (predictions(), {"acquisition": lambda chunk: chunk[:, 0]}, r"-> \[n\]; got \[40, 4\]"),
        (predictions().long(), {}, "floating point"),
        (predictions().numpy().astype(int), {}, "floating point"),
        (TensorCandidates(predictions()), {"axes": "NCK"}, "leave out inputs, axes and rows"),
        (TensorCandidates(predictions()), {"rows": list(range(40))}, "leave out inputs, axes and rows"),
        (predictions(), {"targets": predictions(9, num_draws=5)}, r"same draws.*\[T, 6, 4\]; got \[9, 5, 4\]"),
        (predictions(), {"targets": predictions(9)[:, 0]}, r"targets must be \[N, K, C\]"),
        (predictions(), {"features": torch.ones(39, 2)}, r"features must be \[40, D\]; got \[39, 2\]"),
        (predictions(), {"features": torch.ones(40, 2).log() * np.inf}, r"finite.*places \[0, 1"),
        (
            predictions(),
            {"features": torch.full((40, 2), 1e20)},
            r"features at the places \[0, 1.* infinite in float32",
        ),
        (predictions(), {"labelled_features": torch.ones(3)}, r"must be \[L, D\]; got \[3\]"),
        (
            predictions(),
            {"labelled_features": torch.ones(3, 2), "labelled": torch.arange(2)},
            r"must be \[2, D\]",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_remedy(values, options, words):
    with pytest.raises(InputError, match=words):
        select(values, **{"acquisition": "bald", "batch_size": 3, **options})


def test_bad_targets_are_named_as_targets():
    with pytest.raises(InputError, match=r"targets must not be NaN; it is in rows \[3, 8\]"):
        list(scan_log_probs(to_candidates(with_bad(np.nan), "targets", "log_probs", "NKC")))


@pytest.mark.parametrize("name", [name for name in ACQUISITIONS if ACQUISITIONS[name].requires])
def test_what_a_method_needs_is_asked_for_by_name(name):
    for need in ACQUISITIONS[name].requires - {"labelled_features"}:
        with pytest.raises(InputError, match=need):
            select(predictions(), name, 3, **{key: value for key, value in offered(name).items() if key != need})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"batch_size": 3.0}, r"batch_size must be a whole number; got 3\.0"),
        ({"batch_size": True}, "batch_size must be a whole number; got True"),
        ({"seed": None}, "seed must be a whole number; got None"),
        ({"acquisition": None}, r"acquisition must be a name of lindley\.acquisition\.ACQUISITIONS, or a function"),
        ({"acquisition": lambda log_probs: None}, r"your own returns, \[n\] scores, must be an array"),
        (
            {"acquisition": ACQUISITIONS["bald"].acquisition},
            r"\(context, batch_size, \*, seed\) -> Selection, is called there",
        ),
        ({"acquisition": "BALD"}, 'Did you mean "bald"'),
        ({"features": [[1.0]]}, r"features must be \[40, D\]; got \[1, 1\]"),
        ({"labelled": [1, 1]}, r"labelled must be rows"),
        ({"batch_sise": 3}, "select has no argument 'batch_sise'. Did you mean \"batch_size\""),
        ({"log_probs": predictions()[:0]}, "the candidates hold no rows"),
        ({"acquisition": "epig", "targets": predictions()[:0]}, "the targets hold no rows"),
    ],
)
def test_mistaken_arguments_are_named(given, words, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # as in use
    with pytest.raises(InputError, match=words):
        select(**{"log_probs": predictions(), "acquisition": "bald", "batch_size": 3, **given})


def test_a_whole_number_of_numpy_is_one(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert same(select(predictions(), "bald", np.int64(3)), select(predictions(), "bald", 3))


def test_candidates_that_are_labelled_already_are_refused_by_their_rows():
    labelled = torch.tensor([108, 3])
    with pytest.raises(InputError, match=r"labelled already: rows \[108\]"):
        select(predictions(), "bald", 3, rows=list(range(100, 140)), labelled=labelled)
    select(predictions(), "bald", 3, labelled=labelled)  # places in an array are not rows of the labels' pool


@pytest.mark.parametrize("name", ACQUISITIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_that_all_say_the_same_are_told_where_draws_are_compared(name, dtype):
    given = offered(name)
    if "targets" in given:
        given["targets"] = given["targets"].to(dtype)[:, :1].expand(-1, 5, -1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        select(predictions(dtype=dtype)[:, :1].expand(-1, 5, -1), name, 3, **given)
    said = [str(each.message) for each in caught if issubclass(each.category, UserWarning)]
    told = f"{name} gives 0 to every row that it chose: the draws say the same of them"
    assert [text.startswith(told) for text in said] == [True] * ACQUISITIONS[name].disagreement_based


def test_a_score_of_ones_own_may_write_into_what_it_is_given():
    log_probs = predictions()
    before = log_probs.clone()
    select(log_probs, lambda given: given.exp_().std(1).sum(1), 3)
    assert torch.equal(log_probs, before)


@pytest.mark.parametrize("value", [np.int64(200), np.uint8(200)])
def test_options_may_be_numbers_of_numpy(value):
    plain = select(predictions(), "batchbald", 3, num_configurations=200)
    assert torch.equal(select(predictions(), "batchbald", 3, num_configurations=value).rows, plain.rows)
