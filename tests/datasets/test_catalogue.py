import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from types import ModuleType

import pytest
import torch

from lindley.contracts import Classification
from lindley.datasets.catalogue import DATASETS, DatasetSpec, check_dataset_options, fetch, load, status
from lindley.datasets.dataset import Dataset
from lindley.datasets.idx import parse_idx
from lindley.errors import DataError, InputError
from lindley.pools.memory import MemoryPool

WITHOUT_FILES = [name for name, entry in DATASETS.items() if not entry.files]
WITH_FILES = [name for name, entry in DATASETS.items() if entry.files]


def test_the_data_sets_of_the_box_are_there_without_files():
    assert WITHOUT_FILES == ["two-moons", "digits"]
    assert WITH_FILES == ["mnist", "fashion-mnist", "repeated-mnist"]


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_an_entry_says_truly_how_large_its_data_set_is(cache, name):
    _check_entry(load(name), name)
    assert not cache.exists()


@pytest.mark.parametrize("name", WITH_FILES)
def test_an_entry_of_files_says_truly_how_large_its_data_set_is(load_real, name):
    _check_entry(load_real(name), name)


def _check_entry(data, name):
    entry = DATASETS[name]
    assert data.name == name
    assert (len(data.pool), len(data.test_inputs)) == (entry.num_rows, entry.num_test)
    assert (data.task, data.task.class_names) == (entry.task, entry.class_names)
    assert data.input_shape == entry.input_shape
    assert data.pool.read(torch.tensor([0])).shape == (1, *data.input_shape)
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in data.hashes.values())
    assert data.hashes


def test_seed_and_options_reach_the_data_set():
    data = load("two-moons", seed=5, options={"num_pool": 30, "num_test": 20, "noise": 0.05})
    assert (len(data.pool), len(data.test_inputs)) == (30, 20)
    assert data.hashes != load("two-moons", seed=6, options={"num_pool": 30, "num_test": 20, "noise": 0.05}).hashes
    assert data.hashes != load("two-moons", seed=5, options={"num_pool": 30, "num_test": 20}).hashes


@pytest.mark.parametrize("name", DATASETS)
def test_the_defaults_of_an_entry_are_those_that_it_loads_with(load_real, name):
    options = {key: option.default for key, option in DATASETS[name].options.items()}
    assert load_real(name, options=options).hashes == load_real(name).hashes


@pytest.mark.parametrize("call", [load, fetch])
def test_an_unknown_name_is_refused_with_the_known_ones_and_the_nearest(call):
    with pytest.raises(InputError) as caught:
        call("minst")
    assert (caught.value.argument, caught.value.got) == ("name", "minst")
    assert all(name in str(caught.value) for name in DATASETS)
    assert '"mnist"' in str(caught.value)


def test_an_unknown_option_is_refused_with_the_known_ones_and_the_nearest():
    with pytest.raises(InputError) as caught:
        load("two-moons", options={"nois": 0.1})
    assert (caught.value.argument, caught.value.got) == ("nois", 0.1)
    assert all(name in str(caught.value) for name in ("two-moons", "num_pool", "num_test", '"noise"'))


def test_an_option_of_a_data_set_that_has_none_is_refused():
    with pytest.raises(InputError) as caught:
        load("digits", options={"repeats": 3})
    assert (caught.value.argument, caught.value.got) == ("repeats", 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_pool": 1},
        {"num_pool": 10.0},
        {"num_pool": True},
        {"num_test": "10"},
        {"noise": -0.1},
        {"noise": float("nan")},
        {"noise": float("inf")},
        {"noise": None},
        {"noise": False},
    ],
)
def test_an_option_of_the_wrong_type_or_size_is_refused_by_name(wrong):
    [(key, value)] = wrong.items()
    with pytest.raises(InputError) as caught:
        load("two-moons", options=wrong)
    assert caught.value.argument == key
    assert caught.value.got is value


def test_a_whole_number_serves_where_any_number_does():
    assert check_dataset_options("two-moons", {"noise": 1}) == {"noise": 1}


def made_up(*, read):
    (file,) = DATASETS["small"].files
    images = torch.from_numpy(parse_idx(read(file), name=file.path) / 1.0)
    return Dataset(
        name="small",
        task=Classification(("a", "b")),
        pool=MemoryPool(images),
        classes=torch.zeros(3, dtype=torch.int64),
        test_inputs=images[:1],
        test_classes=torch.zeros(1, dtype=torch.int64),
        input_shape=(4, 5),
    )


