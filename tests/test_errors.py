"""The fields of errors and the sentences made of them."""

from lindley.errors import Argument, InputError


def test_an_input_error_carries_what_its_message_says() -> None:
    error = InputError("Lower it.", argument="batch_size", expected="at most 40", got=50)
    assert (error.argument, error.expected, error.got, error.rows) == ("batch_size", "at most 40", 50, ())
    assert str(error) == "batch_size must be at most 40; got 50. Lower it."


def test_rows_at_fault_are_named_and_all_of_them_are_kept() -> None:
    error = InputError(argument="log_probs", expected="numbers", got=float("nan"), rows=range(12))
    assert error.rows == tuple(range(12))
    assert str(error) == "log_probs must be numbers; got nan in rows [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] and 2 more."


def test_none_is_a_value_that_can_have_come() -> None:
    assert str(InputError(argument="seed", expected="a number", got=None)) == "seed must be a number; got None."
    assert str(InputError(argument="seed", expected="a number")) == "seed must be a number."


def test_arguments_in_the_advice_are_written_by_the_edge() -> None:
    error = InputError("pass ", Argument("targets"), argument="targets", expected="given")
    assert error.arguments == ("targets",)
    assert error.render(lambda argument: f"--{argument.name} FILE") == "targets must be given. pass --targets FILE"
