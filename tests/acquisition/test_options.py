import inspect
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields

import pytest

from lindley.acquisition.specs import ACQUISITIONS, BatchBALDOptions
from lindley.errors import InputError

DATACLASSES = {spec.options for spec in ACQUISITIONS.values()}
OPTIONS = sorted(((each, field.name) for each in DATACLASSES for field in fields(each)), key=str)
WRONG = [math.nan, math.inf, -1, "none of these", [1], {}, b"auto", 1j]


def option_id(value):
    return getattr(value, "__name__", str(value)[:20])


@pytest.mark.parametrize("value", WRONG, ids=option_id)
@pytest.mark.parametrize(("options", "name"), OPTIONS, ids=option_id)
def test_every_option_refuses_what_it_cannot_use(options, name, value):
    with pytest.raises(InputError) as caught:
        options(**{name: value})
    assert caught.value.argument == name
    assert repr(caught.value.got) == repr(value)


@pytest.mark.parametrize(("options", "name"), OPTIONS, ids=option_id)
def test_only_yes_or_no_may_be_a_boolean(options, name):
    if name == "normalise":
        options(normalise=False)
    else:
        with pytest.raises(InputError) as caught:
            options(**{name: True})
        assert caught.value.argument == name


@pytest.mark.parametrize("name", ["beta", "tolerance", "noise", "regularisation", "delta", "sigma"])
def test_a_number_must_fit_into_a_float(name):
    for options in (options for options, option in OPTIONS if option == name):
        with pytest.raises(InputError) as caught:
            options(**{name: 10**400})
        assert caught.value.argument == name


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_the_function_takes_the_options_of_its_spec_with_their_defaults(name):
    spec = ACQUISITIONS[name]
    parameters = list(inspect.signature(spec.acquisition).parameters.values())
    assert [each.name for each in parameters[:3]] == ["context", "batch_size", "seed"]
    taken = {each.name: each.default for each in parameters[3:]}
    assert taken == {field.name: field.default for field in fields(spec.options)}
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in parameters[2:])


def test_options_do_not_change():
    with pytest.raises(FrozenInstanceError):
        BatchBALDOptions().tolerance = 1.0


def test_specs_and_options_import_nothing_heavy():
    heavy = {"torch", "numpy", "scipy", "sklearn", "pandas"}
    check = f"import sys, lindley.acquisition.specs as s; print(len(s.ACQUISITIONS), {heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == [str(len(ACQUISITIONS)), "set()"]
