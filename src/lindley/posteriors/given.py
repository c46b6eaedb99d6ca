"""Draws of a user's own program: an array of predictions, or a function that makes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lindley.arrays import ArrayLike, as_tensor, as_whole_numbers
from lindley.contracts import Categorical
from lindley.errors import InputError
from lindley.information.layouts import Layout
from lindley.modes import isolated_torch_state
from lindley.posteriors.members import choose_members
from lindley.posteriors.scikit_learn.tables import Examples

GivenFunctionOfInputs = Callable[[Any], ArrayLike]
"""n inputs -> predictions of K draws and C classes, with the axes said; pickles where draws go to other processes."""
_ROW_NUMBERS = "They are row numbers; the pool that goes with them is MemoryPool(torch.arange(N))."
_ASKED_AGAIN = 16
"""Rows by which it is found whether a function gives the same again."""
_SAME = {torch.float64: 1e-3, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""How far probabilities of the same row may be apart: sums in other orders, not other draws."""


class GivenPredictions:
    """A posterior whose draws are an array [N, K, C]: row i of the pool has the predictions array[i].

    Its inputs are row numbers, so the pool that goes with it is MemoryPool(torch.arange(N)). `inputs` and `axes` say
    what the array holds, as in `lindley.select`, and it may come in the same forms. A tensor is kept as it is; what is
    read of it is checked.
    """

    def __init__(self, array: ArrayLike, *, inputs: str = "log_probs", axes: str = "NKC") -> None:
        self._layout = Layout(inputs, axes)
        self._array = as_tensor(array, inputs, floats=True)
        self.num_rows, self.num_draws, _ = self._layout.checked_shape(tuple(self._array.shape), inputs)

    def draw(self, num_draws: int, *, seed: int) -> GivenArrayDraws:
        """Return draws of the array without replacement; all of them, in order, where num_draws is their number."""
        chosen = choose_members(self.num_draws, num_draws, seed=seed, collection="an array")
        draws_axis = self._layout.order[1]
        whole = num_draws == self.num_draws
        array = self._array if whole else self._array.index_select(draws_axis, torch.tensor(chosen))
        return GivenArrayDraws(array, self._layout)

    def point(self) -> None:
        """Return None: an array has no single prediction beside its draws."""

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the array, and how it is to be read."""
        return {"array": self._array}, {"inputs": self._layout.inputs, "axes": self._layout.axes}

    @classmethod
    def from_state_dict(
        cls, tensors: Mapping[str, Tensor], settings: Mapping[str, Any], *, device: str = "cpu"
    ) -> GivenPredictions:
        """Return the posterior that was saved."""
        return cls(tensors["array"].to(device), inputs=settings["inputs"], axes=settings["axes"])


class GivenArrayDraws:
    """Draw k of row i stands in an array."""

    def __init__(self, array: Tensor, layout: Layout) -> None:
        self._array, self._layout = array, layout
        self._num_rows, self.num_draws, _ = layout.checked_shape(tuple(array.shape), layout.inputs)
        digest = hashlib.blake2b(repr(layout).encode(), digest_size=8)
        digest.update(array.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        self.id = f"given-array-{digest.hexdigest()}-{self.num_draws}"

    def predict(self, inputs: ArrayLike) -> Categorical:
        """Predict n rows, by their numbers, in the precision given, float32 at least.

        Raises InputError for what are no rows of the array, and for predictions that are none.
        """
        inputs = as_whole_numbers(inputs, "the inputs of given predictions", advice=_ROW_NUMBERS)
        if inputs.dim() != 1:
            raise InputError(f"the inputs of given predictions must be [n]; got {[*inputs.shape]}. {_ROW_NUMBERS}")
        outside = inputs[(inputs < 0) | (inputs >= self._num_rows)]
        if len(outside):
            raise InputError(f"predictions were given for rows 0 to {self._num_rows - 1}; got {outside[:10].tolist()}")
        order = self._layout.order
        raw = self._array.index_select(order[0], inputs.to(self._array.device)).permute(order)  # [n, K, C]
        self._layout.check(raw, self._layout.inputs, lambda places: f"rows {inputs[places.cpu()][:10].tolist()}")
        return Categorical(self._layout.log_probs(raw))


class GivenFunction:
    """A posterior whose draws are columns of what a function returns: n inputs -> [n, K, C], with `num_draws` = K.

    `inputs` and `axes` say what it returns, as in `lindley.select`. The function must be frozen: draw k is the same
    function of an input whatever else is asked, in whatever order. The first time draws are used, some rows are asked
    for again, backwards and without the others; a function that then says otherwise is refused.
    """

    def __init__(
        self,
        function: GivenFunctionOfInputs,
        num_draws: int,
        *,
        name: str = "function",
        inputs: str = "log_probs",
        axes: str = "NKC",
    ) -> None:
        """`name` is part of the draws' id: another function should have another one."""
        if num_draws < 1:
            raise InputError(f"num_draws must be at least 1; got {num_draws}")
        self._function, self.num_draws, self._name, self._layout = function, num_draws, name, Layout(inputs, axes)

    def draw(self, num_draws: int, *, seed: int) -> GivenFunctionDraws:
        """Return draws of the function without replacement; all of them, in order, where num_draws is their number."""
        chosen = choose_members(self.num_draws, num_draws, seed=seed, collection="a function")
        return GivenFunctionDraws(self._function, self.num_draws, chosen, name=self._name, layout=self._layout)

    def point(self) -> None:
        """Return None: a function has no single prediction beside its draws."""


