"""The deterministic beginning of a network, computed once for all draws: what comes before its first mask.

In the first draw every torch function is recorded, with what it was given and what it gave, up to the first mask. In
the other draws the same functions are answered from the record, as long as each is given the same tensors: the same
objects, so that nothing is compared by value. Where a draw goes another way it is computed in full.

What is kept is only what the network can still reach at the first mask. A tensor that it has let go of by then is
answered by an empty stand-in, which can only be handed to functions that are answered from the record too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lindley.training.network_calls import tensors_in

_Output = TypeVar("_Output")


@dataclass
class _Call:
    function: Callable[..., Any]
    given: Any  # args and kwargs
    result: Any


class _GoneAnotherWay(Exception):  # noqa: N818  not an error: the draw is computed in full
    pass


class Prefix:
    """The beginning of one network on one chunk of inputs. `run` is called once a draw, the first of which records."""

    def __init__(self) -> None:
        self._calls: list[_Call] | None = None
        self._versions: list[tuple[Tensor, int]] = []
        self._mode: _Recording | _Replaying | None = None
        self.usable = True
        """False once a draw went another way than the first."""

    @property
    def num_tensors(self) -> int:
        """How many tensors the first draw made before its first mask."""
        return sum(bool(tensors_in(call.result)) for call in self._calls or [])

    def run(self, forward: Callable[[], _Output]) -> _Output:
        """What `forward` gives, its beginning answered from the record where there is one."""
        if not self.usable:
            return forward()
        if self._calls is None:
            with _Recording() as mode:
                self._mode = mode
                output = forward()
            self.ends()
            return output
        # A changed tensor: the network writes into what it computed at the beginning, so that it is no longer that.
        self.usable = all(tensor._version == version for tensor, version in self._versions)
        if not self.usable:
            return forward()
        try:
            with _Replaying(self._calls) as mode:
                self._mode = mode
                output = forward()
            if not mode.gone_another_way:
                return output
        except Exception:
            # Also what an extension says of a stand-in. An error of the network's own comes again from the full pass.
            pass
        finally:
            self._mode = None
        self.usable = False
        return forward()

    def ends(self) -> None:
        """To be called at the first mask of each pass."""
        mode, self._mode = self._mode, None
        if isinstance(mode, _Recording):
            self._calls = mode.ended()
            kept = [tensor for call in self._calls for tensor in tensors_in(call.result) if tensor.numel()]
            self.usable = not any(tensor.is_inference() for tensor in kept)  # those have no version
            self._versions = [(tensor, tensor._version) for tensor in kept] if self.usable else []
        elif isinstance(mode, _Replaying):
            mode.ended()


class _Recording(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self._calls: list[_Call] = []
        self._records = True

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        given = (args, kwargs or {})
        result = func(*args, **given[1])
        # What neither reads nor makes a tensor, such as entering no_grad, is not answered but done again.
        if self._records and (tensors_in(given) or tensors_in(result)):
            self._calls.append(_Call(func, given, result))
        return result

    def ended(self) -> list[_Call]:
        """The calls, with stand-ins for the tensors that nothing but this record holds."""
        self._records = False
        calls, self._calls = self._calls, []
        made = {id(tensor): tensor for call in calls for tensor in tensors_in(call.result)}
        outside = {id(tensor): tensor for call in calls for tensor in tensors_in(call.given) if id(tensor) not in made}
        # Ids are those of living objects until here: from now on a number stands for each tensor that was made.
        numbers = {key: number for number, key in enumerate(made)}
        marked = [
            (
                call.function,
                _replaced(call.given, lambda tensor: _Made(numbers[id(tensor)]) if id(tensor) in numbers else tensor),
                _replaced(call.result, lambda tensor: _Made(numbers[id(tensor)]) if id(tensor) in numbers else tensor),
            )
            for call in calls
        ]
        references = [weakref.ref(tensor) for tensor in made.values()]
        calls.clear()
        made.clear()
        outside.clear()
        living = [reference() for reference in references]
        kept = [torch.empty(0) if tensor is None else tensor for tensor in living]
        return [
            _Call(
                function,
                _replaced(given, lambda mark: kept[mark.number], _Made),
                _replaced(result, lambda mark: kept[mark.number], _Made),
            )
            for function, given, result in marked
        ]


@dataclass(frozen=True)
class _Made:
    number: int


class _Replaying(TorchFunctionMode):
    def __init__(self, calls: list[_Call]) -> None:
        super().__init__()
        self._calls = iter(calls)
        self._answers = True
        self.gone_another_way = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        given = (args, kwargs or {})
        if not self._answers:
            return func(*args, **given[1])
        if not tensors_in(given):
            # Without tensors: answered where the record has it here (it makes a tensor), done again otherwise.
            result = func(*args, **given[1])
            if not tensors_in(result):
                return result
        call = next(self._calls, None)
        if call is None or call.function != func or not _same(call.given, given):
            self.gone_another_way = True
            raise _GoneAnotherWay
        return call.result

    def ended(self) -> None:
        self._answers = False
        if next(self._calls, None) is not None:
            self.gone_another_way = True


def _replaced(value: Any, replace: Callable[[Any], Any], kind: type = Tensor) -> Any:
    """The same structure of tuples, lists and mappings with each thing of that kind replaced."""
    if isinstance(value, kind):
        return replace(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # a named tuple
        return type(value)(*(_replaced(part, replace, kind) for part in value))
    if isinstance(value, tuple | list):
        return type(value)([_replaced(part, replace, kind) for part in value])
    if isinstance(value, dict):
        return {name: _replaced(part, replace, kind) for name, part in value.items()}
    return value


def _same(one: Any, other: Any) -> bool:
    """Tensors: the same object. All else: of one type, and equal."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Tensor):
        return False
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    try:
        return bool(one == other)
    except Exception:  # arrays and the like, which do not say yes or no
        return False
