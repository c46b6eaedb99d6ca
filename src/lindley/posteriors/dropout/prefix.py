"""The deterministic part of a network before its first mask, computed once for all draws.

The first draw records every call of a torch function up to the first mask, with its arguments and its result. The other
draws replay the results, as long as each call has the same tensors for arguments: the same objects, so that nothing is
compared by value. A draw that calls anything else is computed in full.

The record keeps only tensors that the network can still reach at the first mask. For the others it replays an empty
tensor as a placeholder, which can only be an argument of calls that are replayed too.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lindley.training.network_calls import collect_tensors

_Output = TypeVar("_Output")


@dataclass
class _Call:
    function: Callable[..., Any]
    arguments: Any  # args and kwargs
    result: Any


class _ReplayMismatch(Exception):  # noqa: N818  not an error: the draw is computed in full
    pass


class Prefix:
    """The part of one network before its first mask, on one chunk of inputs.

    `run` is called once a draw, and the first call records.
    """

    def __init__(self, *, is_usable: bool = True) -> None:
        self._calls: list[_Call] | None = None
        self._versions: list[tuple[Tensor, int]] = []
        self._mode: _Recorder | _Replayer | None = None
        self.is_usable = is_usable
        """False once a draw made other calls than the first."""

    @property
    def num_tensors(self) -> int:
        """Return the number of tensors that the first draw made before its first mask."""
        return sum(bool(collect_tensors(call.result)) for call in self._calls or [])

    def run(self, forward: Callable[[], _Output]) -> _Output:
        """Return the output of `forward`, with calls before the first mask replayed where there is a record."""
        if not self.is_usable:
            return forward()
        if self._calls is None:
            with _Recorder() as mode:
                self._mode = mode
                output = forward()
            self.end()
            return output
        # A changed tensor: the network writes into what it computed before the mask, so that the record is wrong.
        self.is_usable = all(tensor._version == version for tensor, version in self._versions)
        if not self.is_usable:
            return forward()
        try:
            with _Replayer(self._calls) as mode:
                self._mode = mode
                output = forward()
            if not mode.diverged:
                return output
        except Exception:
            # Also the error of an extension that reads a placeholder. The full pass raises the network's own again.
            pass
        finally:
            self._mode = None
        self.is_usable = False
        return forward()

    def end(self) -> None:
        """Stop recording or replaying; to be called at the first mask of each pass."""
        mode, self._mode = self._mode, None
        if isinstance(mode, _Recorder):
            self._calls = mode.stop()
            kept = [tensor for call in self._calls for tensor in collect_tensors(call.result) if tensor.numel()]
            self.is_usable = not any(tensor.is_inference() for tensor in kept)  # those have no version
            self._versions = [(tensor, tensor._version) for tensor in kept] if self.is_usable else []
        elif isinstance(mode, _Replayer):
            mode.stop()


class _Recorder(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self._calls: list[_Call] = []
        self._is_active = True

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        arguments = (args, kwargs or {})
        result = func(*args, **arguments[1])
        # A call that neither reads nor makes a tensor, such as entering no_grad, is not replayed but made again.
        if self._is_active and (collect_tensors(arguments) or collect_tensors(result)):
            self._calls.append(_Call(func, arguments, result))
        return result

    def stop(self) -> list[_Call]:
        """Return the calls, with placeholders for the tensors that nothing but this record holds."""
        self._is_active = False
        calls, self._calls = self._calls, []
        made = {id(tensor): tensor for call in calls for tensor in collect_tensors(call.result)}
        outside = {
            id(tensor): tensor for call in calls for tensor in collect_tensors(call.arguments) if id(tensor) not in made
        }
        # Ids are those of living objects until here: from now on a number stands for each tensor that was made.
        numbers = {key: number for number, key in enumerate(made)}
        numbered = [
            (call.function, _number_tensors(call.arguments, numbers), _number_tensors(call.result, numbers))
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
                _map_nested(arguments, lambda number: kept[number.value], _TensorNumber),
                _map_nested(result, lambda number: kept[number.value], _TensorNumber),
            )
            for function, arguments, result in numbered
        ]


@dataclass(frozen=True)
class _TensorNumber:
    value: int


class _Replayer(TorchFunctionMode):
    def __init__(self, calls: list[_Call]) -> None:
        super().__init__()
        self._calls = iter(calls)
        self._is_active = True
        self.diverged = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        arguments = (args, kwargs or {})
        if not self._is_active:
            return func(*args, **arguments[1])
        if not collect_tensors(arguments):
            # Without tensors: replayed where it makes one, so that the record has it, and made again otherwise.
            result = func(*args, **arguments[1])
            if not collect_tensors(result):
                return result
        call = next(self._calls, None)
        if call is None or call.function != func or not _is_same(call.arguments, arguments):
            self.diverged = True
            raise _ReplayMismatch
        return call.result

    def stop(self) -> None:
        self._is_active = False
        if next(self._calls, None) is not None:
            self.diverged = True


def _number_tensors(value: Any, numbers: dict[int, int]) -> Any:
    """Return the same nested structure with the number of each tensor that has one in place of the tensor."""
    return _map_nested(
        value, lambda tensor: _TensorNumber(numbers[id(tensor)]) if id(tensor) in numbers else tensor, Tensor
    )


def _map_nested(value: Any, function: Callable[[Any], Any], kind: type) -> Any:
    """Return the same structure of tuples, lists and mappings, the function applied to everything of that kind."""
    if isinstance(value, kind):
        return function(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # a named tuple
        return type(value)(*(_map_nested(part, function, kind) for part in value))
    if isinstance(value, tuple | list):
        return type(value)([_map_nested(part, function, kind) for part in value])
    if isinstance(value, dict):
        return {name: _map_nested(part, function, kind) for name, part in value.items()}
    return value


def _is_same(one: Any, other: Any) -> bool:
    """Return whether tensors are the same objects, and everything else is of one type and equal."""
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Tensor):
        return False
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    try:
        return bool(one == other)
    except Exception:  # arrays and the like, whose comparison is no bool
        return False