class GivenFunctionDraws:
    """Draw k is one column of what a function returns."""

    def __init__(
        self, function: GivenFunctionOfInputs, members: int, chosen: list[int], *, name: str, layout: Layout
    ) -> None:
        self.num_draws = len(chosen)
        self.id = f"given-{name}-{members}-{'-'.join(map(str, chosen))}"
        self._function, self._members, self._chosen, self._layout = function, members, chosen, layout
        self._found_frozen = False

    def predict(self, inputs: Examples) -> Categorical:
        """Predict n inputs, in the precision returned, float32 at least.

        Raises InputError for what is no prediction of n inputs and K draws, and where the function is not frozen.
        """
        raw = self._called(inputs, _number_of(inputs))
        log_probs = self._layout.log_probs(raw)
        if not self._found_frozen and len(raw):
            self._check_frozen(inputs, raw.dtype, log_probs)
            self._found_frozen = True
        return Categorical(log_probs[:, self._chosen] if self.num_draws < self._members else log_probs)

    def _called(self, inputs: Examples, number: int) -> Tensor:
        with isolated_torch_state("cpu"):
            raw = as_tensor(self._function(inputs), "what the function returns", floats=True)
        count, num_draws, _ = self._layout.checked_shape(tuple(raw.shape), "what the function returns")
        if (count, num_draws) != (number, self._members):
            raise InputError(
                f"the function must return {number} rows and {self._members} draws for {number} inputs; got {count} "
                f"and {num_draws}, axes being {self._layout.axes!r}"
            )
        raw = raw.permute(self._layout.order)  # [n, K, C]
        self._layout.check(raw, "what the function returns", lambda places: f"inputs {places[:10].tolist()}")
        return raw

    def _check_frozen(self, inputs: Examples, dtype: torch.dtype, log_probs: Tensor) -> None:
        places = torch.linspace(len(log_probs) - 1, 0, min(len(log_probs), _ASKED_AGAIN)).round().long()  # [s]
        again = self._layout.log_probs(self._called(_taken(inputs, places), len(places)))
        apart = (again.exp() - log_probs[places].exp()).abs().amax().item()
        if not apart <= _SAME[dtype]:
            raise InputError(
                f"the function is not frozen: asked again for {len(places)} of {len(log_probs)} inputs it gives "
                f"probabilities that are up to {apart:.2g} apart. Draw k must be the same function of an input at "
                "every call, in any order: draw masks or weights once, before, and not in the call"
            )


def _number_of(inputs: Any) -> int:
    if isinstance(inputs, Mapping):
        return len(next(iter(inputs.values())))
    return int(inputs.shape[0]) if hasattr(inputs, "shape") else len(inputs)  # a sparse matrix has no len


def _taken(inputs: Any, places: Tensor) -> Any:
    """Some of the inputs, in that order."""
    if isinstance(inputs, Mapping):
        return {name: value[places.to(value.device)] for name, value in inputs.items()}
    if isinstance(inputs, Tensor):
        return inputs[places.to(inputs.device)]
    if hasattr(inputs, "shape"):
        return inputs[places.numpy()]
    return [inputs[place] for place in places.tolist()]
