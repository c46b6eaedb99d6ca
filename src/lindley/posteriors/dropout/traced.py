"""A network with a forward of its own as a plain list of layers, where it is one: conv -> F.relu -> pool -> linear.

torch.fx runs the forward on a stand-in and keeps the graph of what is called. A straight chain of known operations is
written as layers, which the folded path computes; anything else is none of our business here and gives None.
"""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from lindley.posteriors.dropout.folded import layers_of
from lindley.training.network_copies import duplicate
from lindley.training.random_state import fork_rng

_POINTWISE: dict[Any, type[nn.Module]] = {
    functional.relu: nn.ReLU,
    torch.relu: nn.ReLU,
    "relu": nn.ReLU,
    functional.tanh: nn.Tanh,
    torch.tanh: nn.Tanh,
    "tanh": nn.Tanh,
    functional.sigmoid: nn.Sigmoid,
    torch.sigmoid: nn.Sigmoid,
    "sigmoid": nn.Sigmoid,
    functional.silu: nn.SiLU,
}
_WITH_OPTIONS: dict[Any, tuple[type[nn.Module], tuple[str, ...]]] = {
    functional.leaky_relu: (nn.LeakyReLU, ("negative_slope",)),
    functional.elu: (nn.ELU, ("alpha",)),
    functional.gelu: (nn.GELU, ("approximate",)),
    functional.softplus: (nn.Softplus, ("beta", "threshold")),
    functional.max_pool2d: (
        nn.MaxPool2d,
        ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    ),
    functional.avg_pool2d: (
        nn.AvgPool2d,
        ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    ),
}


def chain_of(module: nn.Module) -> list[nn.Module] | None:
    """Layers that compute, in order, what the module's forward does; None where it is no such chain.

    The layers that the module has are given themselves, functions as layers made for them; a log-softmax at the end is
    left out, since draws are normalised in any case. The module is not changed.
    """
    if any(layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer) for layer in module.modules()):
        return None
    # Another graph in training mode: what it would leave out in eval mode may be random. Under another seed: it is.
    graphs: list[fx.Graph] = []
    for training, seed in itertools.product((False, True), (1, 2)):
        graph = _graph(module, training=training, seed=seed)
        if graph is None or (graphs and _described(graph) != _described(graphs[0])):
            return None
        graphs.append(graph)
    layers = _layers(graphs[0], module)
    return layers_of(nn.Sequential(*layers)) if layers is not None and _widths_fit(layers) else None


def reads_vectors(layers: Sequence[nn.Module], row: Tensor) -> bool:
    """Whether each dense layer reads [n, D] and each convolution [n, C, H, W], as folding takes for granted."""
    for layer in layers:
        if row.dim() != {nn.Linear: 2, nn.Conv2d: 4}.get(type(layer), row.dim()):
            return False
        row = layer(row)
    return True


def _graph(module: nn.Module, *, training: bool, seed: int) -> fx.Graph | None:
    """None where it cannot be told, or where the forward draws random numbers to decide what to call."""
    with fork_rng(seed, "cpu") as moved:
        try:
            graph = fx.Tracer().trace(duplicate(module)[0].train(training))
        except Exception:  # the forward is the user's, and a stand-in may make it raise anything
            return None
        return None if moved() else graph


def _described(graph: fx.Graph) -> list[str]:
    return [node.format_node() or "" for node in graph.nodes]


def _layers(graph: fx.Graph, module: nn.Module) -> list[nn.Module] | None:
    layers: list[nn.Module] = []
    value: fx.Node | None = None  # the last of the chain
    for node in graph.nodes:
        if node.op == "output":
            return layers if node.args == (value,) and value is not None else None
        if node.op == "placeholder":
            if value is not None:
                return None
            value = node
            continue
        if value is None:
            return None
        if _asks_for_a_size(node):
            continue
        added = _layers_of_node(node, value, module)
        if added is None:
            return None
        layers += added
        value = node
    return None


