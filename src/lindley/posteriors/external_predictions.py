"""Posteriors of a user's own program: an array of predictions, or a function that makes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.contracts import Categorical
from lindley.errors import InputError, format_rows
from lindley.information.layouts import Layout
from lindley.posteriors.members import choose_members
from lindley.posteriors.scikit_learn.tables import Examples
from lindley.torch_state import isolated_torch_state

PredictFunction = Callable[[Any], ArrayLike]
"""n inputs -> predictions of K draws and C classes; pickles where draws go to other processes."""
_ROW_NUMBERS = "They are row numbers; the pool that goes with them is MemoryPool(torch.arange(N))."
_NUM_CHECK_INPUTS = 16
"""The number of inputs that are predicted a second time, to see whether a function is frozen."""
_TOLERANCE = {torch.float64: 1e-3, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""The largest difference between probabilities of the same row: other orders of sums, not other draws."""


class ArrayPosterior:
    """A posterior whose draws are an array [N, K, C]: row i of the pool has the predictions array[i].

    Its inputs are row numbers, so the pool that goes with it is MemoryPool(torch.arange(N)). `inputs` and `axes` say
    what the array holds, as in `lindley.select`, and it may come in the same forms. A tensor is kept without a copy;
    the rows that are read are checked.
    """

    def __init__(self, array: ArrayLike, *, inputs: str = "log_probs", axes: str = "NKC") -> None:
        self._layout = Layout(inputs, axes)
        self._array = as_tensor(array, inputs, floats=True)
        self.num_rows, self.num_draws, _ = self._layout.parse_shape(tuple(self._array.shape), inputs)

    def draw(self, num_draws: int, *, seed: int) -> ArrayDraws:
        """Return draws of the array without replacement; all of them, in order, where num_draws is their number."""
        members = choose_members(self.num_draws, num_draws, seed=seed, collection="the array")
        draws_axis = self._layout.order[1]
        has_all = num_draws == self.num_draws
        array = self._array if has_all else self._array.index_select(draws_axis, torch.tensor(members))
        return ArrayDraws(array, self._layout)

    def point(self) -> None:
        """Return None: an array has no single prediction beside its draws."""

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the array, and the meaning of its numbers and axes."""
        return {"array": self._array}, {"inputs": self._layout.inputs, "axes": self._layout.axes}

    @classmethod
    def from_state_dict(
        cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], *, device: str = "cpu"
    ) -> ArrayPosterior:
        """Return a saved posterior.

        Args:
            tensors: The array, as `state_dict` gives it.
            settings: The meaning of its numbers and axes, as `state_dict` gives it.
            device: The device to put the array on.
        """
        return cls(tensors["array"].to(device), inputs=settings["inputs"], axes=settings["axes"])


class ArrayDraws:
    """Draws whose predictions are the rows of an array."""

    def __init__(self, array: Tensor, layout: Layout) -> None:
        self._array, self._layout = array, layout
        self._num_rows, self.num_draws, _ = layout.parse_shape(tuple(array.shape), layout.inputs)
        digest = hashlib.blake2b(repr(layout).encode(), digest_size=8)
        digest.update(array.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        self.id = f"given-array-{digest.hexdigest()}-{self.num_draws}"

    def predict(self, inputs: ArrayLike) -> Categorical:
        """Return the predictions of n rows in the array's precision, float32 at least.

        Args:
            inputs: The numbers of the rows, [n].

        Raises:
            InputError: If a number is no row of the array, or a row's numbers are no prediction.
        """
        rows = as_whole_numbers(inputs, "inputs", advice=_ROW_NUMBERS)
        if rows.dim() != 1:
            raise InputError(_ROW_NUMBERS, argument="inputs", expected="[n]", got=[*rows.shape])
        outside = rows[(rows < 0) | (rows >= self._num_rows)].tolist()
        if outside:
            raise InputError(
                f"the array has rows 0 to {self._num_rows - 1}; got rows {format_rows(outside)}. {_ROW_NUMBERS}",
                argument="inputs",
                rows=outside,
            )
        order = self._layout.order
        raw = self._array.index_select(order[0], rows.to(self._array.device)).permute(order)  # [n, K, C]
        self._layout.check(raw, self._layout.inputs, lambda places: rows[places.cpu()].tolist())
        return Categorical(self._layout.to_log_probs(raw))


class FunctionPosterior:
    """A posterior by a function that predicts K draws: n inputs -> [n, K, C].

    The function must be frozen: draw k is the same function of an input whatever the other inputs are, in whatever
    order. When draws are first used, some inputs are predicted again, in reverse order and without the others; a
    function that then gives other predictions is refused.
    """

    def __init__(
        self,
        function: PredictFunction,
        num_draws: int,
        *,
        name: str = "function",
        inputs: str = "log_probs",
        axes: str = "NKC",
    ) -> None:
        """Take the function.

        Args:
            function: Predicts n inputs with all of its draws.
            num_draws: The number of its draws, K.
            name: A part of the draws' id; another function should have another name.
            inputs: The kind of numbers that it returns, as in `lindley.select`.
            axes: The order of their axes, as in `lindley.select`.
        """
        if num_draws < 1:
            raise InputError(argument="num_draws", expected="at least 1", got=num_draws)
        self._function, self.num_draws, self._name, self._layout = function, num_draws, name, Layout(inputs, axes)

    def draw(self, num_draws: int, *, seed: int) -> FunctionDraws:
        """Return draws of the function without replacement; all of them, in order, where num_draws is their number."""
        members = choose_members(self.num_draws, num_draws, seed=seed, collection="the function")
        return FunctionDraws(self._function, self.num_draws, members, name=self._name, layout=self._layout)

    def point(self) -> None:
        """Return None: a function has no single prediction beside its draws."""


class FunctionDraws:
    """Some of the draws that a function predicts."""

    def __init__(
        self, function: PredictFunction, num_members: int, members: list[int], *, name: str, layout: Layout
    ) -> None:
        self.num_draws = len(members)
        self.id = f"given-{name}-{num_members}-{'-'.join(map(str, members))}"
        self._function, self._num_members, self._members, self._layout = function, num_members, members, layout
        self._is_checked = False

    def predict(self, inputs: Examples) -> Categorical:
        """Return the predictions of n inputs in the function's precision, float32 at least.

        Raises:
            InputError: If the function returns no predictions of n inputs and K draws, or is not frozen.
        """
        raw = self._call(inputs, _num_inputs(inputs))
        log_probs = self._layout.to_log_probs(raw)
        if not self._is_checked and len(raw):
            self._check_frozen(inputs, raw.dtype, log_probs)
            self._is_checked = True
        return Categorical(log_probs[:, self._members] if self.num_draws < self._num_members else log_probs)

    def _call(self, inputs: Examples, num_inputs: int) -> Tensor:
        with isolated_torch_state("cpu"):
            raw = as_tensor(self._function(inputs), "what the function returns", floats=True)
        count, num_draws, _ = self._layout.parse_shape(tuple(raw.shape), "what the function returns")
        if (count, num_draws) != (num_inputs, self._num_members):
            raise InputError(
                f"the function must return {num_inputs} rows and {self._num_members} draws for {num_inputs} inputs; "
                f"got {count} and {num_draws}, axes being {self._layout.axes!r}",
                argument="function",
                got=[count, num_draws],
            )
        raw = raw.permute(self._layout.order)  # [n, K, C]
        self._layout.check(raw, "what the function returns", lambda places: places.tolist())
        return raw

    def _check_frozen(self, inputs: Examples, dtype: torch.dtype, log_probs: Tensor) -> None:
        positions = torch.linspace(len(log_probs) - 1, 0, min(len(log_probs), _NUM_CHECK_INPUTS)).round().long()  # [s]
        again = self._layout.to_log_probs(self._call(_take_inputs(inputs, positions), len(positions)))
        difference = (again.exp() - log_probs[positions].exp()).abs().amax().item()
        if not difference <= _TOLERANCE[dtype]:
            raise InputError(
                f"the function is not frozen: a second call with {len(positions)} of the {len(log_probs)} inputs gives "
                f"probabilities that differ by up to {difference:.2g}. Draw k must be the same function of an input at "
                "every call, in any order: draw masks or weights once, before the calls",
                argument="function",
                got=difference,
            )


def _num_inputs(inputs: Any) -> int:
    if isinstance(inputs, Mapping):
        return len(next(iter(inputs.values())))
    return int(inputs.shape[0]) if hasattr(inputs, "shape") else len(inputs)  # a sparse matrix has no len


def _take_inputs(inputs: Any, positions: Tensor) -> Any:
    """Return the inputs at these positions, in that order."""
    if isinstance(inputs, Mapping):
        return {name: value[positions.to(value.device)] for name, value in inputs.items()}
    if isinstance(inputs, Tensor):
        return inputs[positions.to(inputs.device)]
    if hasattr(inputs, "shape"):
        return inputs[positions.numpy()]
    return [inputs[position] for position in positions.tolist()]