@pytest.fixture
def made_up_module(monkeypatch):
    """A module that can be imported by its name, as that of a data set can."""
    module = ModuleType("made_up_data")
    module.made_up = made_up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module.__name__


@pytest.fixture
def small(monkeypatch, mirrors, small_file, made_up_module):
    """A data set of one small file, fetched from the mirror named."""

    def put(*behaviours):
        file = small_file(*map(mirrors.folder, behaviours))
        entry = DatasetSpec(
            "small",
            f"{made_up_module}:made_up",
            "made-up",
            ("a", "b"),
            num_rows=3,
            num_test=1,
            input_shape=(2,),
            reference="made up",
            licence="none",
            files=(file,),
        )
        monkeypatch.setitem(DATASETS, "small", entry)

    return put


def test_status_says_what_will_be_fetched_and_after_fetching_where_it_is(cache, small, mirrors):
    small("missing", "good")
    before = status()[-1]
    assert before.where == f"will be fetched to {cache / 'small'}"
    assert before.missing == ("small/images-idx3-ubyte.gz",)
    assert mirrors.asked == []
    after = fetch("small")
    assert (after.where, after.missing) == (str(cache / "small"), ())
    assert after == status()[-1]


def test_status_names_the_folder_of_the_user(cache, small, good, tmp_path):
    small("good")
    own = tmp_path / "own" / "small"
    own.mkdir(parents=True)
    (own / "images-idx3-ubyte.gz").write_bytes(good)
    found = status(tmp_path / "own")[-1]
    assert found.where == str(own)


def test_fetching_verifies_what_is_already_there(cache, small, good, tmp_path):
    small("good")
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "images-idx3-ubyte.gz").write_bytes(good[:-1])
    with pytest.raises(DataError) as caught:
        fetch("small", tmp_path)
    assert caught.value.path == tmp_path / "small" / "images-idx3-ubyte.gz"


def test_loading_fetches_what_is_missing_unless_told_not_to(cache, small, mirrors):
    small("altered", "good")
    with pytest.raises(DataError) as caught:
        load("small", download=False)
    assert caught.value.path == DATASETS["small"].files[0].path
    assert mirrors.asked == []
    assert load("small").test_inputs.flatten().tolist() == [*range(20)]
    assert mirrors.asked == ["altered", "good"]


def test_data_sets_that_need_no_files_say_so(cache):
    assert [each.name for each in status() if each.where == "needs no files"] == WITHOUT_FILES


def test_listing_the_data_sets_imports_nothing_heavy():
    heavy = ("torch", "numpy", "scipy", "sklearn", "pydantic", "rich")
    code = f"""
import sys
from lindley.datasets.catalogue import check_dataset_options, status
status(), check_dataset_options("two-moons", {{"noise": 0.1}})
print([name for name in {heavy!r} if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("extra", ["", "audio"])
def test_a_data_set_whose_package_is_missing_names_the_extra(monkeypatch, extra):
    spec = replace(DATASETS["digits"], path="not_installed_here:speech", extra=extra)
    monkeypatch.setitem(DATASETS, "speech", spec)
    with pytest.raises((InputError, ModuleNotFoundError)) as caught:
        load("speech")
    assert isinstance(caught.value, InputError) == bool(extra)
    assert ("lindley[audio]" in str(caught.value)) == bool(extra)


def test_every_entry_says_where_it_is_from_and_under_which_licence():
    assert all(name == spec.name and spec.title and spec.reference and spec.licence for name, spec in DATASETS.items())


def test_the_page_on_data_lists_every_data_set():
    pytest.importorskip("sphinx")
    docs = Path(__file__).parents[2] / "docs"
    tables = run_path(str(docs / "_ext" / "catalogue_tables.py"))
    heading, _, *lines = tables["markdown"](tables["data_sets"]())
    assert len({line.count(" | ") for line in (heading, *lines)}) == 1
    assert [line.split(" | ")[0] for line in lines] == [f"| `{name}`" for name in DATASETS]
    assert "```{catalogue} data-sets\n" in (docs / "data.md").read_text(encoding="utf-8")
