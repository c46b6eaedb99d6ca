"""What every posterior promises: draws are functions, frozen, normalised, reproducible; nothing else changes."""

import multiprocessing
import pickle
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from cases import CASES, DEVICE, Fitted
from in_another_process import log_probs_and_untouched

from lindley.contracts import Categorical
from lindley.errors import InputError
from lindley.posteriors.storage import KINDS, load_posterior, save_posterior


@cache
def fitted(name: str, seed: int) -> Fitted:
    return CASES[name](seed)


@pytest.fixture(params=CASES)
def case(request):
    return fitted(request.param, 0)


@pytest.fixture(scope="session")
def other_process():
    """One that knows nothing of this one but what is pickled."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def draws_of(case, seed=1):
    return case.posterior.draw(case.num_draws, seed=seed)


def rows_of(inputs, rows):
    """Some rows of a tensor, of tensors by name, or of a list."""
    if isinstance(inputs, torch.Tensor):
        return inputs[rows]
    if isinstance(inputs, Mapping):
        return {name: value[rows] for name, value in inputs.items()}
    return [inputs[row] for row in rows]


def num_rows(inputs):
    return len(next(iter(inputs.values()))) if isinstance(inputs, Mapping) else len(inputs)


def test_predictions_are_normalised_log_probabilities_in_float32(case):
    predicted = draws_of(case).predict(case.inputs)
    assert isinstance(predicted, Categorical)
    log_probs = predicted.log_probs
    assert log_probs.shape[:2] == (num_rows(case.inputs), case.num_draws)
    assert log_probs.dtype == torch.float32
    torch.testing.assert_close(log_probs.exp().sum(-1).cpu(), torch.ones(log_probs.shape[:2]))


def test_a_draw_is_the_same_function_in_any_order_chunk_and_call(case):
    draws, inputs, n = draws_of(case), case.inputs, num_rows(case.inputs)
    whole = draws.predict(inputs).log_probs
    order = torch.randperm(n, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(draws.predict(rows_of(inputs, order)).log_probs, whole[order])
    chunks = [draws.predict(rows_of(inputs, rows)).log_probs for rows in torch.arange(n).split(5)]  # the last is short
    torch.testing.assert_close(torch.cat(chunks), whole)
    torch.testing.assert_close(draws.predict(rows_of(inputs, torch.tensor([n - 1]))).log_probs, whole[n - 1 :])
    assert torch.equal(draws.predict(inputs).log_probs, whole)


def test_the_first_call_does_not_decide_the_masks(case):
    whole = draws_of(case).predict(case.inputs).log_probs
    draws = draws_of(case)
    draws.predict(rows_of(case.inputs, torch.tensor([3])))
    torch.testing.assert_close(draws.predict(case.inputs).log_probs, whole)


def test_draws_are_the_same_functions_in_another_process(case, other_process):
    draws = draws_of(case)
    there, untouched = other_process.submit(log_probs_and_untouched, draws, case.inputs).result()
    here = draws.predict(case.inputs).log_probs
    assert torch.equal(there, here.cpu())
    assert untouched == {"torch": True, "numpy": True, "python": True}
    used = pickle.loads(pickle.dumps(draws))
    assert used.id == draws.id
    assert torch.equal(used.predict(case.inputs).log_probs, here)


def test_draws_differ_from_each_other(case):
    log_probs = draws_of(case).predict(case.inputs).log_probs
    for draw in range(1, case.num_draws):
        assert not torch.allclose(log_probs[:, 0], log_probs[:, draw], atol=1e-4)


def test_two_seeds_give_other_draws(case):
    one, two = draws_of(case, seed=1), draws_of(case, seed=2)
    if one.id == two.id:  # all members of an ensemble are one set of draws whatever the seed
        assert torch.equal(one.predict(case.inputs).log_probs, two.predict(case.inputs).log_probs)
        one, two = (case.posterior.draw(case.num_draws - 2, seed=seed) for seed in (1, 3))
    assert one.id != two.id
    assert not torch.allclose(one.predict(case.inputs).log_probs, two.predict(case.inputs).log_probs, atol=1e-4)


@pytest.mark.parametrize("name", CASES)
def test_fitting_and_drawing_again_with_the_same_seeds_gives_the_same_numbers(name):
    one, two = fitted(name, 0), CASES[name](0)
    assert draws_of(one).id == draws_of(two).id
    assert torch.equal(draws_of(one).predict(one.inputs).log_probs, draws_of(two).predict(two.inputs).log_probs)


@pytest.mark.parametrize("name", CASES)
def test_another_fit_has_another_id(name):
    assert draws_of(fitted(name, 0)).id != draws_of(fitted(name, 4)).id


def test_extreme_logits_survive(case):
    if case.extreme is None:
        pytest.skip("a posterior of this kind has no large logits")
    posterior, inputs = case.extreme
    log_probs = posterior.draw(case.num_draws, seed=1).predict(inputs).log_probs
    assert log_probs.min() < -100
    assert log_probs.isfinite().all()
    torch.testing.assert_close(log_probs.exp().sum(-1).cpu(), torch.ones(log_probs.shape[:2]))


def test_saved_and_loaded_it_gives_the_same_numbers(case, tmp_path):
    if not case.stored:
        pytest.skip("a posterior of this kind is not saved")
    save_posterior(case.posterior, tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} == {".safetensors", ".json"}
    given = {} if case.network is None else {"network": case.network}
    one, two = draws_of(case), load_posterior(tmp_path, **given, device=DEVICE).draw(case.num_draws, seed=1)
    assert one.id == two.id
    first, second = one.predict(case.inputs).log_probs, two.predict(case.inputs).log_probs
    if first.device == second.device:  # what was given as an array lies where the array does, until it is loaded
        assert torch.equal(first, second)
    torch.testing.assert_close(first.cpu(), second.cpu())


@pytest.mark.skipif(DEVICE == "cpu", reason="for a GPU: LINDLEY_TEST_DEVICE=cuda")
def test_saved_on_a_gpu_and_loaded_on_a_cpu_it_gives_the_same_numbers_up_to_rounding(case, tmp_path):
    if not case.stored:
        pytest.skip("a posterior of this kind is not saved")
    save_posterior(case.posterior, tmp_path)
    given = {} if case.network is None else {"network": case.network}
    here = load_posterior(tmp_path, **given, device="cpu").draw(case.num_draws, seed=1).predict(case.inputs).log_probs
    there = draws_of(case).predict(case.inputs).log_probs
    assert here.device.type == "cpu"
    torch.testing.assert_close(there.cpu(), here, rtol=1e-4, atol=1e-4)


def test_every_kind_that_is_saved_is_tested():
    assert {type(fitted(name, 0).posterior) for name in CASES} >= {resolve_name(path) for path in KINDS.values()}


@pytest.mark.parametrize("name", CASES)
def test_fitting_and_loading_change_no_global_state(name, tmp_path):
    CASES[name](0)  # what is made once for all, such as a cache of torch's
    before = snapshot(None)
    case = CASES[name](0)
    if case.stored:
        save_posterior(case.posterior, tmp_path)
        load_posterior(tmp_path, **({} if case.network is None else {"network": case.network}))
    assert snapshot(None) == before


def test_the_modes_of_the_caller_change_no_number(case):
    plain = draws_of(case).predict(case.inputs).log_probs
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.autocast(DEVICE, dtype=torch.bfloat16):
        assert torch.equal(draws_of(case).predict(case.inputs).log_probs, plain)
    with torch.inference_mode():
        assert torch.equal(draws_of(case).predict(case.inputs).log_probs, plain)


def test_nothing_of_the_caller_and_no_global_state_changes(case, tmp_path):
    before, inputs = snapshot(case.module), pickle.dumps(case.inputs)
    draws = draws_of(case)
    draws.predict(case.inputs)
    pickle.loads(pickle.dumps(draws)).predict(case.inputs)
    if case.stored:
        save_posterior(case.posterior, tmp_path)
    assert snapshot(case.module) == before
    assert pickle.dumps(case.inputs) == inputs


def test_the_grad_mode_of_the_caller_stays_and_nothing_asks_for_gradients(case):
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            log_probs = draws_of(case).predict(case.inputs).log_probs
            assert torch.is_grad_enabled() == enabled
            assert not log_probs.requires_grad


def test_too_few_draws_are_refused(case):
    with pytest.raises(InputError) as caught:
        case.posterior.draw(0, seed=0)
    assert (caught.value.argument, caught.value.got) == ("num_draws", 0)


def snapshot(module):
    """All that could be left changed, but Python's generator, which beartype draws from here: see the other process."""
    state = [
        torch.get_rng_state().tolist(),
        str(np.random.get_state()),  # noqa: NPY002
        torch.is_grad_enabled(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_autocast_dtype("cpu"),
        torch.get_num_threads(),
        torch.get_default_dtype(),
    ]
    for name, layer in [] if module is None else module.named_modules():
        state.append((name, type(layer), id(layer), layer.training, sorted(vars(layer))))
        state.append([len(vars(layer)[kind]) for kind in vars(layer) if kind.endswith("_hooks")])
    for name, value in {} if module is None else module.state_dict().items():
        state.append((name, value.tolist(), value.stride(), value.data_ptr()))
    return state