def _layers_of_node(node: fx.Node, value: fx.Node, module: nn.Module) -> list[nn.Module] | None:
    if not node.args or node.args[0] is not value:
        return None
    rest, options = node.args[1:], node.kwargs
    if node.op == "call_module":
        return None if rest or options else [module.get_submodule(str(node.target))]
    if node.target in (torch.flatten, "flatten"):
        return [nn.Flatten()] if _bound(_flatten, rest, options) in ((1, -1), (1, 3)) else None
    if node.op == "call_method" and node.target in ("view", "reshape"):
        return _flattening(rest, value) if not options else None
    if node.target in _POINTWISE:
        return (
            None if rest or options not in ({}, {"inplace": False}, {"inplace": True}) else [_POINTWISE[node.target]()]
        )
    if node.target in _WITH_OPTIONS:
        return _layer_with_options(node)
    if node.target in (functional.log_softmax, torch.log_softmax, "log_softmax"):
        at_the_end = all(user.op == "output" for user in node.users)
        dim = rest[0] if rest else options.get("dim")
        return [] if at_the_end and dim in (1, -1) else None
    return None


def _asks_for_a_size(node: fx.Node) -> bool:
    """x.size(0), x.shape[0]: side calls of a view, which the view looks at."""
    if node.op == "call_method" and node.target == "size":
        return True
    if node.op == "call_function" and node.target is getattr:
        return node.args[1:] == ("shape",)
    return (
        node.op == "call_function"
        and node.target is operator.getitem
        and isinstance(node.args[0], fx.Node)
        and _asks_for_a_size(node.args[0])
    )


def _is_number_of_rows(size: Any) -> bool:
    """Whether this is the size of some value of the chain along its first axis: it is the same for all of them."""
    if not isinstance(size, fx.Node) or not _asks_for_a_size(size):
        return False
    if size.target is operator.getitem:
        whole = size.args[0]
        return (
            size.args[1:] == (0,) and isinstance(whole, fx.Node) and (whole.target is getattr or len(whole.args) == 1)
        )
    return size.target == "size" and [*size.args[1:], *size.kwargs.values()] == [0]


def _flattening(sizes: tuple[Any, ...], value: fx.Node) -> list[nn.Module] | None:
    """x.view(n, -1), x.view(n, D) or x.view(-1, D), for n = x.size(0)."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    if len(sizes) != 2:
        return None
    rows, features = sizes
    if isinstance(features, int) and (_is_number_of_rows(rows) or (rows == -1 and features > 0)):
        return [_FlattenTo(features)]
    return None


class _FlattenTo(nn.Flatten):
    """Stands for a view until it is known that the next dense layer reads as many features."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features


def _widths_fit(layers: list[nn.Module]) -> bool:
    """Whether each view gives as many features as the dense layer after it reads, so that it splits no row in two.

    The views become plain nn.Flatten, for which that layer says so if they do not.
    """
    for index, layer in enumerate(layers):
        if isinstance(layer, _FlattenTo):
            following = next((other for other in layers[index + 1 :] if isinstance(other, nn.Linear)), None)
            if layer.features != -1 and (following is None or following.in_features != layer.features):
                return False
            layers[index] = nn.Flatten()
    return True


def _layer_with_options(node: fx.Node) -> list[nn.Module] | None:
    kind, names = _WITH_OPTIONS[node.target]
    try:
        call = inspect.signature(_FUNCTIONS[node.target]).bind(*node.args, **node.kwargs)
    except TypeError:
        return None
    given = {name: value for name, value in call.arguments.items() if name not in ("input", "inplace")}
    plain = all(not isinstance(value, fx.Node) for value in given.values())
    if not plain or not set(given) <= set(names) or given.get("return_indices"):
        return None
    given.pop("return_indices", None)
    return [kind(**given)]


def _flatten(start_dim: int = 0, end_dim: int = -1) -> tuple[int, int]:
    return start_dim, end_dim


def _bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return function(*args, **kwargs)
    except TypeError:
        return None


# The arguments of functions that have no signature of their own to ask for, in the order that torch documents.
def _max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> None: ...


def _avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> None: ...


def _gelu(input: Tensor, *, approximate: str = "none") -> None: ...


def _softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> None: ...


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    functional.leaky_relu: functional.leaky_relu,
    functional.elu: functional.elu,
    functional.gelu: _gelu,
    functional.softplus: _softplus,
    functional.max_pool2d: _max_pool2d,
    functional.avg_pool2d: _avg_pool2d,
}
