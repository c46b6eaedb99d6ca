import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lindley.errors import InputError
from lindley.posteriors.checkpoints import ensemble_from_checkpoints


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


@pytest.fixture
def files(tmp_path):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        modules = [network().eval() for _ in range(3)]
    for index, module in enumerate(modules):
        module[1].running_mean.fill_(index)  # buffers are part of a network too
        save_file(module.state_dict(), tmp_path / f"{index}.safetensors")
    return modules, [tmp_path / f"{index}.safetensors" for index in range(3)]


def test_draws_are_the_networks_of_the_files(files):
    modules, paths = files
    inputs = torch.rand(5, 3)
    log_probs = ensemble_from_checkpoints(network, paths).draw(3, seed=0).predict(inputs).log_probs
    for index, module in enumerate(modules):
        torch.testing.assert_close(log_probs[:, index], module(inputs).log_softmax(1))


def test_a_file_of_another_network_is_named_with_what_differs(files):
    with pytest.raises(InputError) as caught:
        ensemble_from_checkpoints(lambda: nn.Sequential(nn.Linear(7, 4)), files[1][1:])
    assert (caught.value.argument, caught.value.got) == ("paths", str(files[1][1]))
    assert "size mismatch for 0.weight" in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(files, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError) as caught:
        ensemble_from_checkpoints(network, [files[1][0], tmp_path / "bad.safetensors"])
    assert caught.value.argument == "bad.safetensors"


def test_no_files_are_no_ensemble():
    with pytest.raises(InputError) as caught:
        ensemble_from_checkpoints(network, [])
    assert (caught.value.argument, caught.value.got) == ("paths", [])


def test_the_generators_of_the_caller_stay(files):
    before = torch.get_rng_state()
    ensemble_from_checkpoints(network, files[1])
    assert torch.equal(torch.get_rng_state(), before)
