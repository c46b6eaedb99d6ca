"""No public function writes into what a caller hands it, whatever the memory behind it looks like.

The functions are found by their modules, so that a new one is held to this without a line here; a parameter of an
unknown name has to be given an example in ARGUMENTS.
"""

import inspect
from collections.abc import Callable

import pytest
import torch
from sklearn.naive_bayes import GaussianNB
from torch import Tensor, nn

from lindley import information, select
from lindley.acquisition import ACQUISITIONS, TensorCandidates, scores
from lindley.contracts import Classification, Labels, Learner, TrainingData
from lindley.measures import calibration, joint
from lindley.measures import scores as measure_scores
from lindley.pools.memory import MemoryPool
from lindley.posteriors import Bagging, BayesianHead, DeepEnsemble, Forest, GaussianProcess, MCDropout, TrainingConfig
from lindley.posteriors.external_predictions import ArrayPosterior, FunctionPosterior

CLASSES = torch.tensor([0, 2, 1, 3, 3])


def log_probs(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).log_softmax(-1)


ARGUMENTS: dict[str, Callable[[], object]] = {
    "log_probs": lambda: log_probs(5, 3, 4),
    "batch_log_probs": lambda: log_probs(3, 3, 4),
    "batch": lambda: log_probs(4, 3, 4),
    "targets": lambda: log_probs(6, 3, 4),
    "classes": lambda: CLASSES,
    "log_probs_of_true": lambda: log_probs(20, 3),
    "num_draws": lambda: 3,
    "num_configurations": lambda: 50,
    "seed": lambda: 0,
    "loss": lambda: 0.5,
}

FUNCTIONS = {
    f"{module.__name__.removeprefix('lindley.')}.{name}": function
    for module in (information, scores, calibration, joint, measure_scores)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and not name.startswith("_") and function.__module__.startswith(module.__name__)
}
"""Every public function of tensors."""


def as_is(values: Tensor) -> Tensor:
    return values.contiguous()


def reversed_axes(values: Tensor) -> Tensor:
    """All axes stored the other way round: every transpose of neighbours may be contiguous."""
    return values.permute(*reversed(range(values.dim()))).contiguous().permute(*reversed(range(values.dim())))


def last_two_axes_swapped(values: Tensor) -> Tensor:
    return values.mT.contiguous().mT if values.dim() > 1 else values


def first_two_axes_swapped(values: Tensor) -> Tensor:
    return values.transpose(0, 1).contiguous().transpose(0, 1) if values.dim() > 1 else values


def every_other(values: Tensor) -> Tensor:
    """A view of memory of which half belongs to somebody else."""
    return torch.stack([values, values], -1).flatten(-2)[..., ::2] if values.dim() else values


def inside_a_larger_one(values: Tensor) -> Tensor:
    return torch.cat([values[:1], values, values[:1]])[1:-1]


def one_row_many_times(values: Tensor) -> Tensor:
    return values[:1].expand_as(values)


def one_draw_many_times(values: Tensor) -> Tensor:
    return values[:, :1].expand_as(values) if values.dim() == 3 else values


def one_draw(values: Tensor) -> Tensor:
    return values[:, :1].contiguous() if values.dim() == 3 else values


def with_a_graph(values: Tensor) -> Tensor:
    return values.clone().requires_grad_() if values.is_floating_point() else values


def with_a_graph_behind(values: Tensor) -> Tensor:
    return with_a_graph(values) * 1 if values.is_floating_point() else values


LAYOUTS = (
    as_is,
    reversed_axes,
    last_two_axes_swapped,
    first_two_axes_swapped,
    every_other,
    inside_a_larger_one,
    one_row_many_times,
    one_draw_many_times,
    one_draw,
    with_a_graph,
    with_a_graph_behind,
)
DTYPES = (torch.float64, torch.float32, torch.float16)


def memory_of(values: Tensor) -> bytes:
    """All bytes of the storage, those that the tensor does not show too."""
    whole = torch.empty(0, dtype=torch.uint8).set_(values.detach().untyped_storage())
    return bytes(whole.numpy())


