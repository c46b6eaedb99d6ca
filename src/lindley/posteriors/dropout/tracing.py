"""A network's own forward as a plain list of layers, where it is a chain: conv -> F.relu -> pool -> linear.

torch.fx runs the forward on a proxy and records the graph of its calls. A straight chain of known operations becomes
layers, which the folded path computes; any other graph gives None.
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

from lindley.posteriors.dropout.folded_network import foldable_layers
from lindley.training.network_copies import deep_copy
from lindley.training.random_state import fork_rng

_POINTWISE_LAYERS: dict[Any, type[nn.Module]] = {
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
_LAYERS_WITH_OPTIONS: dict[Any, tuple[type[nn.Module], tuple[str, ...]]] = {
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


def trace_layers(module: nn.Module) -> list[nn.Module] | None:
    """Return layers that compute, in order, the module's forward; None where it is no such chain.

    The module's layers are returned themselves, and functions as layers made for them. A log-softmax at the end is
    left out, since draws are normalised in any case. The module stays as it is.
    """
    if any(layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer) for layer in module.modules()):
        return None
    # The graph in training mode may differ by random calls; a graph that differs under another seed is random.
    graphs: list[fx.Graph] = []
    for training, seed in itertools.product((False, True), (1, 2)):
        graph = _graph(module, training=training, seed=seed)
        if graph is None or (graphs and _describe(graph) != _describe(graphs[0])):
            return None
        graphs.append(graph)
    layers = _graph_layers(graphs[0], module)
    return foldable_layers(nn.Sequential(*layers)) if layers is not None and _resolve_views(layers) else None


def has_foldable_shapes(layers: Sequence[nn.Module], row: Tensor) -> bool:
    """Return whether each dense layer reads [n, D] and each convolution [n, C, H, W], as folding requires."""
    for layer in layers:
        if row.dim() != {nn.Linear: 2, nn.Conv2d: 4}.get(type(layer), row.dim()):
            return False
        row = layer(row)
    return True


def _graph(module: nn.Module, *, training: bool, seed: int) -> fx.Graph | None:
    """Return the graph of a forward; None where it cannot be traced, or draws random numbers."""
    with fork_rng(seed, "cpu") as has_moved:
        try:
            graph = fx.Tracer().trace(deep_copy(module)[0].train(training))
        except Exception:  # the forward is the user's, and a proxy may make it raise anything
            return None
        return None if has_moved() else graph


def _describe(graph: fx.Graph) -> list[str]:
    return [node.format_node() or "" for node in graph.nodes]


def _graph_layers(graph: fx.Graph, module: nn.Module) -> list[nn.Module] | None:
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
        if _is_size_call(node):
            continue
        node_layers = _node_layers(node, value, module)
        if node_layers is None:
            return None
        layers += node_layers
        value = node
    return None


def _node_layers(node: fx.Node, value: fx.Node, module: nn.Module) -> list[nn.Module] | None:
    if not node.args or node.args[0] is not value:
        return None
    rest, options = node.args[1:], node.kwargs
    if node.op == "call_module":
        return None if rest or options else [module.get_submodule(str(node.target))]
    if node.target in (torch.flatten, "flatten"):
        return [nn.Flatten()] if _call_or_none(_flatten, rest, options) in ((1, -1), (1, 3)) else None
    if node.op == "call_method" and node.target in ("view", "reshape"):
        return _view_layer(rest, value) if not options else None
    if node.target in _POINTWISE_LAYERS:
        return (
            None
            if rest or options not in ({}, {"inplace": False}, {"inplace": True})
            else [_POINTWISE_LAYERS[node.target]()]
        )
    if node.target in _LAYERS_WITH_OPTIONS:
        return _layer_with_options(node)
    if node.target in (functional.log_softmax, torch.log_softmax, "log_softmax"):
        at_the_end = all(user.op == "output" for user in node.users)
        dim = rest[0] if rest else options.get("dim")
        return [] if at_the_end and dim in (1, -1) else None
    return None


def _is_size_call(node: fx.Node) -> bool:
    """Return whether this is x.size(0) or x.shape[0], which a view reads."""
    if node.op == "call_method" and node.target == "size":
        return True
    if node.op == "call_function" and node.target is getattr:
        return node.args[1:] == ("shape",)
    return (
        node.op == "call_function"
        and node.target is operator.getitem
        and isinstance(node.args[0], fx.Node)
        and _is_size_call(node.args[0])
    )


def _is_number_of_rows(size: Any) -> bool:
    """Return whether this is the size of a value along its first axis, the same for all values of the chain."""
    if not isinstance(size, fx.Node) or not _is_size_call(size):
        return False
    if size.target is operator.getitem:
        shape = size.args[0]
        return (
            size.args[1:] == (0,) and isinstance(shape, fx.Node) and (shape.target is getattr or len(shape.args) == 1)
        )
    return size.target == "size" and [*size.args[1:], *size.kwargs.values()] == [0]


def _view_layer(sizes: tuple[Any, ...], value: fx.Node) -> list[nn.Module] | None:
    """Return the layer of x.view(n, -1), x.view(n, D) or x.view(-1, D), for n = x.size(0)."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    if len(sizes) != 2:
        return None
    rows, features = sizes
    if isinstance(features, int) and (_is_number_of_rows(rows) or (rows == -1 and features > 0)):
        return [_View(features)]
    return None


class _View(nn.Flatten):
    """A view to `features` features, or to all where they are -1, before the next dense layer is known."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features


def _resolve_views(layers: list[nn.Module]) -> bool:
    """Replace views by nn.Flatten, in place, and return whether none of them splits a row in two.

    A view splits no row if it gives as many features as the dense layer after it reads.
    """
    for index, layer in enumerate(layers):
        if isinstance(layer, _View):
            following = next((other for other in layers[index + 1 :] if isinstance(other, nn.Linear)), None)
            if layer.features != -1 and (following is None or following.in_features != layer.features):
                return False
            layers[index] = nn.Flatten()
    return True


def _layer_with_options(node: fx.Node) -> list[nn.Module] | None:
    kind, names = _LAYERS_WITH_OPTIONS[node.target]
    try:
        call = inspect.signature(_SIGNATURES[node.target]).bind(*node.args, **node.kwargs)
    except TypeError:
        return None
    options = {name: value for name, value in call.arguments.items() if name not in ("input", "inplace")}
    is_plain = all(not isinstance(value, fx.Node) for value in options.values())
    if not is_plain or not set(options) <= set(names) or options.get("return_indices"):
        return None
    options.pop("return_indices", None)
    return [kind(**options)]


def _flatten(start_dim: int = 0, end_dim: int = -1) -> tuple[int, int]:
    return start_dim, end_dim


def _call_or_none(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return function(*args, **kwargs)
    except TypeError:
        return None


# The arguments of functions without a signature, in the order that torch documents.
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


_SIGNATURES: dict[Any, Callable[..., Any]] = {
    functional.leaky_relu: functional.leaky_relu,
    functional.elu: functional.elu,
    functional.gelu: _gelu,
    functional.softplus: _softplus,
    functional.max_pool2d: _max_pool2d,
    functional.avg_pool2d: _avg_pool2d,
}