@pytest.fixture(autouse=True)
def every_warning_of_torch():
    """Torch says most of its warnings once a process, and so in one test only."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def assert_unchanged(call: Callable[..., object], arguments: dict[str, object]) -> None:
    tensors = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
    before = {name: (memory_of(value), value.stride(), value.requires_grad) for name, value in tensors.items()}
    call(**arguments)
    for name, value in tensors.items():
        assert (memory_of(value), value.stride(), value.requires_grad) == before[name], name


def example_of(name: str, layout: Callable[[Tensor], Tensor], dtype: torch.dtype) -> object:
    value = ARGUMENTS[name]()
    if not isinstance(value, Tensor):
        return value
    return layout(value.to(dtype) if value.is_floating_point() else value)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:.*compares draws, and there is one draw")
def test_no_function_writes_into_its_arguments(name, layout, dtype):
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    needed = [each.name for each in parameters if each.default is inspect.Parameter.empty or each.name in ARGUMENTS]
    arguments = {each: example_of(each, layout, dtype) for each in needed}
    if name.startswith("measures.") and "classes" in needed:
        arguments["log_probs"] = layout(log_probs(5, 4).to(dtype))  # of the average prediction
    assert_unchanged(FUNCTIONS[name], arguments)


def offered(layout: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
    """All tensors that an acquisition may look at."""
    generator = torch.Generator().manual_seed(3)
    return {
        "log_probs": layout(log_probs(12, 5, 4).float()),
        "targets": layout(log_probs(6, 5, 4).float()),
        "features": layout(torch.randn(12, 3, generator=generator)),
        "labelled_features": layout(torch.randn(5, 3, generator=generator)),
        "rows": torch.arange(12),
        "labelled_rows": torch.arange(100, 105),
    }


def choose(name: str, held: bool, tensors: dict[str, Tensor]) -> None:
    given = dict(tensors)
    labelled = given.pop("labelled_rows")
    if held:
        rows = given.pop("rows")
        given["log_probs"], given["targets"] = (
            TensorCandidates(given["log_probs"], rows, chunk_rows=5),
            TensorCandidates(given["targets"]),
        )
    select(acquisition=name, batch_size=3, labelled=labelled, **given)


@pytest.mark.parametrize("held", [False, True], ids=["tensor", "held"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", ACQUISITIONS)
@pytest.mark.filterwarnings("ignore:.*(compares draws|gives 0 to every row)")
def test_no_method_writes_into_what_it_is_offered(name, layout, held):
    assert_unchanged(lambda **tensors: choose(name, held, tensors), offered(layout))


def two_classes() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4, 2))


LEARNERS: dict[str, Learner] = {
    "forest": Forest(2),
    "bagging": Bagging(GaussianNB(), 2),
    "head": BayesianHead(),
    "gaussian process": GaussianProcess(),
    "mc-dropout": MCDropout(two_classes, TrainingConfig(steps=2)),
    "ensemble": DeepEnsemble(two_classes, 2, TrainingConfig(steps=2)),
}


def fit_and_predict(learner: Learner, inputs: Tensor, rows: Tensor, classes: Tensor) -> None:
    posterior = learner.fit(TrainingData(MemoryPool(inputs), Labels(rows, classes), Classification(("a", "b"))), seed=0)
    posterior.draw(2, seed=0).predict(inputs.detach())


DIFFERING = tuple(layout for layout in LAYOUTS if layout is not one_row_many_times)
"""Equal rows teach nothing."""


@pytest.mark.parametrize("layout", DIFFERING, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("name", LEARNERS)
def test_no_learner_writes_into_its_pool_or_labels(name, layout):
    inputs = layout(torch.randn(12, 2, generator=torch.Generator().manual_seed(4)))
    tensors = {"inputs": inputs, "rows": every_other(torch.arange(8)), "classes": every_other(torch.arange(8) % 2)}
    assert_unchanged(lambda **given: fit_and_predict(LEARNERS[name], **given), tensors)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("given", [ArrayPosterior, lambda values: FunctionPosterior(lambda inputs: values[:2], 3)])
@pytest.mark.parametrize("draws", [1, 3])
def test_given_predictions_are_not_written_into(layout, given, draws):
    values = layout(log_probs(2, 3, 4).expand(2, 3, 4).contiguous())
    values = values[:1].expand(2, *values.shape[1:]) if layout is not one_draw else values
    if values.shape[1] < 3:
        pytest.skip("of one draw there are no three")
    rows = torch.tensor([0, 1])
    assert_unchanged(
        lambda values, rows: given(values).draw(draws, seed=0).predict(rows).log_probs, {"values": values, "rows": rows}
    )
